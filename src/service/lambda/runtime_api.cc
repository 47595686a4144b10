// The runtime API: what the process inside an environment asks, by wire/lambda.
// AWS: "Using the Lambda runtime API for custom runtimes".
#include "base/strings.h"
#include "service/lambda/errors.h"
#include "service/lambda/fleet.h"
#include "service/lambda/records.h"
#include "service/ports.h"

namespace stepmill::lambda {

namespace {

Fleet::Reply ReplyOf(const Call& call, bool is_error) {
  Fleet::Reply reply;
  reply.request_id = call.input.StringOr("requestId", "");
  reply.payload = Unbase64(call.input.StringOr("body", "")).value_or("");
  reply.is_error = is_error;
  reply.used_mib = ParseInt(call.input.StringOr("memory", "")).value_or(0);
  return reply;
}

/// An error without a text is at least one of its type.
std::string ErrorBody(const Call& call) {
  std::string body = Unbase64(call.input.StringOr("body", "")).value_or("");
  const std::string type = call.input.StringOr("errorType", "");
  if (!body.empty() || type.empty()) return body;
  return Json(Json::Object{{"errorType", type}}).Print();
}

Result<Fleet::Self> FleetOf(const Call& call) {
  const auto fleet = Fleet::Of(call.ports);
  if (!fleet) return ServiceTrouble("No functions run here.");
  return fleet;
}

}  // namespace

Task<Json> RuntimeNext(Call& call) {
  MILL_CO_TRY(const Fleet::Self fleet, FleetOf(call));
  co_return co_await Fleet::Next(fleet, call.input.StringOr("job", ""));
}

Task<Json> RuntimeResponse(Call& call) {
  MILL_CO_TRY(const Fleet::Self fleet, FleetOf(call));
  MILL_CO_CHECK(fleet->TakeReply(call.input.StringOr("job", ""), ReplyOf(call, false)));
  co_return Json::Object{};
}

Task<Json> RuntimeError(Call& call) {
  MILL_CO_TRY(const Fleet::Self fleet, FleetOf(call));
  Fleet::Reply reply = ReplyOf(call, true);
  reply.payload = ErrorBody(call);
  MILL_CO_CHECK(fleet->TakeReply(call.input.StringOr("job", ""), std::move(reply)));
  co_return Json::Object{};
}

Task<Json> RuntimeInitError(Call& call) {
  MILL_CO_TRY(const Fleet::Self fleet, FleetOf(call));
  MILL_CO_CHECK(fleet->TakeInitError(call.input.StringOr("job", ""), ErrorBody(call)));
  co_return Json::Object{};
}

}  // namespace stepmill::lambda
