#pragma once

#include <string_view>

#include "base/result.h"
#include "lang/jsonata/node.h"

namespace stepmill::jsonata {

enum class TokenKind : uint8_t {
  kEnd,
  kName,
  kVariable,
  kString,
  kNumber,
  kLiteral,
  kRegex,
  kOperator
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  uint32_t position = 0;   ///< bytes, behind the token
  std::string_view text;   ///< operator, name, string, regex source
  std::string_view flags;  ///< of a regex
  Value value;             ///< kNumber, kLiteral
};

inline constexpr uint32_t kNoPosition = UINT32_MAX;

/// A failure of the language before its message is made (fault.h).
struct SyntaxFault {
  std::string_view code;
  uint32_t position = 0;  ///< bytes
  std::string token;      ///< JSON text; empty: none
  std::string value;      ///< JSON text; empty: none
  std::string message;    ///< where the code alone does not say it
};

/// Cuts an expression into tokens.
class Lexer {
 public:
  /// With `is_old` the operators `??` and `?:` are not known (JSONata 2.0).
  Lexer(std::string_view text, Heap& heap, bool is_old)
      : text_(text), heap_(heap), is_old_(is_old) {}

  /// `is_infix`: an operator is expected, so "/" is a division. False:
  /// `fault()` says why.
  bool Next(bool is_infix, Token& token);
  const SyntaxFault& fault() const { return fault_; }

 private:
  bool SkipSpace();
  bool ReadString(Token& token);
  bool ReadEscape(std::string& out);
  bool ReadNumber(Token& token);
  bool ReadRegex(Token& token);
  bool ReadQuotedName(Token& token);
  bool ReadName(Token& token);
  bool Fail(std::string_view code, size_t position, std::string token = "");
  char At(size_t i) const { return i < text_.size() ? text_[i] : '\0'; }

  std::string_view text_;
  Heap& heap_;
  bool is_old_;
  size_t at_ = 0;
  SyntaxFault fault_;
};

}  // namespace stepmill::jsonata
