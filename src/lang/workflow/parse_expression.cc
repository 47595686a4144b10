#include <array>
#include <cstdlib>
#include <optional>

#include "base/strings.h"
#include "lang/workflow/expression.h"
#include "lang/workflow/limits.h"
#include "lang/workflow/node.h"

namespace stepmill::workflow {
namespace {

using Kind = Node::Kind;

struct FunctionRow {
  std::string_view name;
  size_t arguments_min, arguments_max;
};
constexpr std::array<FunctionRow, 13> kFunctions = {{
    {"contains", 2, 2},
    {"startswith", 2, 2},
    {"endswith", 2, 2},
    {"format", 1, 255},
    {"join", 1, 2},
    {"tojson", 1, 1},
    {"fromjson", 1, 1},
    {"hashfiles", 1, 255},
    {"success", 0, 0},
    {"always", 0, 0},
    {"cancelled", 0, 0},
    {"failure", 0, 255},
    {"case", 3, 255},
}};

bool IsNameStart(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool IsNamePart(char c) {
  return IsNameStart(c) || std::isdigit(static_cast<unsigned char>(c)) || c == '-';
}

Expression Make(Kind kind, std::vector<Expression> children, std::string name = "") {
  auto node = std::make_shared<Node>();
  node->kind = kind;
  node->children = std::move(children);
  node->name = std::move(name);
  return node;
}
Expression Literal(Json value) {
  auto node = std::make_shared<Node>();
  node->value = std::move(value);
  return node;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Expression> Run() {
    if (text_.size() > kExpressionBytesMax)
      return Fault("the expression is longer than " + std::to_string(kExpressionBytesMax) +
                   " bytes");
    MILL_TRY(Expression root, Or());
    Skip();
    if (at_ < text_.size()) return Unexpected();
    return root;
  }

 private:
  Error Fault(const std::string& what) const {
    return Error{Code::kInvalid, "InvalidExpression",
                 what + ". Located at position " + std::to_string(at_ + 1) +
                     " within expression: " + std::string(Trim(text_))};
  }
  Error Unexpected() const {
    if (at_ >= text_.size()) return Fault("Unexpected end of expression");
    size_t end = at_ + 1;
    while (IsNamePart(text_[at_]) && end < text_.size() && IsNamePart(text_[end])) ++end;
    return Fault("Unexpected symbol: '" + std::string(text_.substr(at_, end - at_)) + "'");
  }

  void Skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  bool Take(std::string_view symbol) {
    Skip();
    if (!text_.substr(at_).starts_with(symbol)) return false;
    at_ += symbol.size();
    return true;
  }

  Result<Expression> Or() {
    if (++depth_ > kExpressionDepthMax) return Fault("the expression is nested too deeply");
    MILL_TRY(Expression left, And());
    while (Take("||")) {
      MILL_TRY(Expression right, And());
      left = Make(Kind::kOr, {std::move(left), std::move(right)});
    }
    --depth_;
    return left;
  }
  Result<Expression> And() {
    MILL_TRY(Expression left, Equality());
    while (Take("&&")) {
      MILL_TRY(Expression right, Equality());
      left = Make(Kind::kAnd, {std::move(left), std::move(right)});
    }
    return left;
  }
  Result<Expression> Equality() {
    MILL_TRY(Expression left, Relation());
    while (true) {
      const Kind kind = Take("==") ? Kind::kEqual : Take("!=") ? Kind::kNotEqual : Kind::kLiteral;
      if (kind == Kind::kLiteral) return left;
      MILL_TRY(Expression right, Relation());
      left = Make(kind, {std::move(left), std::move(right)});
    }
  }
  Result<Expression> Relation() {
    MILL_TRY(Expression left, Unary());
    while (true) {
      const Kind kind = Take("<=")   ? Kind::kLessEqual
                        : Take(">=") ? Kind::kGreaterEqual
                        : Take("<")  ? Kind::kLess
                        : Take(">")  ? Kind::kGreater
                                     : Kind::kLiteral;
      if (kind == Kind::kLiteral) return left;
      MILL_TRY(Expression right, Unary());
      left = Make(kind, {std::move(left), std::move(right)});
    }
  }
  Result<Expression> Unary() {
    Skip();
    if (at_ < text_.size() && text_[at_] == '!' && !text_.substr(at_).starts_with("!=")) {
      ++at_;
      if (++depth_ > kExpressionDepthMax) return Fault("the expression is nested too deeply");
      MILL_TRY(Expression inner, Unary());
      --depth_;
      return Make(Kind::kNot, {std::move(inner)});
    }
    return Postfix();
  }

  Result<Expression> Postfix() {
    MILL_TRY(Expression value, Primary());
    int links = 0;
    while (true) {
      if (++links > kExpressionDepthMax) return Fault("the expression is nested too deeply");
      if (Take(".")) {
        Skip();
        if (Take("*")) {
          value = Make(Kind::kFilter, {std::move(value)});
          continue;
        }
        if (at_ >= text_.size() || !IsNameStart(text_[at_])) return Unexpected();
        value = Make(Kind::kProperty, {std::move(value)}, Name());
      } else if (Take("[")) {
        Skip();
        if (Take("*")) {
          value = Make(Kind::kFilter, {std::move(value)});
        } else {
          MILL_TRY(Expression index, Or());
          value = Make(Kind::kIndex, {std::move(value), std::move(index)});
        }
        if (!Take("]")) return Unexpected();
      } else {
        return value;
      }
    }
  }

  std::string Name() {
    const size_t start = at_;
    while (at_ < text_.size() && IsNamePart(text_[at_])) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  Result<Expression> Primary() {
    Skip();
    if (at_ >= text_.size()) return Unexpected();
    const char c = text_[at_];
    if (Take("(")) {
      MILL_TRY(Expression inner, Or());
      if (!Take(")")) return Unexpected();
      return inner;
    }
    if (c == '\'') return QuotedText();
    if (std::isdigit(static_cast<unsigned char>(c)) || c == '-' || c == '+' || c == '.')
      return Number();
    if (!IsNameStart(c)) return Unexpected();
    const size_t start = at_;
    const std::string name = Name();
    if (name == "null") return Literal(Json());
    if (name == "true") return Literal(true);
    if (name == "false") return Literal(false);
    if (!Take("(")) return Make(Kind::kContext, {}, ToLower(name));
    return Call(name, start);
  }

  Result<Expression> QuotedText() {
    std::string value;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] != '\'') {
        value.push_back(text_[at_]);
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '\'') {
        value.push_back(text_[at_++]);
      } else {
        ++at_;
        return Literal(value);
      }
    }
    return Fault("Unexpected end of expression: a ' is missing");
  }

  Result<Expression> Number() {
    const size_t start = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '.' ||
            ((text_[at_] == '-' || text_[at_] == '+') &&
             (at_ == start || std::tolower(text_[at_ - 1]) == 'e'))))
      ++at_;
    const std::string text(text_.substr(start, at_ - start));
    char* end = nullptr;
    double value = 0;
    if (text.starts_with("0o")) {
      value = static_cast<double>(std::strtoll(text.c_str() + 2, &end, 8));
    } else {
      value = std::strtod(text.c_str(), &end);  // reads 0x too
    }
    if (end != text.c_str() + text.size()) {
      at_ = start;
      return Unexpected();
    }
    if (value == static_cast<double>(static_cast<int64_t>(value)) && std::abs(value) < 1e15)
      return Literal(static_cast<int64_t>(value));
    return Literal(value);
  }

  Result<Expression> Call(const std::string& name, size_t start) {
    const std::string lower = ToLower(name);
    std::vector<Expression> arguments;
    if (!Take(")")) {
      do {
        MILL_TRY(Expression argument, Or());
        arguments.push_back(std::move(argument));
      } while (Take(","));
      if (!Take(")")) return Unexpected();
    }
    for (const FunctionRow& row : kFunctions) {
      if (row.name != lower) continue;
      const bool is_few = arguments.size() < row.arguments_min;
      if (!is_few && arguments.size() <= row.arguments_max)
        return Make(Kind::kCall, std::move(arguments), lower);
      at_ = start;
      return Fault(std::string(is_few ? "Too few" : "Too many") + " parameters supplied: '" + name +
                   "'");
    }
    at_ = start;
    return Fault("Unrecognized function: '" + name + "'");
  }

  std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
};

void Collect(const Expression& node, Uses& uses) {
  if (node->kind == Kind::kContext) uses.contexts.insert(node->name);
  if (node->kind == Kind::kCall) uses.functions.insert(node->name);
  for (const Expression& child : node->children) Collect(child, uses);
}

}  // namespace

Result<Expression> ParseExpression(std::string_view text) { return Parser(text).Run(); }

Uses UsesOf(const Expression& expression) {
  Uses uses;
  Collect(expression, uses);
  return uses;
}

bool HasStatusFunction(const Expression& expression) {
  const Uses uses = UsesOf(expression);
  for (const char* name : {"success", "failure", "cancelled", "always"})
    if (uses.functions.contains(name)) return true;
  return false;
}

Result<std::vector<Piece>> ExpressionsIn(std::string_view text) {
  std::vector<Piece> pieces;
  for (size_t at = text.find("${{"); at != std::string_view::npos; at = text.find("${{", at)) {
    at += 3;
    bool is_quoted = false;
    size_t end = at;
    for (; end < text.size(); ++end) {
      if (text[end] == '\'') is_quoted = !is_quoted;
      if (!is_quoted && text.substr(end).starts_with("}}")) break;
    }
    if (end >= text.size())
      return Error{Code::kInvalid, "InvalidExpression",
                   "The expression is not closed. An unescaped ${{ sequence was found, but the "
                   "closing }} sequence was not found."};
    pieces.push_back({at, text.substr(at, end - at)});
    at = end + 2;
  }
  return pieces;
}

}  // namespace stepmill::workflow
