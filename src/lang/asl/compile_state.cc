#include "lang/asl/compile.h"

namespace stepmill::asl {
namespace {

struct TypeRow {
  std::string_view name;
  StateType type;
  std::string_view fields;
};

// Of both query languages; measured with ValidateStateMachineDefinition.
constexpr TypeRow kTypes[] = {
    {"Task", StateType::kTask,
     " Type Comment QueryLanguage Next End InputPath OutputPath Parameters Arguments "
     "ResultSelector ResultPath Output Assign Retry Catch TimeoutSeconds TimeoutSecondsPath "
     "HeartbeatSeconds HeartbeatSecondsPath Credentials Resource "},
    {"Wait", StateType::kWait,
     " Type Comment QueryLanguage Next End InputPath OutputPath Output Assign Seconds SecondsPath "
     "Timestamp TimestampPath "},
    {"Pass", StateType::kPass,
     " Type Comment QueryLanguage Next End InputPath OutputPath Parameters ResultPath Output "
     "Assign Result "},
    {"Succeed", StateType::kSucceed, " Type Comment QueryLanguage InputPath OutputPath Output "},
    {"Fail", StateType::kFail, " Type Comment QueryLanguage Error ErrorPath Cause CausePath "},
    {"Choice", StateType::kChoice,
     " Type Comment QueryLanguage InputPath OutputPath Output Assign Choices Default "},
    {"Parallel", StateType::kParallel,
     " Type Comment QueryLanguage Next End InputPath OutputPath Parameters Arguments "
     "ResultSelector ResultPath Output Assign Retry Catch Branches "},
    {"Map", StateType::kMap,
     " Type Comment QueryLanguage Next End InputPath OutputPath Parameters Output ItemSelector "
     "ResultSelector ResultPath Assign Retry Catch ItemProcessor Iterator ItemsPath Items "
     "MaxConcurrency MaxConcurrencyPath ToleratedFailureCount ToleratedFailureCountPath "
     "ToleratedFailurePercentage ToleratedFailurePercentagePath Label ItemReader ItemBatcher "
     "ResultWriter "},
};

bool HasResult(StateType type) {
  return type == StateType::kTask || type == StateType::kParallel || type == StateType::kMap;
}

bool HoldsPath(const Json& value, int depth) {
  if (depth > kTemplateDepthMax) return false;
  if (value.is_string()) {
    const std::string& text = value.AsString();
    return text == "$" || text.starts_with("$.") || text.starts_with("$$.") ||
           text.starts_with("$[") ||
           (text.starts_with("States.") && Expression::Compile(text).has_value());
  }
  if (value.is_array())
    for (const Json& item : value.items())
      if (HoldsPath(item, depth + 1)) return true;
  if (value.is_object())
    for (const Json::Member& member : value.members())
      if (HoldsPath(member.value, depth + 1)) return true;
  return false;
}

}  // namespace

std::string_view StateTypeName(StateType type) {
  for (const TypeRow& row : kTypes)
    if (row.type == type) return row.name;
  return "";
}

void Compiler::ReadState(const Json& json, const Where& at, State& state, int depth) {
  if (!json.is_object()) return WrongType("OBJECT", at);
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
  // States inside a Map or Parallel take the machine's language, not the enclosing state's.
  const bool outer_is_query = is_query_;
  const bool outer_is_downgraded = is_downgraded_;
  const Json* language = json.Find("QueryLanguage");
  is_query_ = language ? *language != Json("JSONPath") : definition_->is_jsonata;
  is_downgraded_ = definition_->is_jsonata && !is_query_;
  state.is_jsonata = is_query_;
  if (is_downgraded_)
    Schema("'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine", at);
  CheckFields(json, row->fields, at);
  CheckLanguageValue(json, at);
  OptionalText(json, "Comment", at);
  if (Lists(row->fields, "Next")) CheckNext(json, at);
  ReadDataFlow(json, at, state);
  ReadBody(json, at, state, depth);
  is_query_ = outer_is_query;
  is_downgraded_ = outer_is_downgraded;
}

void Compiler::ReadBody(const Json& json, const Where& at, State& state, int depth) {
  switch (state.type) {
    case StateType::kTask: return ReadTask(json, at, state);
    case StateType::kWait: return ReadWait(json, at, state);
    case StateType::kPass:
      if (const Json* result = json.Find("Result"); result && !is_query_) {
        state.result = *result;
        if (HoldsPath(*result, 0))
          Warn("PASS_RESULT_IS_STATIC", "Attempt to use a path in the result of a pass state.",
               at.Member("Result"));
      }
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
  if (end && !end->is_bool()) return WrongType("BOOLEAN", at.Member("End"));
  if (next && !next->is_string()) return WrongType("STRING", at.Member("Next"));
  const bool is_end = end && end->AsBool();
  if (next && is_end) return OnlyOne({"Next", "End"}, at);
  if (!next && !is_end) MustHaveOne({"Next", "End"}, at);
}

void Compiler::ReadDataFlow(const Json& json, const Where& at, State& state) {
  const QueryOffers offers{.result = HasResult(state.type)};
  const bool is_map = state.type == StateType::kMap;
  if (is_query_) {
    state.parameters = ReadTemplate(json, is_map ? "ItemSelector" : "Arguments", at);
    state.output = ReadTemplate(json, "Output", at, offers);
  } else {
    state.input_path = ReadPathField(json, "InputPath", at);
    state.output_path = ReadPathField(json, "OutputPath", at);
    state.parameters = ReadTemplate(json, "Parameters", at);
    if (is_map && json.Has("ItemSelector")) {
      if (json.Has("Parameters")) OnlyOne({"ItemSelector", "Parameters"}, at);
      state.parameters = ReadTemplate(json, "ItemSelector", at);
    }
    state.result_selector = ReadTemplate(json, "ResultSelector", at);
    state.result_place = ReadResultPath(json, at);
  }
  state.assign = ReadAssign(json, at, offers);
  if (!HasResult(state.type)) return;
  if (const Json* retry = json.Find("Retry")) ReadRetriers(*retry, at.Member("Retry"), state);
  if (const Json* catchers = json.Find("Catch")) ReadCatchers(*catchers, at.Member("Catch"), state);
}

std::optional<Template> Compiler::ReadAssign(const Json& json, const Where& at,
                                             const QueryOffers& offers) {
  const Json* value = json.Find("Assign");
  if (!value) return std::nullopt;
  const Where there = at.Member("Assign");
  if (!value->is_object()) {
    WrongType("OBJECT", there);
    return std::nullopt;
  }
  for (const Json::Member& member : value->members()) {
    std::string_view name = member.name;
    if (!is_query_ && name.ends_with(".$")) name.remove_suffix(2);
    CheckVariableName(name, there);
  }
  return ReadTemplate(json, "Assign", at, offers);
}

// Step Functions: "Passing data between states with variables".
void Compiler::CheckVariableName(std::string_view name, const Where& at) {
  const std::string shown(name);
  if (name == "states")
    return Add("RESERVED_VARIABLE_NAME", "Cannot assign to reserved variable '$states'.", at);
  bool is_name = !name.empty() && !std::isdigit(static_cast<unsigned char>(name[0]));
  for (const char c : name)
    is_name = is_name && (std::isalnum(static_cast<unsigned char>(c)) || c == '_' ||
                          static_cast<unsigned char>(c) >= 0x80);
  if (!is_name)
    return Add(
        "INVALID_VARIABLE_NAME",
        "Invalid variable name '" + shown + "': the variable name contains invalid characters.",
        at);
  if (Utf16Length(name) > kStateNameCharactersMax)
    return Add("INVALID_VARIABLE_NAME",
               "Invalid variable name '" + shown +
                   "': the variable name exceeds the 80-character limit allowed by the service.",
               at);
  for (size_t i = 0; i + 1 < assigned_.size(); ++i)
    if (assigned_[i].count(shown) > 0)
      return Add("DUPLICATE_VARIABLE_NAME",
                 "The variable name '" + shown + "' was already defined in a parent scope.", at);
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
    OptionalText(json, "Comment", at);
    ReadMachine(json, at, *machine, depth + 1);
  } else {
    WrongType("OBJECT", at);
  }
  state.branches.push_back(std::move(machine));
}

}  // namespace stepmill::asl
