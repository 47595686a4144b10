#include <cctype>
#include <charconv>

#include "base/strings.h"
#include "lang/metric_math/node.h"

namespace stepmill::metric_math {

Error Invalid(std::string message) {
  return Error{Code::kInvalid, "InvalidExpression", std::move(message)};
}

namespace {

bool IsWordStart(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

/// Binary operators by how tight they bind; longer spellings first.
constexpr std::string_view kLevels[][6] = {
    {"||", "OR"}, {"&&", "AND"},   {"<=", ">=", "==", "!=", "<", ">"},
    {"+", "-"},   {"*", "/", "%"}, {"^"}};
constexpr int kLevelCount = 6;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Expression> Whole() {
    MILL_TRY(Expression out, Binary(0, 0));
    SkipBlanks();
    if (at_ < text_.size()) return Unexpected();
    return out;
  }

 private:
  void SkipBlanks() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  bool Take(std::string_view token) {
    SkipBlanks();
    if (!text_.substr(at_).starts_with(token)) return false;
    if (IsWordStart(token.front()) && at_ + token.size() < text_.size() &&
        IsWord(text_[at_ + token.size()]))
      return false;
    at_ += token.size();
    return true;
  }
  Error Unexpected() {
    SkipBlanks();
    if (at_ >= text_.size()) return Invalid("Unexpected end of the expression");
    return Invalid("Unexpected '" + std::string(TruncateUtf8(text_.substr(at_), 20)) +
                   "' at position " + std::to_string(at_ + 1));
  }

  static Expression Make(Node node) { return std::make_shared<const Node>(std::move(node)); }

  Result<Expression> Binary(int level, int depth) {
    if (depth > kDepthMax) return Invalid("The expression is nested too deeply");
    if (level == kLevelCount) return Unary(depth);
    MILL_TRY(Expression left, Binary(level + 1, depth));
    for (;;) {
      std::string_view found;
      for (const std::string_view token : kLevels[level])
        if (!token.empty() && Take(token)) {
          found = token;
          break;
        }
      if (found.empty()) return left;
      MILL_TRY(Expression right, Binary(level + 1, depth));
      Node node{Node::Kind::kOperator, 0, std::string(found), {left, right}};
      if (found == "AND") node.text = "&&";
      if (found == "OR") node.text = "||";
      left = Make(std::move(node));
    }
  }

  Result<Expression> Unary(int depth) {
    if (Take("-")) {
      if (depth >= kDepthMax) return Invalid("The expression is nested too deeply");
      MILL_TRY(Expression inner, Unary(depth + 1));
      return Make({Node::Kind::kNegate, 0, "", {inner}});
    }
    return Primary(depth);
  }

  Result<Expression> Primary(int depth) {
    if (Take("(")) {
      MILL_TRY(Expression inner, Binary(0, depth + 1));
      if (!Take(")")) return Unexpected();
      return inner;
    }
    if (Take("[")) {
      MILL_TRY(std::vector<Expression> parts, Parts("]", depth));
      return Make({Node::Kind::kList, 0, "", std::move(parts)});
    }
    SkipBlanks();
    if (at_ >= text_.size()) return Unexpected();
    const char first = text_[at_];
    if (first == '\'' || first == '"') return Text(first);
    if (std::isdigit(static_cast<unsigned char>(first)) || first == '.') return Number();
    if (!IsWordStart(first)) return Unexpected();
    size_t end = at_;
    while (end < text_.size() && IsWord(text_[end])) ++end;
    const std::string name(text_.substr(at_, end - at_));
    at_ = end;
    if (!Take("(")) return Make({Node::Kind::kName, 0, name, {}});
    if (!IsFunction(name)) return Invalid("The function " + name + " is not supported by stepmill");
    MILL_TRY(std::vector<Expression> parts, Parts(")", depth));
    return Make({Node::Kind::kCall, 0, name, std::move(parts)});
  }

  Result<std::vector<Expression>> Parts(std::string_view end, int depth) {
    std::vector<Expression> parts;
    if (Take(end)) return parts;
    do {
      MILL_TRY(Expression part, Binary(0, depth + 1));
      parts.push_back(std::move(part));
    } while (Take(","));
    if (!Take(end)) return Unexpected();
    return parts;
  }

  Result<Expression> Text(char quote) {
    const size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) return Unexpected();
    Node node{Node::Kind::kText, 0, std::string(text_.substr(at_ + 1, end - at_ - 1)), {}};
    at_ = end + 1;
    return Make(std::move(node));
  }

  Result<Expression> Number() {
    double value = 0;
    const auto [end, error] =
        std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc()) return Unexpected();
    at_ = static_cast<size_t>(end - text_.data());
    return Make({Node::Kind::kNumber, value, "", {}});
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Result<Expression> Parse(std::string_view text) {
  if (text.size() > kExpressionCharsMax) return Invalid("The expression is too long");
  const std::string_view word = Trim(text).substr(0, 7);
  if (ToUpper(word).starts_with("SELECT "))
    return Invalid("Metrics Insights (SELECT) is not supported by stepmill");
  return Parser(text).Whole();
}

}  // namespace stepmill::metric_math
