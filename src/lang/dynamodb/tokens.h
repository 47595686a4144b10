#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace stepmill::dynamodb {

/// A word of an expression. `text` refers to the expression.
struct Token {
  enum class Kind { kWord, kName, kValue, kNumber, kSymbol, kOther, kEnd } kind = Kind::kEnd;
  std::string_view text;  ///< "<EOF>" at the end
  size_t at = 0;          ///< byte offset
};

/// The words of an expression, the last one of kind kEnd. kOther: a byte that begins no word.
std::vector<Token> Tokenize(std::string_view text);

/// "Invalid PARAMETER: MESSAGE"
Error InvalidExpression(std::string_view parameter, std::string_view message);

/// A place in the words, and what all parsers need of it.
class TokenReader {
 public:
  TokenReader(std::string_view text, std::string_view parameter);

  const Token& Peek(size_t ahead = 0) const;
  Token Next();
  bool IsSymbol(std::string_view symbol, size_t ahead = 0) const;
  bool IsWord(std::string_view word, size_t ahead = 0) const;  ///< in any case
  bool TakeSymbol(std::string_view symbol);
  bool TakeWord(std::string_view word);
  bool is_at_end() const { return Peek().kind == Token::Kind::kEnd; }
  /// "Syntax error; token: "x", near: "a x b"" at the next word.
  Error SyntaxError() const;
  Error Invalid(std::string_view message) const { return InvalidExpression(parameter_, message); }
  std::string_view parameter() const { return parameter_; }

  size_t place() const { return place_; }
  void GoTo(size_t place) { place_ = place; }

 private:
  std::string_view text_;
  std::string_view parameter_;
  std::vector<Token> tokens_;
  size_t place_ = 0;
};

/// ValidationException for an expression that is empty or too long.
Result<> CheckExpressionText(std::string_view text, std::string_view parameter);

}  // namespace stepmill::dynamodb
