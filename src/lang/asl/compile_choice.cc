#include "lang/asl/compile.h"

namespace stepmill::asl {

void Compiler::ReadChoice(const Json& json, const Where& at, State& state) {
  const Json* list = json.Find("Choices");
  if (json.Has("Default") && !json["Default"].is_string())
    Schema("Expected value of type String", at.Member("Default"));
  if (!list) return Schema("These fields are required: [Choices]", at);
  const Where there = at.Member("Choices");
  if (!list->is_array()) return Schema("Expected value of type Array", there);
  if (list->size() == 0) return Schema("Value cannot be empty", there);
  for (size_t i = 0; i < list->size(); ++i) {
    const Json& json_rule = list->At(i);
    const Where here = there.Item(i);
    ChoiceRule rule;
    if (json_rule.is_object()) {
      if (!json_rule["Next"].is_string()) Schema("These fields are required: [Next]", here);
      rule.assign = ReadAssign(json_rule, here);
      rule.test = ReadTest(json_rule, here, true, 0);
    } else {
      Schema("Expected value of type Object", here);
    }
    state.choices.push_back(std::move(rule));
  }
}

ChoiceTest Compiler::ReadTest(const Json& json, const Where& at, bool is_top, int depth) {
  ChoiceTest test;
  if (depth > kChoiceDepthMax) return Schema("The choice rule is nested too deeply", at), test;
  if (!json.is_object()) return Schema("Expected value of type Object", at), test;
  std::vector<std::string> operators;
  for (const Json::Member& member : json.members()) {
    const std::string& name = member.name;
    if (name == "Variable" || name == "Comment" || (is_top && (name == "Next" || name == "Assign")))
      continue;
    if (name == "And" || name == "Or" || name == "Not" || FindComparator(name))
      operators.push_back(name);
    else if (Lists(kJsonataOnly, name))
      Schema("The QueryLanguage is set to 'JSONPath', but field '" + name +
                 "' is only supported for the 'JSONata' QueryLanguage",
             at);
    else
      Schema("Field '" + name + "' is not supported", at);
  }
  if (operators.size() != 1) {
    if (operators.empty())
      Schema("A choice rule must have one comparison operator", at);
    else
      Schema("There should only be one of the following fields: [" + Join(operators, ", ") + "]",
             at);
    return test;
  }
  const std::string& name = operators[0];
  const Json& value = json[name];
  const Where there = at.Member(name);
  if (name == "Not") {
    test.kind = ChoiceTest::Kind::kNot;
    test.parts.push_back(ReadTest(value, there, false, depth + 1));
  } else if (name == "And" || name == "Or") {
    test.kind = name == "And" ? ChoiceTest::Kind::kAnd : ChoiceTest::Kind::kOr;
    if (!value.is_array()) return Schema("Expected value of type Array", there), test;
    if (value.size() == 0) return Schema("Value cannot be empty", there), test;
    for (size_t i = 0; i < value.size(); ++i)
      test.parts.push_back(ReadTest(value.At(i), there.Item(i), false, depth + 1));
  } else {
    ReadComparison(json, name, at, test);
  }
  return test;
}

void Compiler::ReadComparison(const Json& json, const std::string& name, const Where& at,
                              ChoiceTest& test) {
  const Comparator comparator = *FindComparator(name);
  test.subject = comparator.subject;
  test.compare = comparator.compare;
  test.is = comparator.is;
  test.value = json[name];
  const Where there = at.Member(name);
  if (!json.Has("Variable"))
    Schema("These fields are required: [Variable]", at);
  else if (auto variable = ReadPath(json["Variable"], at.Member("Variable"), false))
    test.variable = *std::move(variable);
  if (comparator.is_path) {
    test.value_path = ReadPath(test.value, there, false);
    return;
  }
  using Subject = ChoiceTest::Subject;
  const bool wants_text = test.subject == Subject::kString || test.subject == Subject::kMatches ||
                          test.subject == Subject::kTimestamp;
  if (wants_text && !test.value.is_string())
    Schema("Expected value of type String", there);
  else if (test.subject == Subject::kNumeric && !test.value.is_number())
    Schema("Expected value of type Number", there);
  else if ((test.subject == Subject::kBoolean || test.subject == Subject::kIs) &&
           !test.value.is_bool())
    Schema("Expected value of type Boolean", there);
  else if (test.subject == Subject::kTimestamp && !ParseIso(test.value.AsString()))
    Schema("String does not match RFC3339 timestamp", there);
}

}  // namespace stepmill::asl
