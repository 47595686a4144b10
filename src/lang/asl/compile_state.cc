#include "lang/asl/compile.h"

namespace stepmill::asl {
namespace {

struct TypeRow {
  std::string_view name;
  StateType type;
  std::string_view fields;  // with the common ones (Type, Comment, QueryLanguage)
};
constexpr std::string_view kCommonFields = " Type Comment QueryLanguage ";
constexpr TypeRow kTypes[] = {
    {"Task", StateType::kTask,
     " Next End InputPath OutputPath Parameters ResultSelector ResultPath Assign Retry Catch "
     "TimeoutSeconds TimeoutSecondsPath HeartbeatSeconds HeartbeatSecondsPath Credentials "
     "Resource "},
    {"Wait", StateType::kWait,
     " Next End InputPath OutputPath Assign Seconds SecondsPath Timestamp TimestampPath "},
    {"Pass", StateType::kPass,
     " Next End InputPath OutputPath Parameters ResultPath Assign Result "},
    {"Succeed", StateType::kSucceed, " InputPath OutputPath "},
    {"Fail", StateType::kFail, " Error ErrorPath Cause CausePath "},
    {"Choice", StateType::kChoice, " InputPath OutputPath Assign Choices Default "},
    {"Parallel", StateType::kParallel,
     " Next End InputPath OutputPath Parameters ResultSelector ResultPath Assign Retry Catch "
     "Branches "},
    {"Map", StateType::kMap,
     " Next End InputPath OutputPath Parameters ItemSelector ResultSelector ResultPath Assign "
     "Retry Catch ItemProcessor Iterator ItemsPath MaxConcurrency MaxConcurrencyPath "
     "ToleratedFailureCount ToleratedFailureCountPath ToleratedFailurePercentage "
     "ToleratedFailurePercentagePath Label ItemReader ItemBatcher ResultWriter "},
};
}  // namespace

std::string_view StateTypeName(StateType type) {
  for (const TypeRow& row : kTypes)
    if (row.type == type) return row.name;
  return "";
}

void Compiler::ReadState(const Json& json, const Where& at, State& state,
                         const StateMachine& machine, int depth) {
  (void)machine;
  if (!json.is_object()) return Schema("Expected value of type Object", at);
  const TypeRow* row = nullptr;
  const Json& type = json["Type"];
  for (const TypeRow& candidate : kTypes)
    if (type.is_string() && type.AsString() == candidate.name) row = &candidate;
  if (!row)
    return Schema(
        "The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, "
        "Choice, Parallel, Map]",
        at.Member("Type"));
  state.type = row->type;
  OptionalText(json, "Comment", at);
  if (!QueryLanguageIsBuilt(json, at)) return;
  for (const Json::Member& member : json.members()) {
    if (Lists(kCommonFields, member.name) || Lists(row->fields, member.name)) continue;
    if (Lists(kJsonataOnly, member.name))
      Schema("The QueryLanguage is set to 'JSONPath', but field '" + member.name +
                 "' is only supported for the 'JSONata' QueryLanguage",
             at);
    else
      Schema("Field '" + member.name + "' is not supported", at);
  }
  if (Lists(row->fields, "Next")) CheckNext(json, at);
  ReadDataFlow(json, at, state);
  switch (state.type) {
    case StateType::kTask: return ReadTask(json, at, state);
    case StateType::kWait: return ReadWait(json, at, state);
    case StateType::kPass:
      if (const Json* result = json.Find("Result")) state.result = *result;
      return;
    case StateType::kSucceed: return;
    case StateType::kFail: return ReadFail(json, at, state);
    case StateType::kChoice: return ReadChoice(json, at, state);
    case StateType::kParallel: return ReadParallel(json, at, state, depth);
    case StateType::kMap: return ReadMap(json, at, state, depth);
  }
}

void Compiler::CheckNext(const Json& json, const Where& at) {
  const Json* next = json.Find("Next");
  const Json* end = json.Find("End");
  if (end && !end->is_bool()) return Schema("Expected value of type Boolean", at.Member("End"));
  if (next && !next->is_string()) return Schema("Expected value of type String", at.Member("Next"));
  if (next && end) return OnlyOne({"Next", "End"}, at);
  if (!next && !(end && end->AsBool()))
    Schema("One of the following fields is required: [Next, End]", at);
}

void Compiler::ReadDataFlow(const Json& json, const Where& at, State& state) {
  state.input_path = ReadPathField(json, "InputPath", at);
  state.output_path = ReadPathField(json, "OutputPath", at);
  state.parameters = ReadTemplate(json, "Parameters", at);
  if (state.type == StateType::kMap && json.Has("ItemSelector")) {
    if (json.Has("Parameters")) OnlyOne({"ItemSelector", "Parameters"}, at);
    state.parameters = ReadTemplate(json, "ItemSelector", at);
  }
  state.result_selector = ReadTemplate(json, "ResultSelector", at);
  state.result_place = ReadResultPath(json, at);
  state.assign = ReadAssign(json, at);
  if (const Json* retry = json.Find("Retry"))
    if (state.type != StateType::kPass) ReadRetriers(*retry, at.Member("Retry"), state);
  if (const Json* catchers = json.Find("Catch")) ReadCatchers(*catchers, at.Member("Catch"), state);
}

std::optional<Template> Compiler::ReadAssign(const Json& json, const Where& at) {
  const Json* value = json.Find("Assign");
  if (!value) return std::nullopt;
  const Where there = at.Member("Assign");
  if (!value->is_object()) {
    Schema("Expected value of type Object", there);
    return std::nullopt;
  }
  for (const Json::Member& member : value->members()) {
    std::string_view name = member.name;
    if (name.ends_with(".$")) name.remove_suffix(2);
    bool is_name = !name.empty() && !std::isdigit(static_cast<unsigned char>(name[0])) &&
                   Utf16Length(name) <= kStateNameCharactersMax && name != "states";
    for (const char c : name)
      is_name = is_name && (std::isalnum(static_cast<unsigned char>(c)) || c == '_' ||
                            static_cast<unsigned char>(c) >= 0x80);
    if (!is_name) Schema("'" + std::string(name) + "' is not a valid variable name", there);
  }
  return ReadTemplate(json, "Assign", at);
}

ResultPlace Compiler::ReadResultPath(const Json& json, const Where& at) {
  ResultPlace out;
  const Json* value = json.Find("ResultPath");
  if (!value) return out;
  if (value->is_null()) {
    out.kind = ResultPlace::Kind::kDiscard;
    return out;
  }
  const Where there = at.Member("ResultPath");
  const std::optional<Expression> path = ReadPath(*value, there, true);
  if (!path) return out;
  if (path->kind() != Expression::Kind::kInput)
    Schema("Value is not a Reference Path", there);
  else if (!path->path().is_root()) {
    out.kind = ResultPlace::Kind::kPut;
    out.path = path->path();
  }
  return out;
}

void Compiler::ReadNested(const Json& json, const Where& at, std::string_view fields, State& state,
                          int depth) {
  auto machine = std::make_unique<StateMachine>();
  if (json.is_object()) {
    for (const Json::Member& member : json.members())
      if (!Lists(fields, member.name)) Schema("Field '" + member.name + "' is not supported", at);
    ReadMachine(json, at, *machine, depth + 1);
  } else {
    Schema("Expected value of type Object", at);
  }
  state.branches.push_back(std::move(machine));
}

}  // namespace stepmill::asl
