#include "service/states/redrive.h"

#include "engine/engine.h"
#include "lang/asl/limits.h"
#include "service/ports.h"
#include "service/states/documents.h"
#include "service/states/errors.h"
#include "service/states/history_pages.h"

namespace stepmill::states {
namespace {

// Step Functions: "Restarting state machine executions with redrive", eligibility.
constexpr Seconds kRedrivablePeriod{14 * 24 * 3600};
constexpr Seconds kOpenMax{365 * 24 * 3600};

}  // namespace

Task<std::string> FindReasonAgainstRedrive(Call& call, Json document) {
  const RedriveStatus status = RedriveStatusOf(document);
  if (status.status == "REDRIVABLE_BY_MAP_RUN")
    co_return std::string("Execution was started by a Map Run and is redriven with it");
  if (status.status != "REDRIVABLE") co_return status.reason;
  const Time now = call.Now();
  if (now - TimeFromMillis(document.IntOr("stopDate", 0)) > kRedrivablePeriod)
    co_return std::string("Execution redrivable period exceeded");
  if (now - TimeFromMillis(document.IntOr("startDate", 0)) > kOpenMax)
    co_return std::string("Execution has exceeded the max execution time");
  const std::string arn = document.StringOr("executionArn", "");
  MILL_CO_TRY(
      const HistoryPage last,
      co_await ReadHistoryPage(call.ports.engine, arn, HistoryCursor(), Direction::kBackward, 1));
  const bool is_full = !last.events.empty() && last.events[0].id >= asl::kHistoryEventsMax - 1;
  if (is_full) co_return std::string("Execution history event limit exceeded");
  const std::string machine_arn = document.StringOr("stateMachineArn", "");
  const auto machine = co_await RequireMachine(call, machine_arn);
  if (!machine) co_return std::string("State machine is in DELETING status");
  co_return std::string();
}

Task<Json> RedriveExecution(Call& call) {
  const std::string arn = call.input.StringOr("executionArn", "");
  MILL_CO_TRY(const Document execution, co_await RequireExecution(call, arn));
  const Json& document = execution.body;
  const std::string token = call.input.StringOr("clientToken", "");
  // The same request again answers as the first one did.
  if (!token.empty() && document.StringOr("redriveToken", "") == token)
    co_return Json::Object{{"redriveDate", SecondsOf(document["redriveDate"])}};
  MILL_CO_TRY(const std::string reason, co_await FindReasonAgainstRedrive(call, document));
  if (!reason.empty()) co_return ExecutionNotRedrivable(reason);
  const int64_t now = MillisSinceEpoch(call.Now());
  Json redriven = document.With("status", "RUNNING")
                      .With("redriveCount", document.IntOr("redriveCount", 0) + 1)
                      .With("redriveDate", now)
                      .With("redriveToken", token);
  for (const char* member : {"stopDate", "error", "cause", "output"})
    if (redriven.Has(member)) redriven = redriven.Without(member);
  // RUNNING at once, so that a second redrive is refused; from here on the instance writes it.
  call.batch.Replace(execution, redriven);
  const Json data = Json::Object{{"document", redriven}};
  MILL_CO_CHECK(co_await call.ports.engine.Reopen(call.batch, arn, "redrive", data));
  co_return Json::Object{{"redriveDate", SecondsOf(Json(now))}};
}

}  // namespace stepmill::states
