#include "lang/jsonata/parser.h"

#include <algorithm>

#include "lang/jsonata/regex.h"
#include "lang/jsonata/signature.h"

namespace stepmill::jsonata {
namespace {

struct Operator {
  std::string_view text;
  int power;
  Op op;  ///< kNone: no plain operator of two sides
};

// How tightly an operator binds to what stands left of it.
constexpr Operator kOperators[] = {
    {".", 75, Op::kDot},        {"[", 80, Op::kNone},          {"{", 70, Op::kNone},
    {"(", 80, Op::kNone},       {"@", 80, Op::kNone},          {"#", 80, Op::kNone},
    {"?", 20, Op::kNone},       {"+", 50, Op::kAdd},           {"-", 50, Op::kSubtract},
    {"*", 60, Op::kMultiply},   {"/", 60, Op::kDivide},        {"%", 60, Op::kRemainder},
    {"=", 40, Op::kEqual},      {"<", 40, Op::kLess},          {">", 40, Op::kGreater},
    {"^", 40, Op::kNone},       {":=", 10, Op::kAssign},       {"!=", 40, Op::kNotEqual},
    {"<=", 40, Op::kLessEqual}, {">=", 40, Op::kGreaterEqual}, {"~>", 40, Op::kChain},
    {"?:", 40, Op::kNone},      {"??", 40, Op::kNone},         {"and", 30, Op::kAnd},
    {"or", 25, Op::kOr},        {"in", 40, Op::kIn},           {"&", 50, Op::kConcat},
};

const Operator* FindOperator(std::string_view text) {
  for (const Operator& op : kOperators)
    if (op.text == text) return &op;
  return nullptr;
}

/// What is an operator's text and yet nothing that the language knows.
bool IsUnknown(std::string_view text) { return text == "!" || text == "~"; }

}  // namespace

std::string Quote(std::string_view text) { return Json(text).Print(); }

std::string Parser::TokenText(const Token& token) const {
  switch (token.kind) {
    case TokenKind::kEnd: return "\"(end)\"";
    case TokenKind::kNumber: return std::string(token.text);
    case TokenKind::kLiteral: return std::string(token.text);
    case TokenKind::kRegex: return "{}";
    default: return Quote(token.text);
  }
}

Node* Parser::Fail(std::string_view code, uint32_t position, std::string token, std::string value) {
  fault_ = {code, position, std::move(token), std::move(value), ""};
  return nullptr;
}

bool Parser::Advance(bool is_infix) {
  if (!lexer_.Next(is_infix, at_.token)) {
    fault_ = lexer_.fault();
    return false;
  }
  at_.power = 0;
  if (at_.token.kind != TokenKind::kOperator) return true;
  if (IsUnknown(at_.token.text)) {
    Fail("S0204", at_.token.position, TokenText(at_.token));
    return false;
  }
  if (const Operator* op = FindOperator(at_.token.text)) at_.power = op->power;
  return true;
}

bool Parser::Expect(std::string_view op, bool is_infix) {
  if (!Is(op)) {
    const bool is_end = at_.token.kind == TokenKind::kEnd;
    Fail(is_end ? "S0203" : "S0202", at_.token.position, TokenText(at_.token), Quote(op));
    return false;
  }
  return Advance(is_infix);
}

Node* Parser::New(Kind kind, const Token& token) {
  Node* node = heap_.New<Node>();
  node->kind = kind;
  node->position = token.position;
  node->text = token.text;
  node->value = token.value;
  return node;
}

bool Parser::Link(Node* node, Node* child) {
  if (!child) return false;
  node->height = std::max(node->height, child->height + 1);
  if (node->height <= static_cast<uint32_t>(kHeightMax)) return true;
  Fail("D1011", node->position);
  return false;
}

Node* Parser::NewBinary(Op op, const Token& token, Node* left, Node* right) {
  Node* node = New(Kind::kBinary, token);
  node->op = op;
  node->left = left;
  node->right = right;
  return Link(node, left) && Link(node, right) ? node : nullptr;
}

Node* Parser::Parse() {
  if (!Advance()) return nullptr;
  Node* node = Expression(0);
  if (!node) return nullptr;
  if (at_.token.kind != TokenKind::kEnd) {
    return Fail("S0201", at_.token.position, TokenText(at_.token));
  }
  return node;
}

Node* Parser::Expression(int power) {
  if (++nesting_ > kNestingMax) return Fail("D1011", at_.token.position);
  Token token = at_.token;
  if (!Advance(true)) return nullptr;
  Node* left = Prefix(token);
  while (left && power < at_.power) {
    token = at_.token;
    if (!Advance()) return nullptr;
    left = Infix(token, left);
  }
  --nesting_;
  return left;
}

Node* Parser::Prefix(const Token& token) {
  switch (token.kind) {
    case TokenKind::kEnd: return New(Kind::kEnd, token);
    case TokenKind::kName: return New(Kind::kName, token);
    case TokenKind::kVariable: return New(Kind::kVariable, token);
    case TokenKind::kLiteral: return New(Kind::kLiteral, token);
    case TokenKind::kNumber: return New(Kind::kNumber, token);
    case TokenKind::kString: {
      Node* node = New(Kind::kString, token);
      node->value = Value(node->text);
      return node;
    }
    case TokenKind::kRegex: {
      Node* node = New(Kind::kRegex, token);
      std::string problem;
      node->regex = CompileRegex(token.text, token.flags, heap_, problem);
      if (node->regex) return node;
      Fail("S0303", token.position, Quote(token.text));
      fault_.message = "Invalid regular expression: /" + std::string(token.text) + "/: " + problem;
      return nullptr;
    }
    case TokenKind::kOperator: break;
  }
  const std::string_view op = token.text;
  if (op == "and" || op == "or" || op == "in") return New(Kind::kWord, token);
  if (op == "(") return Block(token);
  if (op == "[") return Array(token);
  if (op == "{") return Pairs(token, nullptr);
  if (op == "|") return Transform(token);
  if (op == "*") return New(Kind::kWildcard, token);
  if (op == "**") return New(Kind::kDescendant, token);
  if (op == "%") return New(Kind::kParent, token);
  if (op == "-") {
    Node* node = New(Kind::kNegate, token);
    node->left = Expression(70);
    return Link(node, node->left) ? node : nullptr;
  }
  return Fail("S0211", token.position, Quote(op));
}

Node* Parser::Infix(const Token& token, Node* left) {
  const std::string_view op = token.text;
  if (op == "(") return Invocation(token, left);
  if (op == "[") return Predicate(token, left);
  if (op == "{") return Pairs(token, left);
  if (op == "^") return OrderBy(token, left);
  if (op == "@" || op == "#") return VariableBind(token, left);
  if (op == "?" || op == "?:" || op == "??") return Condition(token, left);
  const Operator* found = FindOperator(op);
  if (op == ":=") {
    if (left->kind != Kind::kVariable) {
      return Fail("S0212", left->position, left->text.empty() ? "" : Quote(left->text));
    }
    return NewBinary(Op::kAssign, token, left, Expression(found->power - 1));
  }
  return NewBinary(found->op, token, left, Expression(found->power));
}

Node* Parser::Block(const Token& token) {
  Node* node = New(Kind::kBlock, token);
  while (!Is(")")) {
    Node* item = Expression(0);
    if (!Link(node, item)) return nullptr;
    node->items.Push(heap_, item);
    if (!Is(";")) break;
    if (!Expect(";")) return nullptr;
  }
  return Expect(")", true) ? node : nullptr;
}

Node* Parser::Array(const Token& token) {
  Node* node = New(Kind::kArray, token);
  while (!Is("]")) {
    Node* item = Expression(0);
    if (!item) return nullptr;
    if (Is("..")) {
      const Token range = at_.token;
      if (!Expect("..")) return nullptr;
      item = NewBinary(Op::kRange, range, item, Expression(0));
    }
    if (!Link(node, item)) return nullptr;
    node->items.Push(heap_, item);
    if (!Is(",")) break;
    if (!Expect(",")) return nullptr;
    if (Is("]")) {  // nothing behind the comma: what the reference says of an
                    // empty item
      if (!Expression(0)) return nullptr;
    }
  }
  return Expect("]", true) ? node : nullptr;
}

Node* Parser::Pairs(const Token& token, Node* left) {
  Node* node = New(left ? Kind::kBinary : Kind::kObject, token);
  node->left = left;
  if (left) {
    node->op = Op::kBrace;
    if (!Link(node, left)) return nullptr;
  }
  if (!Is("}")) {
    for (;;) {
      Node* name = Expression(0);
      if (!Link(node, name) || !Expect(":")) return nullptr;
      Node* value = Expression(0);
      if (!Link(node, value)) return nullptr;
      node->items.Push(heap_, name);
      node->items.Push(heap_, value);
      if (!Is(",")) break;
      if (!Expect(",")) return nullptr;
    }
  }
  return Expect("}", true) ? node : nullptr;
}

Node* Parser::Transform(const Token& token) {
  Node* node = New(Kind::kTransform, token);
  node->left = Expression(0);
  if (!Link(node, node->left) || !Expect("|")) return nullptr;
  node->right = Expression(0);
  if (!Link(node, node->right)) return nullptr;
  if (Is(",")) {
    if (!Expect(",")) return nullptr;
    node->third = Expression(0);
    if (!Link(node, node->third)) return nullptr;
  }
  return Expect("|") ? node : nullptr;
}

Node* Parser::Invocation(const Token& token, Node* left) {
  Node* node = New(Kind::kCall, token);
  node->left = left;
  if (!Link(node, left)) return nullptr;
  if (!Is(")")) {
    for (;;) {
      if (Is("?")) {
        node->kind = Kind::kPartial;
        node->items.Push(heap_, New(Kind::kPlaceholder, at_.token));
        if (!Expect("?")) return nullptr;
      } else {
        Node* argument = Expression(0);
        if (!Link(node, argument)) return nullptr;
        node->items.Push(heap_, argument);
      }
      if (!Is(",")) break;
      if (!Expect(",")) return nullptr;
    }
  }
  if (node->items.size > kArgumentsMax) return Fail("D1011", node->position);
  if (!Expect(")", true)) return nullptr;
  const bool is_lambda =
      left->kind == Kind::kName && (left->text == "function" || left->text == "\u03BB");
  return is_lambda ? Lambda(node) : node;
}

Node* Parser::Lambda(Node* node) {
  for (uint32_t i = 0; i < node->items.size; ++i) {
    const Node* parameter = node->items[i];
    if (parameter->kind == Kind::kVariable) continue;
    return Fail("S0208", parameter->position, parameter->text.empty() ? "" : Quote(parameter->text),
                std::to_string(i + 1));
  }
  node->kind = Kind::kLambda;
  if (Is("<") && !ReadSignature(node)) return nullptr;
  if (!Expect("{")) return nullptr;
  node->left = Expression(0);
  return Link(node, node->left) && Expect("}") ? node : nullptr;
}

bool Parser::ReadSignature(Node* node) {
  const uint32_t position = at_.token.position;
  std::string text = "<";
  for (int depth = 1; depth > 0 && !Is("{") && at_.token.kind != TokenKind::kEnd;) {
    if (!Advance()) return false;
    if (Is(">")) --depth;
    if (Is("<")) ++depth;
    text += at_.token.text;
  }
  if (!Expect(">")) return false;
  SyntaxFault problem;
  node->signature = ParseSignature(heap_.Copy(text), heap_, problem);
  if (node->signature) return true;
  fault_ = problem;
  fault_.position += position;
  return false;
}

Node* Parser::Predicate(const Token& token, Node* left) {
  if (Is("]")) {
    Node* step = left;
    while (step->kind == Kind::kBinary && step->op == Op::kBracket) step = step->left;
    step->keeps_array = true;
    return Expect("]") ? left : nullptr;
  }
  Node* node = NewBinary(Op::kBracket, token, left, Expression(0));
  return node && Expect("]", true) ? node : nullptr;
}

Node* Parser::OrderBy(const Token& token, Node* left) {
  Node* node = New(Kind::kBinary, token);
  node->op = Op::kCaret;
  node->left = left;
  if (!Link(node, left) || !Expect("(")) return nullptr;
  for (;;) {
    const bool is_descending = Is(">");
    if ((is_descending || Is("<")) && !Expect(at_.token.text)) return nullptr;
    Node* term = Expression(0);
    if (!Link(node, term)) return nullptr;
    // The direction stands on a node of its own: the term may be shared text of
    // any kind.
    Node* holder = heap_.New<Node>();
    holder->kind = Kind::kFilter;
    holder->left = term;
    holder->is_descending = is_descending;
    node->items.Push(heap_, holder);
    if (!Is(",")) break;
    if (!Expect(",")) return nullptr;
  }
  return Expect(")") ? node : nullptr;
}

Node* Parser::VariableBind(const Token& token, Node* left) {
  const Op op = token.text == "@" ? Op::kAt : Op::kHash;
  Node* right = Expression(80);
  if (!right) return nullptr;
  if (right->kind != Kind::kVariable) return Fail("S0214", right->position, Quote(OpText(op)));
  return NewBinary(op, token, left, right);
}

Node* Parser::Condition(const Token& token, Node* left) {
  Node* node = New(Kind::kCondition, token);
  if (token.text == "?") {
    node->left = left;
    node->right = Expression(0);
    if (!Link(node, left) || !Link(node, node->right)) return nullptr;
    if (Is(":")) {
      if (!Expect(":")) return nullptr;
      node->third = Expression(0);
      if (!Link(node, node->third)) return nullptr;
    }
    return node;
  }
  // a ?: b is a ? a : b, and a ?? b is $exists(a) ? a : b. The copy is analysed
  // on its own.
  node->left = Clone(left);
  if (token.text == "??") {
    Node* call = New(Kind::kCall, token);
    call->left = New(Kind::kVariable, token);
    call->left->text = "exists";
    call->items.Push(heap_, node->left);
    call->height = left->height + 1;
    node->left = call;
  }
  node->right = left;
  node->third = Expression(0);
  return Link(node, node->left) && Link(node, node->third) ? node : nullptr;
}

Node* Parser::Clone(const Node* node) {
  if (!node) return nullptr;
  Node* out = heap_.New<Node>();
  *out = *node;
  out->left = Clone(node->left);
  out->right = Clone(node->right);
  out->third = Clone(node->third);
  out->items = Nodes();
  for (const Node* item : node->items) out->items.Push(heap_, Clone(item));
  return out;
}

}  // namespace stepmill::jsonata
