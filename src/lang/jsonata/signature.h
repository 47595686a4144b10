#pragma once

#include <string_view>

#include "lang/jsonata/lexer.h"
#include "lang/jsonata/value.h"

namespace stepmill::jsonata {

/// One parameter of `<...>`: the types it takes as a set of bits, how often,
/// and what it falls back to.
struct Parameter {
  uint16_t types = 0;
  char type = 0;  ///< the letter; '(' for a choice
  bool is_optional = false;
  bool is_repeated = false;
  bool is_context = false;        ///< "-": the context where it is missing
  std::string_view subtype = {};  ///< of a<..>, f<..>
};

struct Signature {
  const Parameter* parameters = nullptr;
  uint32_t count = 0;
};

inline constexpr std::string_view kTypeLetters = "snblofam";  // m: missing
constexpr uint16_t TypeBits(std::string_view letters) {
  uint16_t out = 0;
  for (const char c : letters) {
    const size_t at = kTypeLetters.find(c);
    if (at != std::string_view::npos) out |= static_cast<uint16_t>(1u << at);
  }
  return out;
}
constexpr size_t ClosingBracket(std::string_view text, size_t open) {
  const char opening = text[open], closing = opening == '(' ? ')' : '>';
  int depth = 1;
  size_t at = open;
  while (++at < text.size()) {
    if (text[at] == closing && --depth == 0) break;
    if (text[at] == opening) ++depth;
  }
  return at;
}

/// What is wrong in a signature; `code` empty: nothing.
struct SignatureProblem {
  std::string_view code = {};
  size_t offset = 0;
  std::string_view value = {};
};

/// Reads "<s-nn?:s>" into at most `max` parameters. What it does not know says
/// nothing, as in the reference.
constexpr SignatureProblem ReadParameters(std::string_view text, Parameter* out, size_t max,
                                          uint32_t& count) {
  count = 0;
  for (size_t at = 1; at < text.size() && text[at] != ':'; ++at) {
    const char c = text[at];
    Parameter* last = count ? &out[count - 1] : nullptr;
    uint16_t types = 0;
    char type = c;
    size_t end = at;
    if (c == 's' || c == 'n' || c == 'b' || c == 'l' || c == 'o') {
      types = static_cast<uint16_t>(TypeBits(text.substr(at, 1)) | TypeBits("m"));
    } else if (c == 'a' || c == 'x') {
      types = TypeBits("asnblfom");
    } else if (c == 'j') {
      types = TypeBits("asnblom");
    } else if (c == 'f') {
      types = TypeBits("f");
    } else if (c == '(') {
      end = ClosingBracket(text, at);
      const std::string_view choice = text.substr(at + 1, end - at - 1);
      if (choice.find('<') != std::string_view::npos) return {"S0402", at, choice};
      types = static_cast<uint16_t>(TypeBits(choice) | TypeBits("m"));
    } else if (c == '<') {
      if (!last || (last->type != 'a' && last->type != 'f')) {
        return {"S0401", at, last ? std::string_view(&last->type, 1) : std::string_view()};
      }
      end = ClosingBracket(text, at);
      last->subtype = text.substr(at + 1, end - at - 1);
    } else if (last) {
      if (c == '-') last->is_context = true;
      if (c == '?') last->is_optional = true;
      if (c == '+') last->is_repeated = true;
    }
    at = end;
    if (!types) continue;
    if (count == max) break;
    out[count] = Parameter();
    out[count].types = types;
    out[count++].type = type;
  }
  return {};
}

/// On a heap. Null: `fault` has S0401 or S0402 with its offset as position.
const Signature* ParseSignature(std::string_view text, Heap& heap, SyntaxFault& fault);

/// What a call does not fulfil; `code` empty: nothing.
struct Mismatch {
  std::string_view code = {};
  uint32_t index = 0;  ///< 1-based argument
  Value value;
  std::string_view type = {};  ///< T0412: "strings", ...
};

/// Fits `count` arguments to the parameters: wraps single values where an array
/// is wanted, takes the context where one is missing. The result stands on the
/// heap, or is the arguments.
Mismatch Fit(const Signature& signature, Value* arguments, uint32_t count, const Value& context,
             Heap& heap, Value*& out, uint32_t& out_count);

}  // namespace stepmill::jsonata
