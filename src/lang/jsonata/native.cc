#include "lang/jsonata/native.h"

#include <algorithm>
#include <array>

#include "lang/jsonata/functions.h"

namespace stepmill::jsonata {
namespace {

// Signatures as docs.jsonata.org/programming#function-signatures writes them,
// and how many arguments a function takes when another one calls it back.
constexpr Native kNatives[] = {
    MakeNative("abs", "<n-:n>", 1, AbsFunction),
    MakeNative("append", "<xx:a>", 2, AppendFunction),
    MakeNative("assert", "<bs?:x>", 2, AssertFunction),
    MakeNative("average", "<a<n>:n>", 1, AverageFunction),
    MakeNative("base64decode", "<s-:s>", 1, Base64DecodeFunction),
    MakeNative("base64encode", "<s-:s>", 1, Base64EncodeFunction),
    MakeNative("boolean", "<x-:b>", 1, BooleanFunction),
    MakeNative("ceil", "<n-:n>", 1, CeilFunction),
    MakeNative("clone", "<(oa)-:o>", 1, CloneFunction),
    MakeNative("contains", "<s-(sf):b>", 2, ContainsFunction),
    MakeNative("count", "<a:n>", 1, CountFunction),
    MakeNative("decodeUrl", "<s-:s>", 1, DecodeUrlFunction),
    MakeNative("decodeUrlComponent", "<s-:s>", 1, DecodeUrlComponentFunction),
    MakeNative("distinct", "<x:x>", 1, DistinctFunction),
    MakeNative("each", "<o-f:a>", 2, EachFunction),
    MakeNative("encodeUrl", "<s-:s>", 1, EncodeUrlFunction),
    MakeNative("encodeUrlComponent", "<s-:s>", 1, EncodeUrlComponentFunction),
    MakeNative("error", "<s?:x>", 1, ErrorFunction),
    MakeNative("eval", "<sx?:x>", 2, EvalFunction),
    MakeNative("exists", "<x:b>", 1, ExistsFunction),
    MakeNative("filter", "<af>", 2, FilterFunction),
    MakeNative("floor", "<n-:n>", 1, FloorFunction),
    MakeNative("formatBase", "<n-n?:s>", 2, FormatBaseFunction),
    MakeNative("formatInteger", "<n-s:s>", 2, FormatIntegerFunction),
    MakeNative("formatNumber", "<n-so?:s>", 3, FormatNumberFunction),
    MakeNative("fromMillis", "<n-s?s?:s>", 3, FromMillisFunction),
    MakeNative("join", "<a<s>s?:s>", 2, JoinFunction),
    MakeNative("keys", "<x-:a<s>>", 1, KeysFunction),
    MakeNative("length", "<s-:n>", 1, LengthFunction),
    MakeNative("lookup", "<x-s:x>", 2, LookupFunction),
    MakeNative("lowercase", "<s-:s>", 1, LowercaseFunction),
    MakeNative("map", "<af>", 2, MapFunction),
    MakeNative("match", "<s-f<s:o>n?:a<o>>", 3, MatchFunction),
    MakeNative("max", "<a<n>:n>", 1, MaxFunction),
    MakeNative("merge", "<a<o>:o>", 1, MergeFunction),
    MakeNative("millis", "<:n>", 0, MillisFunction),
    MakeNative("min", "<a<n>:n>", 1, MinFunction),
    MakeNative("not", "<x-:b>", 1, NotFunction),
    MakeNative("now", "<s?s?:s>", 2, NowFunction),
    MakeNative("number", "<(nsb)-:n>", 1, NumberFunction),
    MakeNative("pad", "<s-ns?:s>", 3, PadFunction),
    MakeNative("parseInteger", "<s-s:n>", 2, ParseIntegerFunction),
    MakeNative("power", "<n-n:n>", 2, PowerFunction),
    MakeNative("random", "<:n>", 0, RandomFunction),
    MakeNative("reduce", "<afj?:j>", 3, ReduceFunction),
    MakeNative("replace", "<s-(sf)(sf)n?:s>", 4, ReplaceFunction),
    MakeNative("reverse", "<a:a>", 1, ReverseFunction),
    MakeNative("round", "<n-n?:n>", 2, RoundFunction),
    MakeNative("shuffle", "<a:a>", 1, ShuffleFunction),
    MakeNative("sift", "<o-f?:o>", 2, SiftFunction),
    MakeNative("single", "<af?>", 2, SingleFunction),
    MakeNative("sort", "<af?:a>", 2, SortFunction),
    MakeNative("split", "<s-(sf)n?:a<s>>", 3, SplitFunction),
    MakeNative("spread", "<x-:a<o>>", 1, SpreadFunction),
    MakeNative("sqrt", "<n-:n>", 1, SqrtFunction),
    MakeNative("string", "<x-b?:s>", 1, StringFunction),
    MakeNative("substring", "<s-nn?:s>", 3, SubstringFunction),
    MakeNative("substringAfter", "<s-s:s>", 2, SubstringAfterFunction),
    MakeNative("substringBefore", "<s-s:s>", 2, SubstringBeforeFunction),
    MakeNative("sum", "<a<n>:n>", 1, SumFunction),
    MakeNative("toMillis", "<s-s?:n>", 2, ToMillisFunction),
    MakeNative("trim", "<s-:s>", 1, TrimFunction),
    MakeNative("type", "<x:s>", 1, TypeFunction),
    MakeNative("uppercase", "<s-:s>", 1, UppercaseFunction),
    MakeNative("zip", "<a+>", 0, ZipFunction),
};

// docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html: "JSONata
// functions provided by Step Functions".
constexpr Native kStatesNatives[] = {
    MakeNative("hash", "<ss?:s>", 2, HashFunction),
    MakeNative("parse", "<s-:x>", 1, ParseFunction),
    MakeNative("partition", "<an:a>", 2, PartitionFunction),
    MakeNative("random", "<n?:n>", 1, SeededRandomFunction),
    MakeNative("range", "<nnn:a>", 3, RangeFunction),
    MakeNative("uuid", "<:s>", 0, UuidFunction),
};

template <size_t N>
const Native* FindIn(const Native (&table)[N], std::string_view name) {
  const Native* at = std::lower_bound(
      std::begin(table), std::end(table), name,
      [](const Native& native, std::string_view wanted) { return native.name < wanted; });
  return at != std::end(table) && at->name == name ? at : nullptr;
}

}  // namespace

const Native* FindNative(std::string_view name, Dialect dialect) {
  if (dialect == Dialect::kStates) {
    if (const Native* found = FindIn(kStatesNatives, name)) return found;
    if (name == "eval") return nullptr;
  }
  return FindIn(kNatives, name);
}

}  // namespace stepmill::jsonata
