#include "lang/asl/choice.h"

#include <array>

namespace stepmill::asl {
namespace {

using Subject = ChoiceTest::Subject;
using Compare = ChoiceTest::Compare;
using Is = ChoiceTest::Is;

template <class T>
bool Ordered(const T& a, const T& b, Compare compare) {
  switch (compare) {
    case Compare::kEquals: return a == b;
    case Compare::kLess: return a < b;
    case Compare::kGreater: return a > b;
    case Compare::kLessEquals: return a <= b;
    case Compare::kGreaterEquals: return a >= b;
  }
  return false;
}

// States Language: "StringMatches": '*' is any run of characters, \\* a star, \\\\ a backslash.
bool Matches(std::string_view text, std::string_view pattern) {
  size_t t = 0, p = 0;
  size_t star = std::string_view::npos, star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
      continue;
    }
    const bool is_escape = p + 1 < pattern.size() && pattern[p] == '\\' &&
                           (pattern[p + 1] == '*' || pattern[p + 1] == '\\');
    const size_t literal = is_escape ? p + 1 : p;
    if (literal < pattern.size() && pattern[literal] == text[t]) {
      p = literal + 1;
      ++t;
      continue;
    }
    if (star == std::string_view::npos) return false;
    p = star + 1;
    t = ++star_text;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::optional<Time> Timestamp(const Json& value) {
  if (!value.is_string()) return std::nullopt;
  Result<Time> time = ParseIso(value.AsString());
  return time ? std::optional<Time>(*time) : std::nullopt;
}

bool IsOfKind(const Json& value, Is is) {
  switch (is) {
    case Is::kNull: return value.is_null();
    case Is::kPresent: return true;
    case Is::kNumeric: return value.is_number();
    case Is::kString: return value.is_string();
    case Is::kBoolean: return value.is_bool();
    case Is::kTimestamp: return Timestamp(value).has_value();
  }
  return false;
}

// Another type on either side makes the rule false, never an error.
bool CompareValues(const Json& a, const Json& b, Subject subject, Compare compare) {
  switch (subject) {
    case Subject::kString:
      return a.is_string() && b.is_string() && Ordered(a.AsString(), b.AsString(), compare);
    case Subject::kNumeric:
      return a.is_number() && b.is_number() && Ordered(a.AsDouble(), b.AsDouble(), compare);
    case Subject::kBoolean: return a.is_bool() && b.is_bool() && a.AsBool() == b.AsBool();
    case Subject::kTimestamp: {
      const std::optional<Time> left = Timestamp(a), right = Timestamp(b);
      return left && right && Ordered(*left, *right, compare);
    }
    case Subject::kMatches:
      return a.is_string() && b.is_string() && Matches(a.AsString(), b.AsString());
    case Subject::kIs: break;
  }
  return false;
}

Result<Json> Resolve(const Expression& expression, const Scope& scope) {
  Result<Json> value = expression.Evaluate(scope);
  if (value || value.error().name != "PathNotFound") return value;
  return Error{Code::kInvalid, "States.Runtime",
               "Invalid path '" + expression.text() +
                   "': The choice state's condition path references an invalid value."};
}

}  // namespace

std::optional<Comparator> FindComparator(std::string_view name) {
  struct Row {
    std::string_view name;
    Is is;
  };
  static constexpr std::array<Row, 6> kTests{{{"IsNull", Is::kNull},
                                              {"IsPresent", Is::kPresent},
                                              {"IsNumeric", Is::kNumeric},
                                              {"IsString", Is::kString},
                                              {"IsBoolean", Is::kBoolean},
                                              {"IsTimestamp", Is::kTimestamp}}};
  for (const Row& row : kTests)
    if (row.name == name) return Comparator{Subject::kIs, Compare::kEquals, row.is, false};
  if (name == "StringMatches")
    return Comparator{Subject::kMatches, Compare::kEquals, Is::kNull, false};
  Comparator out{Subject::kString, Compare::kEquals, Is::kNull, false};
  if (name.ends_with("Path")) {
    out.is_path = true;
    name.remove_suffix(4);
  }
  const std::array<std::pair<std::string_view, Subject>, 4> subjects{
      {{"String", Subject::kString},
       {"Numeric", Subject::kNumeric},
       {"Boolean", Subject::kBoolean},
       {"Timestamp", Subject::kTimestamp}}};
  bool is_found = false;
  for (const auto& [prefix, subject] : subjects) {
    if (!name.starts_with(prefix)) continue;
    out.subject = subject;
    name.remove_prefix(prefix.size());
    is_found = true;
    break;
  }
  if (!is_found) return std::nullopt;
  if (name == "Equals") return out;
  if (out.subject == Subject::kBoolean) return std::nullopt;
  if (name == "LessThan")
    out.compare = Compare::kLess;
  else if (name == "GreaterThan")
    out.compare = Compare::kGreater;
  else if (name == "LessThanEquals")
    out.compare = Compare::kLessEquals;
  else if (name == "GreaterThanEquals")
    out.compare = Compare::kGreaterEquals;
  else
    return std::nullopt;
  return out;
}

Result<bool> ChoiceTest::Holds(const Scope& scope) const {
  switch (kind) {
    case Kind::kAnd:
    case Kind::kOr:
      for (const ChoiceTest& part : parts) {
        MILL_TRY(const bool holds, part.Holds(scope));
        if (holds == (kind == Kind::kOr)) return holds;
      }
      return kind == Kind::kAnd;
    case Kind::kNot: {
      MILL_TRY(const bool holds, parts[0].Holds(scope));
      return !holds;
    }
    case Kind::kCompare: break;
  }
  // The usual case first: a definite path whose value is looked at where it stands.
  const Json* found = variable.kind() != Expression::Kind::kCall && variable.path().is_definite()
                          ? variable.Find(scope)
                          : nullptr;
  Json made;
  if (!found) {
    Result<Json> value = Resolve(variable, scope);
    if (subject == Subject::kIs && is == Is::kPresent)
      return value.has_value() == this->value.AsBool();
    if (!value) return value.error();
    made = *std::move(value);
    found = &made;
  }
  if (subject == Subject::kIs) return IsOfKind(*found, is) == value.AsBool();
  if (!value_path) return CompareValues(*found, value, subject, compare);
  MILL_TRY(const Json other, Resolve(*value_path, scope));
  return CompareValues(*found, other, subject, compare);
}

void ChoiceTest::CollectVariables(std::vector<std::string>& names) const {
  variable.CollectVariables(names);
  if (value_path) value_path->CollectVariables(names);
  for (const ChoiceTest& part : parts) part.CollectVariables(names);
}

}  // namespace stepmill::asl
