#include "service/states/start.h"

#include <algorithm>

#include "base/strings.h"
#include "engine/engine.h"
#include "lang/asl/definition.h"
#include "lang/asl/limits.h"
#include "service/ports.h"
#include "service/states/documents.h"
#include "service/states/errors.h"
#include "service/states/execution_machine.h"
#include "service/states/express.h"
#include "store/events.h"
#include "task/ports.h"

namespace stepmill::states {
namespace {

constexpr int64_t kBilledMillisStep = 100;
constexpr int64_t kBilledMemoryMib = 64;

Result<> CheckExecutionInput(const std::string& text) {
  if (Trim(text).empty())
    return InvalidExecutionInput(
        "Invalid State Machine Execution Input: 'Invalid execution input.'");
  if (text.size() > asl::kPayloadBytesMax)
    return InvalidExecutionInput(
        "Invalid State Machine Execution Input: 'Input exceeds the maximum number of bytes "
        "service limit.'");
  if (const auto problem = asl::FindJacksonProblem(text))
    return InvalidExecutionInput("Invalid State Machine Execution Input: '" + problem->message +
                                 "'");
  return {};
}

/// The name of the new execution: the caller's, or a new one.
Result<std::string> NameOf(Call& call) {
  if (!call.input.Has("name")) return call.ports.random.NewUuid();
  std::string name = call.input.StringOr("name", "");
  MILL_CHECK(CheckName(name));
  return name;
}

/// The document of an execution that begins now.
Json NewExecution(Call& call, const MachineTarget& target, const std::string& arn,
                  const std::string& name) {
  Json::Object document{{"executionArn", arn},
                        {"stateMachineArn", target.machine["stateMachineArn"]},
                        {"name", name},
                        {"status", "RUNNING"},
                        {"startDate", MillisSinceEpoch(call.Now())},
                        {"input", call.input.StringOr("input", "{}")},
                        {"revision", target.refers["revision"]}};
  document.SetIf("traceHeader", call.input.Find("traceHeader"));
  if (!target.version_arn.empty()) document.Set("stateMachineVersionArn", target.version_arn);
  if (!target.alias_arn.empty()) document.Set("stateMachineAliasArn", target.alias_arn);
  return document;
}

/// What the engine's instance is started with; the revision comes as the shared document.
Json StartDataOf(const Call& call, const Json& document, const Key& key) {
  return Json::Object{
      {"document", document}, {"key", key}, {"account", call.account}, {"region", call.region}};
}

std::string NewExpressArn(Call& call, const std::string& machine, const std::string& name) {
  return call.Arn("states", "express:" + machine + ":" + name + ":" + call.ports.random.NewUuid());
}

/// Runs behind the answer; at least once, as AWS has it for asynchronous Express executions.
Task<Json> StartExpress(Call& call, MachineTarget target, std::string name) {
  const std::string arn = NewExpressArn(call, target.machine.StringOr("name", ""), name);
  const Json document = NewExecution(call, target, arn, name);
  const Json data = StartDataOf(call, document, arn).With("express", "ASYNC");
  call.ports.engine.Deliver(
      call.batch, arn, kExpressPerformerName,
      Json::Object{{"data", data},
                   {"revision", RevisionKey(call, document.StringOr("revision", ""))}});
  co_return Json::Object{{"executionArn", arn}, {"startDate", SecondsOf(document["startDate"])}};
}

/// A caller with a role's session over the wire (a build, a job) may be followed by what it starts:
/// the event that CloudTrail gives EventBridge for such a call.
void TellOfCall(Call& call, const std::string& execution_arn) {
  const Principal& caller = call.principal;
  if (caller.kind != Principal::Kind::kAssumedRole || caller.access_key_id.empty()) return;
  const Json identity = Json::Object{{"type", "AssumedRole"},
                                     {"principalId", caller.user_id},
                                     {"arn", caller.arn},
                                     {"accountId", caller.account}};
  const Json asked = Json::Object{{"stateMachineArn", call.input["stateMachineArn"]}};
  const Json answered = Json::Object{{"executionArn", execution_arn}};
  const Json detail = Json::Object{{"eventVersion", "1.08"},
                                   {"userIdentity", identity},
                                   {"eventTime", FormatIso(call.Now(), false)},
                                   {"eventSource", "states.amazonaws.com"},
                                   {"eventName", "StartExecution"},
                                   {"awsRegion", call.region},
                                   {"requestParameters", asked},
                                   {"responseElements", answered},
                                   {"requestID", call.request_id},
                                   {"readOnly", false}};
  call.batch.events.push_back(MakeEvent("aws.states", "AWS API Call via CloudTrail", call.account,
                                        call.region, Json::Array{}, detail));
}

}  // namespace

Task<Json> StartExecution(Call& call) {
  const std::string machine_arn = call.input.StringOr("stateMachineArn", "");
  MILL_CO_TRY(const MachineTarget target, co_await RequireTarget(call, machine_arn, true));
  MILL_CO_TRY(const std::string name, NameOf(call));
  MILL_CO_CHECK(CheckExecutionInput(call.input.StringOr("input", "{}")));
  if (target.machine.StringOr("type", "") == "EXPRESS")
    co_return co_await StartExpress(call, target, name);
  const std::string machine = target.machine.StringOr("name", "");
  const std::string arn = ExecutionArn(call, machine, name);
  const Key key = ExecutionKey(call, machine, name);
  MILL_CO_TRY(const auto existing, co_await call.ports.store.Get(key));
  const Json document = NewExecution(call, target, arn, name);
  if (existing) {
    const bool is_same = existing->body.StringOr("status", "") == "RUNNING" &&
                         existing->body["input"] == document["input"];
    if (!is_same) co_return ExecutionAlreadyExists(arn);
    co_return Json::Object{{"executionArn", arn},
                           {"startDate", SecondsOf(existing->body["startDate"])}};
  }
  call.batch.Create(key, document);
  TellOfCall(call, arn);
  const Json entry = Json::Object{{"name", name}};
  call.batch.PutDocument(StartedKey(call, machine, call.Now(), name), entry);
  const std::string* const through[] = {&target.version_arn, &target.alias_arn};
  for (const std::string* each : through) {
    const std::string& qualified = *each;
    if (qualified.empty()) continue;
    const std::string index = machine + qualified.substr(qualified.rfind(':'));
    call.batch.PutDocument(StartedKey(call, index, call.Now(), name), entry);
  }
  const Json data = StartDataOf(call, document, key);
  call.ports.engine.Start(call.batch, arn, kMachineName, data,
                          RevisionKey(call, document.StringOr("revision", "")));
  co_return Json::Object{{"executionArn", arn}, {"startDate", SecondsOf(document["startDate"])}};
}

Task<Json> StartSyncExecution(Call& call) {
  const std::string machine_arn = call.input.StringOr("stateMachineArn", "");
  MILL_CO_TRY(const MachineTarget target, co_await RequireTarget(call, machine_arn, true));
  if (target.machine.StringOr("type", "") != "EXPRESS") co_return StateMachineTypeNotSupported();
  MILL_CO_TRY(const std::string name, NameOf(call));
  MILL_CO_CHECK(CheckExecutionInput(call.input.StringOr("input", "{}")));
  const std::string arn = NewExpressArn(call, target.machine.StringOr("name", ""), name);
  const Json started = NewExecution(call, target, arn, name);
  const Json data = StartDataOf(call, started, arn).With("express", "SYNC");
  MILL_CO_TRY(const Json revision, co_await RequireRevision(call, target.refers));
  MILL_CO_TRY(const Json ended, co_await RunExpress(call.ports, data, revision));
  const bool with_data = call.input.StringOr("includedData", "ALL_DATA") != "METADATA_ONLY";
  const Json included = Json::Object{{"included", with_data}};
  Json::Object out;
  for (const char* member :
       {"executionArn", "stateMachineArn", "name", "status", "error", "cause", "traceHeader"})
    out.SetIf(member, ended.Find(member));
  for (const char* date : {"startDate", "stopDate"}) out.Set(date, SecondsOf(ended[date]));
  if (with_data) out.SetIf("input", ended.Find("input"));
  out.Set("inputDetails", included);
  if (with_data) out.SetIf("output", ended.Find("output"));
  out.Set("outputDetails", included);
  const int64_t millis = ended.IntOr("stopDate", 0) - ended.IntOr("startDate", 0);
  const int64_t steps = std::max<int64_t>(1, (millis + kBilledMillisStep - 1) / kBilledMillisStep);
  out.Set("billingDetails",
          Json::Object{{"billedMemoryUsedInMB", kBilledMemoryMib},
                       {"billedDurationInMilliseconds", steps * kBilledMillisStep}});
  co_return out;
}

}  // namespace stepmill::states
