#include "lang/dynamodb/tokens.h"

#include <algorithm>

#include "base/strings.h"
#include "lang/dynamodb/limits.h"

namespace stepmill::dynamodb {

namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

size_t EndOf(std::string_view text, size_t from, bool (*is_part)(char)) {
  while (from < text.size() && is_part(text[from])) ++from;
  return from;
}
bool IsWordPart(char c) { return IsLetter(c) || IsDigit(c); }

Token NextToken(std::string_view text, size_t at) {
  const char c = text[at];
  const auto make = [&](Token::Kind kind, size_t end) {
    return Token{kind, text.substr(at, end - at), at};
  };
  if (IsLetter(c)) return make(Token::Kind::kWord, EndOf(text, at, IsWordPart));
  if (IsDigit(c)) return make(Token::Kind::kNumber, EndOf(text, at, IsDigit));
  if (c == '#' || c == ':') {
    const size_t end = EndOf(text, at + 1, IsWordPart);
    if (end == at + 1) return make(Token::Kind::kOther, end);
    return make(c == '#' ? Token::Kind::kName : Token::Kind::kValue, end);
  }
  const std::string_view two = text.substr(at, 2);
  if (two == "<=" || two == ">=" || two == "<>") return make(Token::Kind::kSymbol, at + 2);
  if (std::string_view("()[],.=<>+-").find(c) != std::string_view::npos)
    return make(Token::Kind::kSymbol, at + 1);
  // A character, not a byte of one.
  size_t end = at + 1;
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
  return make(Token::Kind::kOther, end);
}

}  // namespace

std::vector<Token> Tokenize(std::string_view text) {
  std::vector<Token> tokens;
  size_t at = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      ++at;
      continue;
    }
    tokens.push_back(NextToken(text, at));
    at += tokens.back().text.size();
  }
  tokens.push_back({Token::Kind::kEnd, "<EOF>", text.size()});
  return tokens;
}

Error InvalidExpression(std::string_view parameter, std::string_view message) {
  return {Code::kInvalid, "ValidationException",
          "Invalid " + std::string(parameter) + ": " + std::string(message)};
}

TokenReader::TokenReader(std::string_view text, std::string_view parameter)
    : text_(text), parameter_(parameter), tokens_(Tokenize(text)) {}

const Token& TokenReader::Peek(size_t ahead) const {
  return tokens_[std::min(place_ + ahead, tokens_.size() - 1)];
}

Token TokenReader::Next() {
  const Token token = Peek();
  if (place_ + 1 < tokens_.size()) ++place_;
  return token;
}

bool TokenReader::IsSymbol(std::string_view symbol, size_t ahead) const {
  const Token& token = Peek(ahead);
  return token.kind == Token::Kind::kSymbol && token.text == symbol;
}

bool TokenReader::IsWord(std::string_view word, size_t ahead) const {
  const Token& token = Peek(ahead);
  return token.kind == Token::Kind::kWord && EqualsIgnoreCase(token.text, word);
}

bool TokenReader::TakeSymbol(std::string_view symbol) {
  if (!IsSymbol(symbol)) return false;
  Next();
  return true;
}

bool TokenReader::TakeWord(std::string_view word) {
  if (!IsWord(word)) return false;
  Next();
  return true;
}

Error TokenReader::SyntaxError() const {
  const Token& token = Peek();
  const size_t from = place_ > 0 ? tokens_[place_ - 1].at : token.at;
  const Token& last = tokens_[std::min(place_ + 1, tokens_.size() - 1)];
  const size_t to = last.kind == Token::Kind::kEnd ? last.at : last.at + last.text.size();
  return Invalid("Syntax error; token: \"" + std::string(token.text) + "\", near: \"" +
                 std::string(Trim(text_.substr(from, to - from))) + "\"");
}

Result<> CheckExpressionText(std::string_view text, std::string_view parameter) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return InvalidExpression(parameter, "The expression can not be empty;");
  if (text.size() > kExpressionBytesMax)
    return InvalidExpression(parameter,
                             "Expression size has exceeded the maximum allowed size; expression "
                             "size: " +
                                 std::to_string(text.size()));
  return {};
}

}  // namespace stepmill::dynamodb
