#pragma once

#include <string_view>

#include "lang/jsonata/lexer.h"

namespace stepmill::jsonata {

/// Reads an expression into a syntax tree as it is written (operator precedence
/// after Pratt); the analysis makes paths and steps of it.
class Parser {
 public:
  Parser(std::string_view text, Heap& heap, bool is_old)
      : text_(text), heap_(heap), lexer_(text, heap, is_old) {}

  /// Null: `fault()` says why.
  Node* Parse();
  const SyntaxFault& fault() const { return fault_; }

 private:
  /// The token that is looked at, as a node-to-be.
  struct Symbol {
    Token token;
    int power = 0;  ///< binds to its left that tightly
  };

  Node* Expression(int power);
  Node* Prefix(const Token& token);
  Node* Infix(const Token& token, Node* left);
  Node* Block(const Token& token);
  Node* Array(const Token& token);
  Node* Pairs(const Token& token, Node* left);
  Node* Transform(const Token& token);
  Node* Invocation(const Token& token, Node* left);
  Node* Lambda(Node* node);
  bool ReadSignature(Node* node);
  Node* Predicate(const Token& token, Node* left);
  Node* OrderBy(const Token& token, Node* left);
  Node* VariableBind(const Token& token, Node* left);
  Node* Condition(const Token& token, Node* left);

  Node* New(Kind kind, const Token& token);
  Node* NewBinary(Op op, const Token& token, Node* left, Node* right);
  /// Adds `child` below `node`: keeps the height of the tree bounded.
  bool Link(Node* node, Node* child);
  Node* Clone(const Node* node);
  bool Is(std::string_view op) const {
    return at_.token.kind == TokenKind::kOperator && at_.token.text == op;
  }
  bool Advance(bool is_infix = false);
  bool Expect(std::string_view op, bool is_infix = false);
  Node* Fail(std::string_view code, uint32_t position, std::string token = "",
             std::string value = "");
  std::string TokenText(const Token& token) const;

  std::string_view text_;
  Heap& heap_;
  Lexer lexer_;
  Symbol at_;
  int nesting_ = 0;
  SyntaxFault fault_;
};

/// Text as a JSON string, for messages.
std::string Quote(std::string_view text);

}  // namespace stepmill::jsonata
