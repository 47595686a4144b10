#include "lang/jsonata/lexer.h"

#include <charconv>
#include <cmath>

#include "lang/jsonata/text.h"

namespace stepmill::jsonata {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool EndsName(char c) {
  constexpr std::string_view kStops = " \t\n\r\v.[]{}(),@#;:?+-*/%|=<>^&!~";
  return kStops.find(c) != std::string_view::npos;
}
bool IsOperator(char c) { return !IsSpace(c) && EndsName(c); }

int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

bool Lexer::Fail(std::string_view code, size_t position, std::string token) {
  fault_ = {code, static_cast<uint32_t>(position), std::move(token), "", ""};
  return false;
}

bool Lexer::SkipSpace() {
  for (;;) {
    while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
    if (At(at_) != '/' || At(at_ + 1) != '*') return true;
    const size_t end = text_.find("*/", at_ + 2);
    if (end == std::string_view::npos) return Fail("S0106", at_);
    at_ = end + 2;
  }
}

bool Lexer::Next(bool is_infix, Token& token) {
  token = Token();
  if (!SkipSpace()) return false;
  if (at_ >= text_.size()) {
    token.position = static_cast<uint32_t>(text_.size());
    return true;
  }
  const char c = text_[at_];
  if (c == '/' && !is_infix) return ReadRegex(token);
  if (IsOperator(c)) {
    constexpr std::string_view kPairs[] = {"..", ":=", "!=", ">=", "<=", "**", "~>", "?:", "??"};
    const std::string_view two = text_.substr(at_, 2);
    size_t length = 1;
    for (const std::string_view pair : kPairs)
      if (pair == two && !(is_old_ && c == '?')) length = 2;
    token.kind = TokenKind::kOperator;
    token.text = text_.substr(at_, length);
    at_ += length;
    token.position = static_cast<uint32_t>(at_);
    return true;
  }
  if (c == '"' || c == '\'') return ReadString(token);
  if (IsDigit(c)) return ReadNumber(token);
  if (c == '`') return ReadQuotedName(token);
  return ReadName(token);
}

bool Lexer::ReadEscape(std::string& out) {
  constexpr std::string_view kFrom = "\"\\/bfnrt";
  constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
  const char c = At(at_);
  const size_t simple = at_ < text_.size() ? kFrom.find(c) : std::string_view::npos;
  if (simple != std::string_view::npos) {
    out += kTo[simple];
    return true;
  }
  if (c == 'u') {
    uint32_t unit = 0;
    for (size_t i = 1; i <= 4; ++i) {
      const int digit = HexDigit(At(at_ + i));
      if (digit < 0) return Fail("S0104", at_);
      unit = unit * 16 + static_cast<uint32_t>(digit);
    }
    AppendCharacter(out, unit);
    at_ += 4;
    return true;
  }
  size_t end = at_;
  std::string token;
  if (at_ < text_.size()) AppendCharacter(token, NextCharacter(text_, end));
  return Fail("S0103", at_, "\"" + token + "\"");
}

bool Lexer::ReadString(Token& token) {
  const char quote = text_[at_++];
  const size_t begin = at_;
  token.kind = TokenKind::kString;
  // Most have no escapes: they stay where they are.
  while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\\') ++at_;
  if (At(at_) == quote) {
    token.text = text_.substr(begin, at_ - begin);
    token.position = static_cast<uint32_t>(++at_);
    return true;
  }
  std::string out(text_.substr(begin, at_ - begin));
  for (; at_ < text_.size(); ++at_) {
    if (text_[at_] == quote) {
      token.text = heap_.Copy(out.find('\xED') == std::string::npos ? out : JoinSurrogates(out));
      token.position = static_cast<uint32_t>(++at_);
      return true;
    }
    if (text_[at_] != '\\') {
      out += text_[at_];
      continue;
    }
    ++at_;
    if (!ReadEscape(out)) return false;
  }
  return Fail("S0101", text_.size());
}

bool Lexer::ReadNumber(Token& token) {
  size_t end = at_;
  const auto digits = [&] {
    while (IsDigit(At(end))) ++end;
  };
  if (At(end) == '0') {
    ++end;
  } else {
    digits();
  }
  if (At(end) == '.' && IsDigit(At(end + 1))) {
    ++end;
    digits();
  }
  if (At(end) == 'e' || At(end) == 'E') {
    const size_t sign = At(end + 1) == '+' || At(end + 1) == '-' ? 2 : 1;
    if (IsDigit(At(end + sign))) {
      end += sign;
      digits();
    }
  }
  const std::string_view text = text_.substr(at_, end - at_);
  double number = 0;
  const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure == std::errc::result_out_of_range) {
    number = std::strtod(std::string(text).c_str(), nullptr);
  }
  if (!std::isfinite(number)) return Fail("S0102", at_, "\"" + std::string(text) + "\"");
  at_ = end;
  token.kind = TokenKind::kNumber;
  token.text = text;
  token.value = Value(number);
  token.position = static_cast<uint32_t>(at_);
  return true;
}

bool Lexer::ReadRegex(Token& token) {
  const size_t begin = ++at_;
  int depth = 0;
  for (; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    const bool is_after_backslash = text_[at_ - 1] == '\\' && at_ > begin;
    if (c == '/' && depth == 0) {
      size_t backslashes = 0;
      while (at_ - backslashes > begin && text_[at_ - backslashes - 1] == '\\') ++backslashes;
      if (backslashes % 2 == 0) {
        if (at_ == begin) return Fail("S0301", at_);
        token.text = text_.substr(begin, at_ - begin);
        const size_t flags = ++at_;
        while (At(at_) == 'i' || At(at_) == 'm') ++at_;
        token.flags = text_.substr(flags, at_ - flags);
        token.kind = TokenKind::kRegex;
        token.position = static_cast<uint32_t>(at_);
        return true;
      }
    }
    if (is_after_backslash) continue;
    if (c == '(' || c == '[' || c == '{') ++depth;
    if (c == ')' || c == ']' || c == '}') --depth;
  }
  return Fail("S0302", text_.size());
}

bool Lexer::ReadQuotedName(Token& token) {
  const size_t end = text_.find('`', ++at_);
  if (end == std::string_view::npos) return Fail("S0105", text_.size());
  token.kind = TokenKind::kName;
  token.text = text_.substr(at_, end - at_);
  at_ = end + 1;
  token.position = static_cast<uint32_t>(at_);
  return true;
}

bool Lexer::ReadName(Token& token) {
  const size_t begin = at_;
  while (at_ < text_.size() && !EndsName(text_[at_])) ++at_;
  std::string_view name = text_.substr(begin, at_ - begin);
  token.position = static_cast<uint32_t>(at_);
  token.text = name;
  if (name.starts_with('$')) {
    token.kind = TokenKind::kVariable;
    token.text = name.substr(1);
  } else if (name == "and" || name == "or" || name == "in") {
    token.kind = TokenKind::kOperator;
  } else if (name == "true" || name == "false") {
    token.kind = TokenKind::kLiteral;
    token.value = Value::Bool(name == "true");
  } else if (name == "null") {
    token.kind = TokenKind::kLiteral;
    token.value = Value::Null();
  } else {
    token.kind = TokenKind::kName;
  }
  return true;
}

}  // namespace stepmill::jsonata
