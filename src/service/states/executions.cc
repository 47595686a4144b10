#include "service/states/executions.h"

#include "base/strings.h"
#include "engine/engine.h"
#include "lang/asl/definition.h"
#include "lang/asl/execution.h"
#include "service/ports.h"
#include "service/states/documents.h"
#include "service/states/errors.h"
#include "service/states/execution_machine.h"
#include "store/store.h"
#include "task/ports.h"

namespace stepmill::states {
namespace {

constexpr int kPageDefault = 100;
constexpr int kScanPage = 100;       // index documents a read
constexpr int kScanPagesMax = 1000;  // of one ListExecutions

Json Seconds(const Json& millis) { return Json(static_cast<double>(millis.AsInteger()) / 1000.0); }

Result<> CheckInput(const std::string& text) {
  if (Trim(text).empty())
    return InvalidExecutionInput(
        "Invalid State Machine Execution Input: 'Invalid execution input.'");
  if (const auto problem = asl::FindJacksonProblem(text))
    return InvalidExecutionInput("Invalid State Machine Execution Input: '" + problem->message +
                                 "'");
  return {};
}

Json ListEntry(const Json& document) {
  Json::Object entry;
  for (const char* name : {"executionArn", "stateMachineArn", "name", "status"})
    entry.SetIf(name, document.Find(name));
  for (const char* date : {"startDate", "stopDate"})
    if (document.Has(date)) entry.Set(date, Seconds(document[date]));
  entry.Set("redriveCount", 0);
  return entry;
}

/// Without the members that carry data.
Json WithoutData(const Json& event) {
  Json::Object out;
  for (const Json::Member& member : event.members()) {
    Json value = member.value;
    for (const char* data : {"input", "output", "parameters", "assignedVariables"})
      value = value.is_object() && value.Has(data) ? value.Without(data) : value;
    out.Add(member.name, std::move(value));
  }
  return out;
}

}  // namespace

Task<Json> StartExecution(Call& call) {
  const std::string machine_arn = call.input.StringOr("stateMachineArn", "");
  MILL_CO_TRY(const Document machine, co_await RequireMachine(call, machine_arn));
  std::string name = call.input.StringOr("name", "");
  if (call.input.Has("name"))
    MILL_CO_CHECK(CheckName(name));
  else
    name = call.ports.random.NewUuid();
  const std::string input = call.input.StringOr("input", "{}");
  MILL_CO_CHECK(CheckInput(input));
  const std::string machine_name = machine.body.StringOr("name", "");
  const std::string arn = ExecutionArn(call, machine_name, name);
  const Key key = ExecutionKey(call, machine_name, name);
  MILL_CO_TRY(const auto existing, co_await call.ports.store.Get(key));
  if (existing) {
    const bool is_same = existing->body.StringOr("status", "") == "RUNNING" &&
                         existing->body.StringOr("input", "") == input;
    if (!is_same) co_return ExecutionAlreadyExists(arn);
    co_return Json::Object{{"executionArn", arn},
                           {"startDate", Seconds(existing->body["startDate"])}};
  }
  const int64_t now = MillisSinceEpoch(call.Now());
  Json::Object started{{"executionArn", arn}, {"stateMachineArn", machine_arn},
                       {"name", name},        {"status", "RUNNING"},
                       {"startDate", now},    {"input", input}};
  started.SetIf("traceHeader", call.input.Find("traceHeader"));
  // What DescribeStateMachineForExecution shows: the machine as it was.
  Json::Object was;
  for (const char* member : {"name", "definition", "roleArn", "updatedAt", "loggingConfiguration",
                             "tracingConfiguration", "revisionId"})
    was.SetIf(member, machine.body.Find(member));
  const Json document = std::move(started);
  const Json machine_then = std::move(was);
  call.batch.Create(key, document);
  call.batch.PutDocument(call.KeyFor({"states", "machine-of", machine_name, name}), machine_then);
  call.batch.PutDocument(StartedKey(call, machine_name, call.Now(), name),
                         Json::Object{{"name", name}});
  const Json data = StartData(machine.body, document, key, call.account, call.region);
  call.ports.engine.Start(call.batch, arn, kMachineName, data);
  co_return Json::Object{{"executionArn", arn}, {"startDate", Seconds(now)}};
}

Task<Json> DescribeExecution(Call& call) {
  const std::string arn = call.input.StringOr("executionArn", "");
  MILL_CO_TRY(const Document execution, co_await RequireExecution(call, arn));
  const bool with_data = call.input.StringOr("includedData", "ALL_DATA") != "METADATA_ONLY";
  co_return DescribeExecutionOf(execution.body, with_data);
}

Task<Json> DescribeStateMachineForExecution(Call& call) {
  const std::string arn = call.input.StringOr("executionArn", "");
  MILL_CO_TRY(const Document execution, co_await RequireExecution(call, arn));
  MILL_CO_TRY(const StatesArn parsed, ParseArn(arn));
  const Key key = call.KeyFor({"states", "machine-of", parsed.name, parsed.rest});
  MILL_CO_TRY(const auto machine, co_await call.ports.store.Get(key));
  if (!machine) co_return ExecutionDoesNotExist(arn);
  const Json& body = machine->body;
  const bool with_data = call.input.StringOr("includedData", "ALL_DATA") != "METADATA_ONLY";
  Json::Object out{{"stateMachineArn", execution.body["stateMachineArn"]}, {"name", body["name"]}};
  if (with_data) out.Set("definition", body["definition"]);
  out.Set("roleArn", body["roleArn"]);
  out.Set("updateDate", Seconds(body["updatedAt"]));
  out.Set("loggingConfiguration", body["loggingConfiguration"]);
  out.Set("tracingConfiguration", body["tracingConfiguration"]);
  out.SetIf("revisionId", body.Find("revisionId"));
  out.Set("encryptionConfiguration", Json::Object{{"type", "AWS_OWNED_KEY"}});
  const asl::Compiled compiled = asl::Compile(body.StringOr("definition", ""));
  if (with_data && compiled.definition) {
    const Json references = asl::VariableReferences(*compiled.definition);
    if (!references.is_null()) out.Set("variableReferences", references);
  }
  co_return out;
}

Task<Json> ListExecutions(Call& call) {
  if (call.input.Has("mapRunArn")) co_return NotBuilt("mapRunArn (Distributed Map)");
  if (!call.input.Has("stateMachineArn"))
    co_return Error{Code::kInvalid, "ValidationException",
                    "Must provide a state machine ARN or map run ARN"};
  const std::string machine_arn = call.input.StringOr("stateMachineArn", "");
  MILL_CO_TRY(const Document machine, co_await RequireMachine(call, machine_arn));
  const std::string machine_name = machine.body.StringOr("name", "");
  size_t limit = static_cast<size_t>(call.input.IntOr("maxResults", 0));
  if (limit == 0) limit = kPageDefault;
  const std::string status = call.input.StringOr("statusFilter", "");
  const bool wants_redriven = call.input.StringOr("redriveFilter", "") == "REDRIVEN";
  const Key prefix = StartedPrefix(call, machine_name);
  Key from = prefix;
  if (const Json* token = call.input.Find("nextToken")) {
    MILL_CO_TRY(from, ReadPageToken(token->AsString()));
    if (!from.starts_with(prefix)) co_return InvalidToken();
  }
  const Key to = PrefixEnd(prefix);
  Json::Array list;
  Json::Object out;
  bool is_full = wants_redriven;  // nothing is ever redriven
  for (int page = 0; page < kScanPagesMax && !is_full; ++page) {
    MILL_CO_TRY(const auto found,
                co_await call.ports.store.Range(from, to, Direction::kForward, kScanPage));
    for (const Document& entry : found) {
      const Key key = ExecutionKey(call, machine_name, entry.body.StringOr("name", ""));
      MILL_CO_TRY(const auto execution, co_await call.ports.store.Get(key));
      if (!execution || (!status.empty() && execution->body.StringOr("status", "") != status))
        continue;
      if (list.size() == limit) {
        out.Set("nextToken", PageToken(entry.key));
        is_full = true;
        break;
      }
      list.push_back(ListEntry(execution->body));
    }
    if (found.size() < kScanPage) break;
    from = found.back().key + '\0';
  }
  out.Set("executions", Json(std::move(list)));
  co_return out;
}

Task<Json> StopExecution(Call& call) {
  const std::string arn = call.input.StringOr("executionArn", "");
  MILL_CO_TRY(const Document execution, co_await RequireExecution(call, arn));
  if (execution.body.StringOr("status", "") != "RUNNING")
    co_return Json::Object{{"stopDate", Seconds(execution.body["stopDate"])}};
  Json::Object data;
  data.SetIf("error", call.input.Find("error"));
  data.SetIf("cause", call.input.Find("cause"));
  call.ports.engine.Post(call.batch, arn, "stop", std::move(data));
  co_return Json::Object{{"stopDate", SecondsSinceEpoch(call.Now())}};
}

Task<Json> GetExecutionHistory(Call& call) {
  const std::string arn = call.input.StringOr("executionArn", "");
  MILL_CO_TRY(const Document execution, co_await RequireExecution(call, arn));
  size_t limit = static_cast<size_t>(call.input.IntOr("maxResults", 0));
  if (limit == 0) limit = kPageDefault;
  size_t from = 0;
  if (const Json* token = call.input.Find("nextToken")) {
    MILL_CO_TRY(const std::string at, ReadPageToken(token->AsString()));
    const std::optional<int64_t> number = ParseInt(at);
    if (!number || *number < 0) co_return InvalidToken();
    from = static_cast<size_t>(*number);
  }
  MILL_CO_TRY(const std::vector<Json> history, co_await call.ports.engine.History(arn));
  const bool is_reverse = call.input.BoolOr("reverseOrder", false);
  const bool with_data = call.input.BoolOr("includeExecutionData", true);
  Json::Array events;
  size_t at = from;
  for (; at < history.size() && events.size() < limit; ++at) {
    const Json& event = history[is_reverse ? history.size() - 1 - at : at];
    events.push_back(with_data ? event : WithoutData(event));
  }
  Json::Object out{{"events", Json(std::move(events))}};
  if (at < history.size()) out.Set("nextToken", PageToken(std::to_string(at)));
  co_return out;
}

namespace {

/// Posts what became of a waiting task to its execution.
Task<Json> PostTask(Call& call, std::string kind, Json data) {
  const std::string token = call.input.StringOr("taskToken", "");
  const std::optional<asl::TaskToken> read = asl::ReadTaskToken(token);
  if (!read) co_return InvalidToken();
  const Key key = TokenKey(call.account, call.region, token);
  MILL_CO_TRY(const auto waiting, co_await call.ports.store.Get(key));
  if (!waiting) co_return TaskTimedOut();
  data = data.With("task", static_cast<int64_t>(read->task));
  call.ports.engine.Post(call.batch, read->execution_arn, kind, data);
  // Answered once: the next one finds that it is gone.
  if (kind != "task-heartbeat") call.batch.Delete(key);
  co_return Json::Object{};
}

}  // namespace

Task<Json> SendTaskSuccess(Call& call) {
  if (!asl::ReadTaskToken(call.input.StringOr("taskToken", ""))) co_return InvalidToken();
  const std::string text = call.input.StringOr("output", "");
  if (const auto problem = asl::FindJacksonProblem(text)) co_return InvalidOutput(problem->message);
  MILL_CO_TRY(const Json output, ParseJson(text));
  const Json data = Json::Object{{"output", output}};
  co_return co_await PostTask(call, "task-success", data);
}

Task<Json> SendTaskFailure(Call& call) {
  Json::Object data;
  data.SetIf("error", call.input.Find("error"));
  data.SetIf("cause", call.input.Find("cause"));
  const Json failure = std::move(data);
  co_return co_await PostTask(call, "task-failure", failure);
}

Task<Json> SendTaskHeartbeat(Call& call) {
  const Json data = Json(Json::Object{});
  co_return co_await PostTask(call, "task-heartbeat", data);
}

}  // namespace stepmill::states
