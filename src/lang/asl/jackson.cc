#include <cctype>
#include <string>

#include "lang/asl/definition.h"

namespace stepmill::asl {
namespace {

constexpr std::string_view kValues =
    "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
constexpr int kDepthMax = 1000;

// Walks a JSON text only to say what is wrong with it in Jackson's words.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::optional<JacksonProblem> Run() {
    Blanks();
    Value(0);
    return std::move(problem_);
  }

 private:
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool End() const { return at_ >= text_.size(); }
  void Blanks() {
    while (!End() && (Peek() == ' ' || Peek() == '\t' || Peek() == '\n' || Peek() == '\r')) ++at_;
  }
  // `upto`: bytes that the parser had read when it gave up.
  bool Fail(std::string message, size_t upto) {
    if (problem_) return false;
    JacksonProblem problem;
    problem.message = std::move(message);
    for (size_t i = 0; i < upto && i < text_.size(); ++i) {
      if (text_[i] == '\n') {
        ++problem.line;
        problem.column = 1;
      } else if ((static_cast<unsigned char>(text_[i]) & 0xc0) != 0x80) {
        ++problem.column;
      }
    }
    problem_ = std::move(problem);
    return false;
  }
  bool Unexpected(std::string_view expected) {
    const auto c = static_cast<unsigned char>(Peek());
    return Fail("Unexpected character ('" + std::string(1, Peek()) + "' (code " +
                    std::to_string(c) + ")): " + std::string(expected),
                at_ + 1);
  }
  bool EndOfInput(std::string_view what) {
    return Fail("Unexpected end-of-input" + std::string(what), text_.size());
  }

  bool Value(int depth) {
    if (End()) return EndOfInput(" within/between Object entries");
    if (depth > kDepthMax) return Fail("Document nesting depth exceeds the maximum allowed", at_);
    const char c = Peek();
    if (c == '{') return Object(depth);
    if (c == '[') return Array(depth);
    if (c == '"') return String();
    if (c == '-' || std::isdigit(static_cast<unsigned char>(c))) return Number();
    if (std::isalpha(static_cast<unsigned char>(c)) || c == '_' || c == '$') return Token();
    return Unexpected("expected a valid value " + std::string(kValues));
  }

  bool Token() {
    const size_t start = at_;
    while (std::isalnum(static_cast<unsigned char>(Peek())) || Peek() == '_' || Peek() == '$')
      ++at_;
    const std::string_view token = text_.substr(start, at_ - start);
    if (token == "null" || token == "true" || token == "false") return true;
    return Fail(
        "Unrecognized token '" + std::string(token) + "': was expecting " + std::string(kValues),
        at_);
  }

  bool Number() {
    const size_t start = at_;
    while (std::isdigit(static_cast<unsigned char>(Peek())) ||
           (!End() && std::string_view("+-.eE").find(Peek()) != std::string_view::npos))
      ++at_;
    if (ParseJson(text_.substr(start, at_ - start))) return true;
    return Fail("Invalid numeric value: '" + std::string(text_.substr(start, at_ - start)) + "'",
                at_);
  }

  bool String() {
    for (++at_; !End(); ++at_) {
      const auto c = static_cast<unsigned char>(Peek());
      if (c == '"') return ++at_, true;
      if (c < 0x20)
        return Fail("Illegal unquoted character ((CTRL-CHAR, code " + std::to_string(c) +
                        ")): has to be escaped using backslash to be included in string value",
                    at_ + 1);
      if (c != '\\') continue;
      ++at_;
      if (!End() && std::string_view("\"\\/bfnrtu").find(Peek()) == std::string_view::npos)
        return Fail("Unrecognized character escape '" + std::string(1, Peek()) + "' (code " +
                        std::to_string(static_cast<unsigned char>(Peek())) + ")",
                    at_ + 1);
    }
    return EndOfInput(": was expecting closing quote for a string value");
  }

  bool Object(int depth) {
    ++at_;
    for (Blanks(); Peek() != '}' || End(); Blanks()) {
      if (End()) return EndOfInput(": expected close marker for Object");
      if (Peek() != '"') return Unexpected("was expecting double-quote to start field name");
      if (!String()) return false;
      Blanks();
      if (End()) return EndOfInput(": expected close marker for Object");
      if (Peek() != ':')
        return Unexpected("was expecting a colon to separate field name and value");
      ++at_;
      Blanks();
      if (!Value(depth + 1)) return false;
      Blanks();
      if (Peek() == '}' && !End()) break;
      if (End()) return EndOfInput(": expected close marker for Object");
      if (Peek() != ',') return Unexpected("was expecting comma to separate Object entries");
      ++at_;
      Blanks();
      if (Peek() == '}') return Unexpected("was expecting double-quote to start field name");
    }
    ++at_;
    return true;
  }

  bool Array(int depth) {
    ++at_;
    Blanks();
    if (Peek() == ']' && !End()) return ++at_, true;
    for (;;) {
      Blanks();
      if (End()) return EndOfInput(": expected close marker for Array");
      if (!Value(depth + 1)) return false;
      Blanks();
      if (End()) return EndOfInput(": expected close marker for Array");
      if (Peek() == ']') return ++at_, true;
      if (Peek() != ',') return Unexpected("was expecting comma to separate Array entries");
      ++at_;
    }
  }

  std::string_view text_;
  size_t at_ = 0;
  std::optional<JacksonProblem> problem_;
};

}  // namespace

std::optional<JacksonProblem> FindJacksonProblem(std::string_view text) {
  Result<Json> parsed = ParseJson(text);
  if (parsed) return std::nullopt;
  if (std::optional<JacksonProblem> problem = Scanner(text).Run()) return problem;
  JacksonProblem other;  // what the scanner lets pass: text behind the value, bad UTF-8
  other.message = parsed.error().message;
  return other;
}

}  // namespace stepmill::asl
