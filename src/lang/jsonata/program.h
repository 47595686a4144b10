#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lang/jsonata/jsonata.h"
#include "lang/jsonata/node.h"

namespace stepmill::jsonata {

/// A compiled expression: the text, and the tree on a heap of its own.
/// Immutable once made.
struct Expression::Program {
  Program() : heap(SIZE_MAX) {}

  std::string text;
  Dialect dialect = Dialect::kJsonata;
  Heap heap;
  Node* root = nullptr;
  Scope* scope = nullptr;  ///< of variables bound outside of any block; null: none
  /// Names that may come from outside, with the language's functions.
  std::vector<std::string_view> free_names;
  std::vector<const Native*> free_natives;  ///< the language's function of that name, or null
  uint32_t hint_count = 0;
  /// For $eval: where this program's free names and hints begin among those of
  /// its evaluation.
  uint32_t free_base = 0;
  uint32_t hint_base = 0;

  struct Use {
    std::string_view variable;
    std::string_view member;  ///< empty: as a whole
  };
  std::vector<Use> uses;  ///< of variables that come from outside
  std::vector<std::string> free_variables;
  std::string context_reference;
};

using Program = Expression::Program;

/// `outer`: the scopes that the text sees ($eval); null otherwise.
Result<std::shared_ptr<const Program>> CompileProgram(std::string_view text, Dialect dialect,
                                                      Scope* outer, uint32_t free_base,
                                                      uint32_t hint_base);

/// Gives every variable its place, and marks what the evaluator wants to know
/// beforehand.
void Resolve(Program& program, Scope* outer);

}  // namespace stepmill::jsonata
