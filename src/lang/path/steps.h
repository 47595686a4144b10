#pragma once

#include <optional>
#include <string>
#include <vector>

#include "json/json.h"

namespace stepmill::path {

struct Filter;

/// One step of a path. Used inside this folder only.
struct Step {
  enum class Kind { kName, kNames, kIndex, kIndexes, kSlice, kWildcard, kFilter };
  Kind kind = Kind::kName;
  bool deep = false;               ///< ".." stood before it
  std::string name;                ///< kName
  std::vector<std::string> names;  ///< kNames
  int64_t index = 0;               ///< kIndex
  std::vector<int64_t> indexes;    ///< kIndexes
  std::optional<int64_t> from;     ///< kSlice
  std::optional<int64_t> to;       ///< kSlice
  std::vector<Filter> filter;      ///< kFilter: exactly one
};

/// What a filter looks at: a literal, or a path from the item (@) or the root ($).
struct Operand {
  enum class Kind { kLiteral, kItem, kRoot } kind = Kind::kLiteral;
  Json literal;
  std::vector<Step> steps;
};

/// A filter expression, e.g. (@.a >= 5 && @.b).
struct Filter {
  enum class Kind { kExists, kCompare, kAnd, kOr, kNot };
  enum class Compare { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };
  Kind kind = Kind::kExists;
  Compare compare = Compare::kEqual;
  std::vector<Operand> operands;  ///< kExists: 1, kCompare: 2
  std::vector<Filter> parts;      ///< kAnd, kOr: 2; kNot: 1
};

bool IsDefinite(const std::vector<Step>& steps);

}  // namespace stepmill::path
