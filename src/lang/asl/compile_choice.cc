#include "lang/asl/compile.h"

namespace stepmill::asl {
namespace {

constexpr std::string_view kRuleFields =
    " And Or Not Variable Condition Next Assign Output Comment ";

std::string ComparatorNames() {
  std::string names;
  const auto add = [&](const std::string& name) {
    names += (names.empty() ? "" : ", ") + name;
    if (FindComparator(name + "Path")) names += ", " + name + "Path";
  };
  for (const char* subject : {"String", "Numeric", "Boolean", "Timestamp"})
    for (const char* compare :
         {"Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals"})
      if (FindComparator(std::string(subject) + compare)) add(std::string(subject) + compare);
  for (const char* name : {"StringMatches", "IsNull", "IsPresent", "IsNumeric", "IsString",
                           "IsBoolean", "IsTimestamp"})
    add(name);
  return names;
}

}  // namespace

void Compiler::ReadChoice(const Json& json, const Where& at, State& state) {
  const Json* list = json.Find("Choices");
  if (json.Has("Default") && !json["Default"].is_string())
    WrongType("STRING", at.Member("Default"));
  if (!list) return Schema("These fields are required: [Choices]", at);
  const Where there = at.Member("Choices");
  if (!list->is_array()) return WrongType("ARRAY", there);
  if (list->size() == 0) return Schema("Value cannot be empty", there);
  for (size_t i = 0; i < list->size(); ++i) {
    const Json& json_rule = list->At(i);
    const Where here = there.Item(i);
    ChoiceRule rule;
    if (json_rule.is_object()) {
      if (!json_rule["Next"].is_string()) Schema("These fields are required: [Next]", here);
      if (is_query_) {
        rule = ReadQueryRule(json_rule, here);
      } else {
        rule.assign = ReadAssign(json_rule, here, {});
        rule.test = ReadTest(json_rule, here, true, 0);
      }
    } else {
      WrongType("OBJECT", here);
    }
    state.choices.push_back(std::move(rule));
  }
}

ChoiceRule Compiler::ReadQueryRule(const Json& json, const Where& at) {
  ChoiceRule rule;
  for (const Json::Member& member : json.members()) {
    if (Lists(kRuleFields, member.name) || FindComparator(member.name))
      CheckLanguage(member.name, at);
    else
      Schema("Field '" + member.name + "' is not supported", at);
  }
  if (const Json* condition = json.Find("Condition")) {
    if (!condition->is_bool() && !condition->is_string())
      WrongType("STRING, BOOLEAN", at.Member("Condition"));
    else if (condition->is_string() && !condition->AsString().starts_with("{%"))
      Schema("JSONata string must start with {% and end with %}", at.Member("Condition"));
    rule.condition = ReadTemplate(json, "Condition", at);
  } else if (!json.Has("Variable")) {
    Schema(
        "The object must have only one of the following fields, [And, Or, Not, Variable, "
        "Condition]",
        at);
  }
  rule.assign = ReadAssign(json, at, {});
  rule.output = ReadTemplate(json, "Output", at);
  return rule;
}

ChoiceTest Compiler::ReadTest(const Json& json, const Where& at, bool is_top, int depth) {
  ChoiceTest test;
  if (depth > kChoiceDepthMax) return Schema("The choice rule is nested too deeply", at), test;
  if (!json.is_object()) return WrongType("OBJECT", at), test;
  std::vector<std::string> selectors, comparators;
  for (const Json::Member& member : json.members()) {
    const std::string& name = member.name;
    if (name == "Comment" || (is_top && (name == "Next" || name == "Assign"))) continue;
    if (FindComparator(name))
      comparators.push_back(name);
    else if (Lists(" And Or Not Variable ", name))
      selectors.push_back(name);
    else if (is_top ? Lists(kRuleFields, name) : name == "Condition")
      CheckLanguage(name, at);
    else
      Schema("Field '" + name + "' is not supported", at);
  }
  if (selectors.size() != 1) {
    if (!json.Has("Condition"))  // which had its own finding
      Schema(
          "The object must have only one of the following fields, [And, Or, Not, Variable, "
          "Condition]",
          at);
    return test;
  }
  const bool is_comparison = selectors[0] == "Variable";
  if (is_comparison && comparators.empty()) {
    Schema("This object should have only one of the following fields: [" + ComparatorNames() + "]",
           at);
    return test;
  }
  if (comparators.size() > (is_comparison ? 1u : 0u)) {
    Schema("There should only be one of the following fields: [" +
               Join(is_comparison ? comparators
                                  : std::vector<std::string>{selectors[0], comparators[0]},
                    ", ") +
               "]",
           at);
    return test;
  }
  const std::string& name = is_comparison ? comparators[0] : selectors[0];
  const Json& value = json[name];
  const Where there = at.Member(name);
  if (name == "Not") {
    test.kind = ChoiceTest::Kind::kNot;
    test.parts.push_back(ReadTest(value, there, false, depth + 1));
  } else if (name == "And" || name == "Or") {
    test.kind = name == "And" ? ChoiceTest::Kind::kAnd : ChoiceTest::Kind::kOr;
    if (!value.is_array()) return WrongType("ARRAY", there), test;
    if (value.size() == 0) return Schema("Value cannot be empty", there), test;
    for (size_t i = 0; i < value.size(); ++i)
      test.parts.push_back(ReadTest(value.At(i), there.Item(i), false, depth + 1));
  } else {
    ReadComparison(json, name, at, test);
  }
  return test;
}

std::optional<Expression> Compiler::ReadRulePath(const Json& value, const Where& at) {
  if (value.is_string() && !value.AsString().starts_with("$")) {
    Schema("Value is not a Reference Path: Reference path didn't start with '$'", at);
    return std::nullopt;
  }
  return ReadPath(value, at, false);
}

void Compiler::ReadComparison(const Json& json, const std::string& name, const Where& at,
                              ChoiceTest& test) {
  const Comparator comparator = *FindComparator(name);
  test.subject = comparator.subject;
  test.compare = comparator.compare;
  test.is = comparator.is;
  test.value = json[name];
  const Where there = at.Member(name);
  if (auto variable = ReadRulePath(json["Variable"], at.Member("Variable")))
    test.variable = *std::move(variable);
  if (comparator.is_path) {
    test.value_path = ReadRulePath(test.value, there);
    return;
  }
  using Subject = ChoiceTest::Subject;
  const bool wants_text = test.subject == Subject::kString || test.subject == Subject::kMatches ||
                          test.subject == Subject::kTimestamp;
  if (wants_text && !test.value.is_string())
    WrongType("STRING", there);
  else if (test.subject == Subject::kNumeric && !test.value.is_number())
    Schema("Expected value of type Number", there);
  else if ((test.subject == Subject::kBoolean || test.subject == Subject::kIs) &&
           !test.value.is_bool())
    WrongType("BOOLEAN", there);
  else if (test.subject == Subject::kTimestamp && !ParseIso(test.value.AsString()))
    Schema("String does not match RFC3339 timestamp", there);
}

}  // namespace stepmill::asl
