#include <cmath>

#include "base/digest.h"
#include "base/strings.h"
#include "lang/jsonata/evaluator.h"
#include "lang/jsonata/functions.h"

// docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html: "JSONata
// functions provided by Step Functions".
namespace stepmill::jsonata {

uint64_t Evaluator::Random() {
  // splitmix64
  uint64_t z = chance_ += 0x9E3779B97F4A7C15ull;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

Value PartitionFunction(Arguments& call) {
  if (!call[0].is_array() || !call[1].is_number()) return {};
  Evaluator& evaluator = call.evaluator;
  Heap& heap = evaluator.heap();
  const Items items(call[0]);
  const double size = std::trunc(call[1].number);
  if (size < 0) return evaluator.Fail("D3020", call[1]);
  if (!(size >= 1) || !items.size) return {};
  List* out = NewList(heap);
  for (uint32_t at = 0; at < items.size;) {
    const auto count = static_cast<uint32_t>(std::min<double>(size, items.size - at));
    List* part = NewList(heap, count);
    for (uint32_t i = 0; i < count; ++i) Push(heap, *part, items[at++]);
    Push(heap, *out, Value(part));
    if (!evaluator.Charge(1 + count / 16)) return Value::Failed();
  }
  return out;
}

Value RangeFunction(Arguments& call) {
  if (!call[0].is_number() || !call[1].is_number() || !call[2].is_number()) return {};
  Evaluator& evaluator = call.evaluator;
  const double first = std::trunc(call[0].number), last = std::trunc(call[1].number);
  const double step = std::trunc(call[2].number);
  if (step == 0 || !std::isfinite(first + last + step)) return {};
  const double count = std::floor((last - first) / step) + 1;
  if (!(count >= 1)) return {};
  if (count > kStatesRangeFunctionMax) return evaluator.Fail("D2014", Value(count));
  List* out = NewSequence(evaluator.heap(), static_cast<size_t>(count));
  for (double i = 0; i < count; ++i) Push(evaluator.heap(), *out, Value(first + i * step));
  return evaluator.Charge(static_cast<int64_t>(count / 16)) ? Value(out) : Value::Failed();
}

Value HashFunction(Arguments& call) {
  if (!call[0].is_string()) return {};
  const std::string_view text = call[0].str();
  const std::string_view algorithm = call[1].is_string() ? call[1].str() : "SHA-256";
  std::string digest;
  if (algorithm == "MD5") digest = Md5(text);
  if (algorithm == "SHA-1") digest = Sha1(text);
  if (algorithm == "SHA-256") digest = Sha256(text);
  if (algorithm == "SHA-384") digest = Sha384(text);
  if (algorithm == "SHA-512") digest = Sha512(text);
  if (digest.empty()) {
    call.evaluator.Fail("D3137");
    if (call.evaluator.has_ended()) return Value::Failed();
    call.evaluator.fault().message =
        "Invalid hashing algorithm. Valid values are MD5, SHA-1, SHA-256, "
        "SHA-384, SHA-512";
    return Value::Failed();
  }
  return call.evaluator.Text(Hex(digest));
}

/// The first nextDouble() of java.util.Random (its documented generator) with a
/// seed.
static double JavaRandom(int64_t seed) {
  constexpr uint64_t kFactor = 0x5DEECE66Dull, kMask = (uint64_t{1} << 48) - 1;
  uint64_t state = (static_cast<uint64_t>(seed) ^ kFactor) & kMask;
  const auto next = [&](int bits) {
    state = (state * kFactor + 0xB) & kMask;
    return state >> (48 - bits);
  };
  const uint64_t high = next(26), low = next(27);
  return static_cast<double>((high << 27) + low) * 0x1.0p-53;
}

Value SeededRandomFunction(Arguments& call) {
  if (!call[0].is_number()) return RandomFunction(call);
  const double seed = std::clamp(std::trunc(call[0].number), -9.2e18, 9.2e18);
  return Value(JavaRandom(static_cast<int64_t>(seed)));
}

Value UuidFunction(Arguments& call) {
  const uint64_t high = call.evaluator.Random(), low = call.evaluator.Random();
  return call.evaluator.Text(Uuid(high, low));
}

/// A parsed value on the heap: nothing outlives the text it came from.
static Value FromParsed(Evaluator& evaluator, const Json& json) {
  Heap& heap = evaluator.heap();
  if (json.is_string()) return evaluator.Text(json.AsString());
  if (json.is_array()) {
    List* list = NewList(heap, json.size());
    for (const Json& item : json.items()) Push(heap, *list, FromParsed(evaluator, item));
    return list;
  }
  if (json.is_object()) {
    Object* object = NewObject(heap, json.size());
    for (const Json::Member& member : json.members())
      Set(heap, *object, heap.Copy(member.name), FromParsed(evaluator, member.value));
    return object;
  }
  return FromJson(json);
}

Value ParseFunction(Arguments& call) {
  if (!call[0].is_string()) return {};
  const Result<Json> json = ParseJson(call[0].str());
  if (!json) {
    call.evaluator.Fail("D3137");
    if (call.evaluator.has_ended()) return Value::Failed();
    call.evaluator.fault().message = "Invalid JSON: " + json.error().message;
    return Value::Failed();
  }
  return FromParsed(call.evaluator, *json);
}

}  // namespace stepmill::jsonata
