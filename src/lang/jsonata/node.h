#pragma once

#include <cstdint>
#include <string_view>

#include "lang/jsonata/value.h"

namespace stepmill::jsonata {

struct Regex;
struct Signature;
struct Native;

enum class Kind : uint8_t {
  // As parsed.
  kEnd,
  kName,
  kVariable,
  kString,
  kNumber,
  kLiteral,  ///< true, false, null: in `value`
  kRegex,
  kWord,         ///< and, or, in where a value is expected: a name
  kPlaceholder,  ///< ? of a partial application
  kWildcard,
  kDescendant,
  kParent,
  kBinary,
  kNegate,
  kArray,
  kObject,
  kCall,
  kPartial,
  kLambda,
  kBlock,
  kCondition,
  kTransform,
  // Made by the analysis (analyse.cc).
  kPath,
  kBind,
  kApply,
  kSort,
  kFilter,  ///< a stage: [..]
  kIndex,   ///< a stage: #$i
  // Made by the resolution (resolve.cc).
  kField,    ///< a path of one name
  kContext,  ///< $
  kRoot,     ///< $$
};

enum class Op : uint8_t {
  kNone,
  kDot,
  kBracket,
  kBrace,
  kCaret,
  kAssign,
  kAt,
  kHash,
  kChain,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kRemainder,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kConcat,
  kRange,
  kIn,
  kAnd,
  kOr,
};

struct Node;

/// A sequence of nodes on the program's heap.
struct Nodes {
  Node** data = nullptr;
  uint32_t size = 0;
  uint32_t capacity = 0;
  Node* operator[](uint32_t i) const { return data[i]; }
  Node* back() const { return data[size - 1]; }
  Node** begin() const { return data; }
  Node** end() const { return data + size; }
  void Push(Heap& heap, Node* node);
};

/// What `%` is looking for: the step whose input it means. Shared by reference
/// until resolved.
struct Ancestor {
  uint32_t label = 0;
  int level = 1;
};
struct Ancestors {
  Ancestor** data = nullptr;
  uint32_t size = 0;
  uint32_t capacity = 0;
  void Push(Heap& heap, Ancestor* ancestor);
};

/// Names that one frame binds. Kept for $eval, which resolves names at run
/// time.
struct Scope {
  Scope* parent = nullptr;
  std::string_view* names = nullptr;
  uint32_t size = 0;
  uint32_t capacity = 0;
  /// Place of a name, or -1.
  int Find(std::string_view name) const;
  uint32_t Add(Heap& heap, std::string_view name);
};

/// Where a variable may be found: the `index`th name of the scope `hops` frames
/// out.
struct Place {
  uint16_t hops = 0;
  uint16_t index = 0;
};

struct Group {
  Nodes pairs;  ///< key, value, key, value
  uint32_t position = 0;
};

/// A node of the syntax tree; what a member means depends on `kind`.
struct Node {
  Kind kind = Kind::kEnd;
  Op op = Op::kNone;
  bool keeps_array = false;            ///< followed by []
  bool keeps_singleton_array = false;  ///< kPath: a step of it is
  bool is_constructed_array = false;   ///< kArray, kBlock: first or last step of a path
  bool is_tuple = false;               ///< a step that makes tuples
  bool is_tail = false;                ///< kCall: in tail position of a lambda
  bool is_descending = false;          ///< a term of kSort
  bool has_after = false;              ///< predicates or group (not kPath)
  uint32_t position = 0;               ///< bytes, behind the token
  uint32_t height = 1;
  std::string_view text;  ///< name, string, regex source
  Value value;            ///< kNumber, kLiteral, kString
  Node* left = nullptr;   ///< lhs; condition; procedure; body; pattern; expression
  Node* right = nullptr;  ///< rhs; then; update
  Node* third = nullptr;  ///< else; delete
  Nodes items;            ///< arguments, parameters, expressions, steps, terms; pairs of
                          ///< kObject
  Nodes stages;           ///< of a step: kFilter, kIndex, for each of its results
  Nodes predicates;       ///< of any other node: kFilter
  Group* group = nullptr;
  std::string_view focus;        ///< @$name on this step
  std::string_view index;        ///< #$name on this step
  Ancestor* ancestor = nullptr;  ///< kParent: what it means; a step: under what it is remembered
  Ancestors seeking;             ///< of what stands below, not yet found
  const Signature* signature = nullptr;
  const Regex* regex = nullptr;
  Scope* scope = nullptr;        ///< kBlock, kLambda: what its frame binds
  Scope* tuple_scope = nullptr;  ///< of the tuples of a path, or that predicates and group see
  // kVariable, kParent, kBind
  const Place* places = nullptr;
  uint16_t place_count = 0;
  int32_t free_index = -1;         ///< of the program's free names; -1: none
  const Native* native = nullptr;  ///< the language's function of that name
  uint32_t hint = 0;               ///< kField, kName: where to remember the last place of the name
};

std::string_view TypeName(const Node& node);
std::string_view OpText(Op op);

}  // namespace stepmill::jsonata
