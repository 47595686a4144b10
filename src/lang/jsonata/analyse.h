#pragma once

#include "lang/jsonata/lexer.h"
#include "lang/jsonata/node.h"

namespace stepmill::jsonata {

/// Makes paths of dots, predicates and groups; finds the steps that `%` means;
/// marks tail calls.
class Analysis {
 public:
  explicit Analysis(Heap& heap) : heap_(heap) {}

  /// The tree that the evaluator walks, of the one that the parser made. Null:
  /// `fault()`.
  Node* Run(Node* root);
  const SyntaxFault& fault() const { return fault_; }

 private:
  Node* Process(Node* node);
  Node* ProcessKind(Node* node);
  Node* ProcessBinary(Node* node);
  Node* Dot(Node* node);
  Node* Bracket(Node* node);
  Node* Brace(Node* node);
  Node* Caret(Node* node);
  Node* At(Node* node);
  Node* Hash(Node* node);
  Node* Chain(Node* node);
  Node* Negate(Node* node);
  Node* Block(Node* node);
  Node* Lambda(Node* node);
  /// Processes the children at `left`, `right`, `third` and `items`, and hands
  /// on what they seek.
  Node* Children(Node* node);

  Node* PathOf(Node* step);
  bool MarkPath(Node* path);
  bool Seek(Node* node, Ancestor& slot);
  void HandOn(Node* to, Node* from);
  bool ResolveAncestry(Node* path);
  Node* Fail(std::string_view code, const Node& node, std::string token = "",
             std::string value = "");

  Heap& heap_;
  uint32_t labels_ = 0;
  SyntaxFault fault_;
};

}  // namespace stepmill::jsonata
