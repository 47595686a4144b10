#include "service/lambda/invoke.h"

#include "base/strings.h"
#include "engine/engine.h"
#include "json/each.h"
#include "service/lambda/async_machine.h"
#include "service/lambda/errors.h"
#include "service/lambda/limits.h"
#include "service/lambda/policy.h"
#include "service/ports.h"
#include "task/ports.h"

namespace stepmill::lambda {

namespace {

constexpr int kOk = 200, kAccepted = 202, kNoContent = 204;

/// "Function not found" of Invoke names the version in any case.
Task<Resolved> ResolveInvoked(Call& call, FunctionName name) {
  auto found = co_await Resolve(call, name);
  if (found || !name.qualifier.empty()) co_return found;
  if (found.error().name != "ResourceNotFoundException") co_return found;
  co_return FunctionNotFound(FunctionArn(call, name) + ":" + kLatest);
}

/// The event, or AWS's words for a text that is none.
Result<std::string> PayloadOf(const Json& input, size_t bytes_max) {
  std::string payload = Unbase64(input.StringOr("Payload", "")).value_or("");
  if (payload.size() > bytes_max) return TooLarge(bytes_max);
  if (Trim(payload).empty()) return std::string("{}");
  const Result<Json> parsed = ParseJson(payload);
  if (parsed) return payload;
  return UserError(Code::kInvalid, "InvalidRequestContentException",
                   "Could not parse request body into json: Could not parse payload into json: " +
                       parsed.error().message);
}

Result<std::string> ClientContextOf(const Json& input) {
  const std::string given = input.StringOr("ClientContext", "");
  if (given.empty()) return given;
  const auto text = Unbase64(given);
  if (!text || !ParseJson(*text))
    return UserError(Code::kInvalid, "InvalidRequestContentException",
                     "Client context must be a valid Base64-encoded JSON object.");
  return *text;
}

std::string TailOf(const std::string& log) {
  return Base64(log.size() > kTailBytes ? log.substr(log.size() - kTailBytes) : log);
}

/// The answer is durable; the event goes on without the caller.
Json TakeEvent(Call& call, const FunctionName& name, const std::string& payload,
               const std::string& client_context) {
  const Json data = Json::Object{{"account", call.account},
                                 {"region", call.region},
                                 {"name", name.name},
                                 {"qualifier", name.qualifier},
                                 {"requestId", call.request_id},
                                 {"payload", payload},
                                 {"clientContext", client_context},
                                 {"at", MillisSinceEpoch(call.Now())}};
  call.ports.engine.Start(call.batch, EventInstance(call.account, call.region, call.request_id),
                          kEventMachine, data);
  return Json::Object{{"StatusCode", kAccepted}, {"Payload", ""}};
}

/// A package that was replaced meanwhile may be gone before an environment has it: then the new one
/// runs.
Task<Outcome> RunNewest(Call& call, FunctionName name, Resolved& found, Work work) {
  auto outcome = co_await RunFunction(call, found, work);
  if (outcome || outcome.error().name != "ServiceException") co_return outcome;
  MILL_CO_TRY(const Resolved newest, co_await ResolveInvoked(call, name));
  if (newest.config["RevisionId"] == found.config["RevisionId"]) co_return outcome;
  found = newest;
  co_return co_await RunFunction(call, found, std::move(work));
}

Task<Json> InvokeNow(Call& call, FunctionName name, Resolved found, Work work) {
  if (call.kept.is_object()) co_return call.kept;  // it ran: only the commit is repeated
  MILL_CO_TRY(const Outcome outcome, co_await RunNewest(call, name, found, std::move(work)));
  const std::string version = found.version;
  Json::Object answer{
      {"StatusCode", kOk}, {"ExecutedVersion", version}, {"Payload", Base64(outcome.payload)}};
  if (!outcome.error.empty()) answer.Set("FunctionError", outcome.error);
  if (call.input.StringOr("LogType", "None") == "Tail")
    answer.Set("LogResult", TailOf(outcome.log));
  call.kept = Json(std::move(answer));
  co_return call.kept;
}

Task<Json> InvokeAs(Call& call, std::string source_arn) {
  MILL_CO_TRY(const FunctionName name, NameOf(call));
  MILL_CO_TRY(Resolved found, co_await ResolveInvoked(call, name));
  MILL_CO_CHECK(co_await CheckServiceMayInvoke(call, name, source_arn));
  const std::string type = call.input.StringOr("InvocationType", "RequestResponse");
  const bool is_event = type == "Event";
  Work work;
  MILL_CO_TRY(work.payload, PayloadOf(call.input, is_event ? kEventBytesMax : kPayloadBytesMax));
  MILL_CO_TRY(work.client_context, ClientContextOf(call.input));
  if (type == "DryRun") co_return Json::Object{{"StatusCode", kNoContent}, {"Payload", ""}};
  if (is_event) co_return TakeEvent(call, name, work.payload, work.client_context);
  work.request_id = call.request_id;
  work.arn = FunctionArn(call, name);
  co_return co_await InvokeNow(call, name, std::move(found), std::move(work));
}

}  // namespace

Task<Outcome> RunFunction(Call& call, Resolved found, Work work) {
  const std::string state = found.config.StringOr("State", "Active");
  if (state == "Failed")
    co_return Conflict(
        "The operation cannot be performed at this time. The function is currently in the "
        "following state: Failed");
  FunctionVersion version;
  version.account = call.account;
  version.region = call.region;
  version.name = found.config.StringOr("FunctionName", "");
  version.version = found.version;
  version.config = found.config;
  version.code = found.code;
  if (const Json* reserved = found.function.Find("reserved"))
    version.reserved = reserved->AsInteger();
  const auto fleet = Fleet::Of(call.ports);
  if (!fleet) co_return ServiceTrouble("No functions run here.");
  co_return co_await Fleet::Invoke(fleet, std::move(version), std::move(work));
}

Task<Json> Invoke(Call& call) { co_return co_await InvokeAs(call, ""); }

Task<Json> InvokeFrom(Call& call) {
  const std::string source = call.input.StringOr("SourceArn", "");
  co_return co_await InvokeAs(call, source);
}

}  // namespace stepmill::lambda
