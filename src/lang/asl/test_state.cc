#include "lang/asl/test_state.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/strings.h"
#include "lang/asl/test_context.h"

namespace stepmill::asl {
namespace {

constexpr char kLoneState[] = "StateName";  // how AWS calls a state that is tested without machine

Error Refused(std::string message) {
  return {Code::kInvalid, "ValidationException", std::move(message)};
}

Error BadDefinition(std::string message) {
  return {Code::kInvalid, "InvalidDefinition", std::move(message)};
}

/// Adds the names of states that `state` goes on to.
void CollectTargets(const Json& state, std::set<std::string>& names) {
  for (const char* member : {"Next", "Default"})
    if (state[member].is_string()) names.insert(state[member].AsString());
  for (const char* list : {"Choices", "Catch"})
    if (state[list].is_array())
      for (const Json& each : state[list].items())
        if (each["Next"].is_string()) names.insert(each["Next"].AsString());
}

/// A machine around one state. The states that it goes on to are there so that it may name them.
Json MachineAround(const Json& state) {
  Json::Object states{{kLoneState, state}};
  std::set<std::string> names;
  CollectTargets(state, names);
  names.erase(kLoneState);
  for (const std::string& name : names)
    if (!name.empty()) states.Add(name, Json::Object{{"Type", "Succeed"}});
  return Json::Object{{"StartAt", kLoneState}, {"States", std::move(states)}};
}

struct Found {
  const StateMachine* machine = nullptr;
  const State* state = nullptr;
};

Found FindState(const StateMachine& machine, std::string_view name) {
  for (const State& state : machine.states) {
    if (state.name == name) return {&machine, &state};
    for (const auto& branch : state.branches)
      if (const Found found = FindState(*branch, name); found.state) return found;
  }
  return {};
}

/// The state as it is written, wherever it is nested; null: not there.
Json FindSource(const Json& machine, std::string_view name) {
  if (!machine["States"].is_object()) return Json();
  for (const Json::Member& state : machine["States"].members()) {
    if (state.name == name) return state.value;
    std::vector<Json> nested{state.value["ItemProcessor"], state.value["Iterator"]};
    if (state.value["Branches"].is_array())
      for (const Json& branch : state.value["Branches"].items()) nested.push_back(branch);
    for (const Json& inner : nested)
      if (const Json found = FindSource(inner, name); !found.is_null()) return found;
  }
  return Json();
}

/// The members of a request that contradict each other, whatever the state is.
Result<> CheckCombination(const Json& request) {
  const Json& configuration = request["stateConfiguration"];
  if (const Json* mock = request.Find("mock")) {
    if (mock->Has("result") == mock->Has("errorOutput"))
      return Refused(
          "A test mock should have only one of the following fields: [result, errorOutput].");
    if (request.BoolOr("revealSecrets", false))
      return Refused("TestState does not support RevealSecrets when a mock is specified.");
    return {};
  }
  constexpr std::pair<const char*, const char*> kWithMockOnly[] = {
      {"mapIterationFailureCount", "MapIterationFailureCount"},
      {"retrierRetryCount", "RetrierRetryCount"},
      {"errorCausedByState", "ErrorCausedByState"},
      {"mapItemReaderData", "MapItemReaderData"}};
  for (const auto& [member, shown] : kWithMockOnly)
    if (configuration.Has(member))
      return Refused("TestState does not support " + std::string(shown) +
                     " when a mock is not specified.");
  if (request.Has("context"))
    return Refused("TestState does not support Context when a mock is not specified.");
  return {};
}

Result<StateTest::Mock> ReadMock(const Json& given) {
  StateTest::Mock mock;
  const std::string mode = given.StringOr("fieldValidationMode", "STRICT");
  mock.is_checked = mode != "NONE";
  mock.with_required = mode == "STRICT";
  if (const Json* failure = given.Find("errorOutput")) {
    mock.is_failure = true;
    if (failure->Has("error")) mock.error = failure->StringOr("error", "");
    if (failure->Has("cause")) mock.cause = failure->StringOr("cause", "");
    return mock;
  }
  Result<Json> result = ParseJson(given.StringOr("result", ""));
  if (!result) return Refused("Mocked result must be valid JSON");
  mock.result = *std::move(result);
  return mock;
}

/// What a Map's ItemReader reads, where it has one.
Result<std::optional<Json>> ReadItems(const Json& source, const Json& configuration,
                                      const TestItemsReader& read_items) {
  if (!source.Has("ItemReader")) return std::optional<Json>();
  if (!configuration.Has("mapItemReaderData")) return std::optional<Json>(Json(Json::Array{}));
  Result<Json> items =
      read_items(source["ItemReader"], configuration.StringOr("mapItemReaderData", ""));
  if (!items) return Refused(items.error().message);
  return std::optional<Json>(*std::move(items));
}

/// What a mocked result must be for the kind of state.
Result<> CheckMock(const StateTest::Mock& mock, const State& state, const Json& source,
                   const Json& configuration) {
  if (mock.is_failure || state.type == StateType::kTask) return {};
  if (state.type == StateType::kMap) {
    const bool is_exported = source["ResultWriter"].Has("Resource");
    if (is_exported && !mock.result.is_object())
      return Refused("Mocked result must be a JSON object.");
    if (!is_exported && !mock.result.is_array()) return Refused("Mocked result must be an array.");
    const int64_t failed = configuration.IntOr("mapIterationFailureCount", 0);
    if (mock.result.is_array() && failed > static_cast<int64_t>(mock.result.size()))
      return Refused(
          "Map iteration failure count must be less than or equal to the number of Map "
          "iterations");
    return {};
  }
  if (!mock.result.is_array()) return Refused("Mocked result must be an array.");
  if (mock.result.size() != state.branches.size())
    return Refused(
        "Mocked result must contain the same number of items as number of Parallel branches.");
  return {};
}

/// Which states can be tested, and with what.
Result<> CheckState(const State& state, const Json& request) {
  const bool is_fan_out = state.type == StateType::kMap || state.type == StateType::kParallel;
  if (request.Has("mock")) {
    if (is_fan_out || state.type == StateType::kTask) return {};
    return Refused("State type '" + std::string(StateTypeName(state.type)) +
                   "' is not supported when a mock is specified");
  }
  if (is_fan_out)
    return BadDefinition(
        "TestState API does not support Map or Parallel states. Supported state types include: "
        "[Task, Wait, Pass, Succeed, Fail, Choice]");
  if (state.type != StateType::kTask) return {};
  if (!request.Has("roleArn"))
    return Refused("RoleArn must be specified when testing a Task state");
  if (state.task.kind == Resource::Kind::kActivity || state.task.is_sync() ||
      state.task.pattern == Resource::Pattern::kWaitForTaskToken)
    return BadDefinition(
        "TestState API does not support Activity tasks, '.sync' or '.waitForTaskToken' service "
        "integration patterns when a mock is not specified.");
  return {};
}

/// The context of an Express execution, as AWS makes it where none is given.
Json DefaultContext(const StartInfo& start, const Json& input, const State& state) {
  Json::Object here{{"Name", kLoneState}, {"EnteredTime", FormatIso(start.started_at)}};
  if (state.type == StateType::kTask || state.type == StateType::kParallel ||
      state.type == StateType::kMap)
    here.Add("RetryCount", 0);
  Json::Object execution{{"Id", start.execution_arn},
                         {"Input", input},
                         {"Name", start.name},
                         {"RoleArn", start.role_arn.empty() ? Json() : Json(start.role_arn)},
                         {"StartTime", FormatIso(start.started_at)}};
  return Json::Object{{"Execution", std::move(execution)},
                      {"StateMachine", Json::Object{{"Id", start.state_machine_arn},
                                                    {"Name", start.state_machine_name}}},
                      {"State", std::move(here)}};
}

StartInfo MakeStart(const Json& request, const TestIdentity& identity) {
  const std::string arn = "arn:aws:states:" + identity.region + ":" + identity.account + ":";
  StartInfo start;
  start.name = identity.execution_name;
  start.execution_arn = arn + "express:" + identity.machine_name + ":" + identity.execution_name;
  start.role_arn = request.StringOr("roleArn", "");
  start.state_machine_arn = arn + "stateMachine:" + identity.machine_name;
  start.state_machine_name = identity.machine_name;
  start.region = identity.region;
  start.started_at = identity.now;
  start.input_text = request.StringOr("input", "{}");
  start.is_express = true;
  return start;
}

/// The definition and the state in it.
Result<Json> FindTested(const Json& request, const CompileOptions& options, StateTest& test) {
  const std::string text = request.StringOr("definition", "");
  const bool is_whole = request.Has("stateName");
  Result<Json> parsed = ParseJson(text);
  const Compiled compiled = is_whole || !parsed || !parsed->is_object()
                                ? Compile(text, options)
                                : CompileValue(MachineAround(*parsed), Positions(), options);
  if (!compiled.definition)
    return BadDefinition("Invalid State Machine Definition: '" + JoinFindings(compiled.findings) +
                         "'");
  if (!parsed) return BadDefinition(parsed.error().message);
  const std::string name = request.StringOr("stateName", kLoneState);
  const Found found = FindState(compiled.definition->root, name);
  if (!found.state) return Refused("State not found in definition");
  test.definition = compiled.definition;
  test.probe.machine = found.machine;
  test.probe.state = found.state;
  test.is_jsonata = found.state->is_jsonata;
  return is_whole ? FindSource(*parsed, name) : *parsed;
}

Result<Json> ReadVariables(const Json& request) {
  if (!request.Has("variables")) return Json();
  Result<Json> variables = ParseJson(request.StringOr("variables", ""));
  if (!variables || !variables->is_object())
    return Refused("Variables must be a JSON object of names and values");
  return variables;
}

// The members of inspectionData by kind of state and language, as AWS shows them: `input` stands in
// all of them, what was not reached is left out.
struct Shown {
  Seen seen;
  const char* name;
};

std::vector<Shown> ShownMembers(const StateTest& test) {
  const State& state = *test.probe.state;
  const bool is_path = !test.is_jsonata;
  const std::vector<Shown> tolerated{
      {Seen::kMaxConcurrency, "maxConcurrency"},
      {Seen::kToleratedFailureCount, "toleratedFailureCount"},
      {Seen::kToleratedFailurePercentage, "toleratedFailurePercentage"},
      {Seen::kItemSelector, "afterItemSelector"},
      {Seen::kItemBatcher, "afterItemBatcher"}};
  const std::vector<Shown> placed{{Seen::kResultSelector, "afterResultSelector"},
                                  {Seen::kResultPath, "afterResultPath"}};
  std::vector<Shown> shown;
  const auto add = [&shown](const std::vector<Shown>& more) {
    shown.insert(shown.end(), more.begin(), more.end());
  };
  switch (state.type) {
    case StateType::kPass:
      if (!is_path) break;
      add({{Seen::kInputPath, "afterInputPath"}, {Seen::kParameters, "afterParameters"}});
      add({{Seen::kResult, "result"}});
      add(placed);
      break;
    case StateType::kTask:
      if (is_path)
        add({{Seen::kInputPath, "afterInputPath"}, {Seen::kParameters, "afterParameters"}});
      else
        add({{Seen::kParameters, "afterArguments"}});
      add({{Seen::kResult, "result"}});
      if (is_path) add(placed);
      break;
    case StateType::kMap:
      if (is_path)
        add({{Seen::kInputPath, "afterInputPath"}, {Seen::kItemsPath, "afterItemsPath"}});
      if (test.has_items_pointer) add({{Seen::kItemsPath, "afterItemsPointer"}});
      add(tolerated);
      if (is_path) add(placed);
      break;
    case StateType::kParallel:
      if (is_path) add(placed);
      break;
    case StateType::kChoice:
    case StateType::kSucceed:
    case StateType::kFail:
    case StateType::kWait:
      if (is_path) add({{Seen::kInputPath, "afterInputPath"}});
      break;
  }
  return shown;
}

Json Inspection(const StateTest& test) {
  const Probe& probe = test.probe;
  Json::Object out{{"input", test.start.input_text}};
  for (const Shown& shown : ShownMembers(test)) {
    const std::optional<Json>& value = probe.seen[static_cast<size_t>(shown.seen)];
    if (!value) continue;
    const bool is_whole = value->is_number() && value->AsDouble() == std::floor(value->AsDouble());
    out.Add(shown.name, is_whole ? Json(static_cast<int64_t>(value->AsDouble())) : *value);
  }
  for (const char* member : {"request", "response"})
    if (const Json* shown = test.exchange.Find(member)) out.Add(member, *shown);
  if (probe.variables.is_object() && probe.variables.size() > 0)
    out.Add("variables", probe.variables.Print());
  Json::Object details;
  if (probe.catcher) details.Add("catchIndex", static_cast<int64_t>(*probe.catcher));
  if (probe.retrier) details.Add("retryIndex", static_cast<int64_t>(*probe.retrier));
  if (probe.retry_delay_seconds)
    details.Add("retryBackoffIntervalSeconds",
                static_cast<int64_t>(std::floor(*probe.retry_delay_seconds)));
  if (!details.members.empty()) out.Add("errorDetails", std::move(details));
  return Json(std::move(out));
}

}  // namespace

Result<StateTest> ReadStateTest(const Json& request, const CompileOptions& options,
                                const TestIdentity& identity, const TestItemsReader& read_items) {
  MILL_CHECK(CheckCombination(request));
  StateTest test;
  test.level = request.StringOr("inspectionLevel", "INFO");
  test.reveals_secrets = request.BoolOr("revealSecrets", false);
  MILL_TRY(const Json source, FindTested(request, options, test));
  const State& state = *test.probe.state;
  MILL_CHECK(CheckState(state, request));
  const Json& configuration = request["stateConfiguration"];
  if (const Json* given = request.Find("mock")) {
    MILL_TRY(test.mock, ReadMock(*given));
    MILL_CHECK(CheckMock(*test.mock, state, source, configuration));
  }
  test.start = MakeStart(request, identity);
  if (const auto problem = FindJacksonProblem(test.start.input_text))
    return Error{Code::kInvalid, "InvalidExecutionInput",
                 "Invalid State Machine Execution Input: '" + problem->message + "'"};
  MILL_TRY(const Json input, ParseJson(test.start.input_text));
  MILL_TRY(test.probe.variables, ReadVariables(request));
  test.probe.retries = configuration.IntOr("retrierRetryCount", 0);
  test.probe.context = DefaultContext(test.start, input, state);
  if (request.Has("context")) {
    MILL_TRY(test.probe.context, ReadTestContext(request.StringOr("context", ""), state));
    test.probe.adds_task_token = false;
  }
  if (test.mock && state.type != StateType::kTask) {
    Probe::Children children;
    children.is_failure = test.mock->is_failure;
    children.result = test.mock->result;
    children.error = test.mock->error;
    children.cause = test.mock->cause;
    children.failed = configuration.IntOr("mapIterationFailureCount", 0);
    test.probe.children = std::move(children);
    test.has_items_pointer = source["ItemReader"]["ReaderConfig"].Has("ItemsPointer");
    MILL_TRY(test.probe.items, ReadItems(source, configuration, read_items));
  }
  return test;
}

Json StateTestAnswer(const StateTest& test, const Turn& last) {
  const Probe& probe = test.probe;
  std::string status = "FAILED";
  std::optional<std::string> error = last.error;
  std::optional<std::string> cause = last.cause;
  Json::Object out;
  if (last.status == Status::kSucceeded) {
    status = probe.catcher ? "CAUGHT_ERROR" : "SUCCEEDED";
    out.Add("output", last.output_text);
    if (!probe.next_state.empty()) out.Add("nextState", probe.next_state);
    error = probe.caught_error;
    cause = probe.caught_cause;
  } else if (probe.retry_delay_seconds) {
    status = "RETRIABLE";
  }
  if (error) out.Add("error", *error);
  if (cause) out.Add("cause", *cause);
  if (test.level != "INFO") out.Add("inspectionData", Inspection(test));
  out.Add("status", status);
  return Json(std::move(out));
}

}  // namespace stepmill::asl
