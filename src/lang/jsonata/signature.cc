#include "lang/jsonata/signature.h"

#include <algorithm>
#include <utility>

namespace stepmill::jsonata {
namespace {

uint16_t BitOf(char letter) { return TypeBits(std::string_view(&letter, 1)); }

char LetterOf(const Value& value) {
  switch (value.tag) {
    case Tag::kNull: return 'l';
    case Tag::kBool: return 'b';
    case Tag::kNumber: return 'n';
    case Tag::kString: return 's';
    case Tag::kJsonArray:
    case Tag::kList: return 'a';
    case Tag::kJsonObject:
    case Tag::kObject: return 'o';
    case Tag::kFunction: return 'f';
    default: return 'm';
  }
}

/// Matches the arguments' letters against the parameters from one on, as many
/// as possible each, as a regular expression would; `taken` gets how many each
/// took.
class Matcher {
 public:
  Matcher(const Signature& signature, const uint16_t* bits, uint32_t count)
      : signature_(signature), bits_(bits), count_(count) {}

  bool Match(uint32_t parameter, uint32_t argument, uint32_t end, bool is_whole) {
    if (parameter == end) {
      reached = argument;
      return !is_whole || argument == count_;
    }
    const Parameter& p = signature_.parameters[parameter];
    const bool fits = argument < count_ && (bits_[argument] & p.types);
    if (fits && p.is_repeated) {
      uint32_t most = argument + 1;
      while (most < count_ && (bits_[most] & p.types)) ++most;
      for (uint32_t next = most; next > argument; --next) {
        taken[parameter] = next - argument;
        if (Match(parameter + 1, next, end, is_whole)) return true;
      }
    } else if (fits) {
      taken[parameter] = 1;
      if (Match(parameter + 1, argument + 1, end, is_whole)) return true;
    }
    taken[parameter] = 0;
    if (!p.is_optional && !p.is_context) return false;
    return Match(parameter + 1, argument, end, is_whole);
  }

  uint32_t taken[kSignatureParametersMax] = {};
  uint32_t reached = 0;

 private:
  const Signature& signature_;
  const uint16_t* bits_;
  uint32_t count_;
};

std::string_view PluralOf(std::string_view subtype) {
  constexpr std::pair<std::string_view, std::string_view> kPlurals[] = {
      {"a", "arrays"},  {"b", "booleans"}, {"f", "functions"},
      {"n", "numbers"}, {"o", "objects"},  {"s", "strings"}};
  for (const auto& [letter, plural] : kPlurals)
    if (letter == subtype) return plural;
  return {};
}

/// An argument of an array parameter: checks what is in it, makes an array of
/// what is none.
bool FitArray(const Parameter& parameter, uint32_t taken, Heap& heap, Value& argument) {
  const char letter = LetterOf(argument);
  if (letter == 'm') return true;
  if (!parameter.subtype.empty()) {
    if (letter != 'a') {
      if (taken != 1 || parameter.subtype.size() != 1 || parameter.subtype[0] != letter)
        return false;
    } else {
      const Items items(argument);
      for (uint32_t i = 0; i < items.size; ++i)
        if (LetterOf(items[i]) != parameter.subtype[0]) return false;
    }
  }
  if (letter != 'a') {
    List* list = NewList(heap, 1);
    Push(heap, *list, argument);
    argument = Value(list);
  }
  return true;
}

}  // namespace

const Signature* ParseSignature(std::string_view text, Heap& heap, SyntaxFault& fault) {
  Parameter parameters[kSignatureParametersMax];
  uint32_t count = 0;
  const SignatureProblem problem = ReadParameters(text, parameters, kSignatureParametersMax, count);
  if (!problem.code.empty()) {
    fault = {problem.code, static_cast<uint32_t>(problem.offset), "",
             problem.value.empty() ? "" : "\"" + std::string(problem.value) + "\"", ""};
    return nullptr;
  }
  Signature* out = heap.New<Signature>();
  auto* data = static_cast<Parameter*>(heap.Take(count * sizeof(Parameter)));
  std::copy(parameters, parameters + count, data);
  *out = {data, count};
  return out;
}

/// The usual call: each argument fits its parameter as it is, and those left
/// out are optional.
static bool FitsAsItIs(const Signature& signature, const Value* arguments, uint32_t count) {
  if (count > signature.count) return false;
  for (uint32_t i = 0; i < signature.count; ++i) {
    const Parameter& parameter = signature.parameters[i];
    if (i >= count) {
      if (!parameter.is_optional || parameter.is_context) return false;
      continue;
    }
    const char letter = LetterOf(arguments[i]);
    if (parameter.is_repeated || !(BitOf(letter) & parameter.types)) return false;
    if (parameter.type == 'a' && (letter != 'a' || !parameter.subtype.empty())) return false;
  }
  return true;
}

Mismatch Fit(const Signature& signature, Value* arguments, uint32_t count, const Value& context,
             Heap& heap, Value*& out, uint32_t& out_count) {
  if (FitsAsItIs(signature, arguments, count)) {
    out = arguments;
    out_count = count;
    return {};
  }
  auto* bits = static_cast<uint16_t*>(heap.Take((count + 1) * sizeof(uint16_t)));
  for (uint32_t i = 0; i < count; ++i) bits[i] = BitOf(LetterOf(arguments[i]));
  Matcher matcher(signature, bits, count);
  if (!matcher.Match(0, 0, signature.count, true)) {
    uint32_t good = 0;
    for (uint32_t end = 1; end <= signature.count; ++end) {
      if (!matcher.Match(0, 0, end, false)) break;
      good = matcher.reached;
    }
    return {"T0410", good + 1, good < count ? arguments[good] : Value(), {}};
  }
  out = static_cast<Value*>(heap.Take((count + signature.count) * sizeof(Value)));
  out_count = 0;
  uint32_t at = 0;
  for (uint32_t i = 0; i < signature.count; ++i) {
    const Parameter& parameter = signature.parameters[i];
    const uint32_t taken = matcher.taken[i];
    if (taken == 0) {
      if (parameter.is_context) {
        if (!(BitOf(LetterOf(context)) & parameter.types)) return {"T0411", at + 1, context, {}};
        out[out_count++] = context;
      } else {
        out[out_count++] = at < count ? arguments[at] : Value();
        ++at;
      }
      continue;
    }
    for (uint32_t n = 0; n < taken; ++n) {
      Value argument = at < count ? arguments[at] : Value();
      if (parameter.type == 'a' && !FitArray(parameter, taken, heap, argument)) {
        return {"T0412", at + 1, argument, PluralOf(parameter.subtype)};
      }
      out[out_count++] = argument;
      ++at;
    }
  }
  return {};
}

}  // namespace stepmill::jsonata
