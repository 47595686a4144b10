#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "lang/asl/expression.h"
#include "lang/asl/template.h"

namespace stepmill::asl {

/// The test of a choice rule: a comparison, or And, Or, Not over tests.
struct ChoiceTest {
  enum class Kind { kCompare, kAnd, kOr, kNot };
  enum class Subject { kString, kNumeric, kBoolean, kTimestamp, kMatches, kIs };
  enum class Compare { kEquals, kLess, kGreater, kLessEquals, kGreaterEquals };
  enum class Is { kNull, kPresent, kNumeric, kString, kBoolean, kTimestamp };

  Kind kind = Kind::kCompare;
  Subject subject = Subject::kString;
  Compare compare = Compare::kEquals;
  Is is = Is::kNull;
  Expression variable;
  Json value;  ///< what it is compared with
  std::optional<Expression> value_path;
  std::vector<ChoiceTest> parts;

  /// Error "States.Runtime" where a path that must resolve does not.
  Result<bool> Holds(const Scope& scope) const;
  void CollectVariables(std::vector<std::string>& names) const;
};

struct ChoiceRule {
  ChoiceTest test;                    ///< JSONPath
  std::optional<Template> condition;  ///< JSONata
  int next = -1;
  std::optional<Template> assign;
  std::optional<Template> output;  ///< JSONata
};

/// A comparator by its field name ("StringEqualsPath"); nullopt: no such comparator. Sets subject,
/// compare or is, and whether the value is a path.
struct Comparator {
  ChoiceTest::Subject subject;
  ChoiceTest::Compare compare;
  ChoiceTest::Is is;
  bool is_path;
};
std::optional<Comparator> FindComparator(std::string_view name);

}  // namespace stepmill::asl
