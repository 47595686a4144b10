#include "service/sagemaker/endpoint_run.h"

#include "base/digest.h"
#include "base/strings.h"
#include "compute/backend.h"
#include "engine/engine.h"
#include "json/each.h"
#include "service/ask.h"
#include "service/log_pump.h"
#include "service/sagemaker/s3_data.h"
#include "service/sagemaker/serving.h"
#include "service/sagemaker/training_metrics.h"
#include "store/store.h"
#include "task/ports.h"

namespace stepmill::sagemaker {

namespace {

using Performance = Engine::Performance;

constexpr std::chrono::seconds kStopGrace{30};
constexpr std::chrono::seconds kFlightMax{60};  ///< an invocation may take so long
constexpr std::chrono::milliseconds kFlightPause{50};

Json Failure(const std::string& text) { return Json::Object{{"failure", text}}; }
Json Done() { return Json::Object{}; }

Result<Asker> AskerOf(Ports& ports, const Json& what) {
  const std::string account = what.StringOr("account", "");
  const std::string role =
      what.StringOr("role", "arn:aws:iam::" + account + ":role/service-role/SageMaker");
  MILL_TRY(const Principal principal, RolePrincipal(role, "SageMaker"));
  return Asker{ports, principal, account, what.StringOr("region", "")};
}
JobId IdOf(const Json& what) { return JobId{what.StringOr("job", "")}; }

Task<Json> Run(Ports& ports, Performance performance) {
  const Json& what = performance.what;
  MILL_CO_TRY(const Asker asker, AskerOf(ports, what));
  const Json& host = what["host"];
  JobSpec spec = ServingSpec(host["model"], IdOf(what), host.StringOr("type", ""), asker.account,
                             asker.region);
  const Result<> started = co_await StartServing(asker, host["model"], std::move(spec));
  if (started) co_return Done();
  if (IsPassing(started.error())) co_return started.error();
  co_return Failure(started.error().message);
}

Task<Json> Log(Ports& ports, Performance performance) {
  const Json& what = performance.what;
  MILL_CO_TRY(const Asker asker, AskerOf(ports, what));
  constexpr size_t kDigits = 17;  // as instance ids have
  const std::string id = what.StringOr("job", "");
  const LogTarget target{
      "/aws/sagemaker/Endpoints/" + what.StringOr("name", ""),
      what["host"].StringOr("variant", "") + "/i-" + Hex(Sha256(id)).substr(0, kDigits)};
  LogPump pump;
  pump.id = id;
  pump.job_id = id;
  pump.line = [](const std::string& line) {
    return std::optional<std::string>(EscapeLogLine(line));
  };
  MILL_CO_CHECK(co_await RunLogPump(asker, target, std::move(pump)));
  co_return Done();
}

Task<Json> Ready(Ports& ports, Performance performance) {
  const Json& what = performance.what;
  const JobId id = IdOf(what);
  const auto watch = WatchEnd(ports, id);
  MILL_CO_TRY(const bool is_up, co_await WaitForPing(ports, id, watch));
  if (is_up) co_return Done();
  if (watch->is_over) {
    const Result<JobResult> result = co_await ports.backend.Wait(id);
    if (result && !result->start_error.empty()) co_return Failure(FailureOf(*result, ""));
  }
  co_return Failure("The primary container for production variant " +
                    what["host"].StringOr("variant", "") +
                    " did not pass the ping health check. Please check CloudWatch logs for this "
                    "endpoint.");
}

Task<Json> Retire(Ports& ports, Performance performance) {
  const JobId id = IdOf(performance.what);
  const Time until = ports.clock.Now() + kFlightMax;
  while (Flight::CountOf(id) > 0 && ports.clock.Now() < until)
    MILL_CO_CHECK(co_await ports.clock.SleepUntil(ports.clock.Now() + kFlightPause));
  const Result<> stopped = co_await ports.backend.Stop(id, kStopGrace);
  if (!stopped && stopped.error().code != Code::kNotFound) co_return stopped.error();
  co_return Done();
}

Task<Json> Clean(Ports& ports, Performance performance) {
  MILL_CO_TRY(const Asker asker, AskerOf(ports, performance.what));
  const JobId id = IdOf(performance.what);
  const Result<> removed = co_await ports.backend.Remove(id);
  if (!removed && removed.error().code != Code::kNotFound) co_return removed.error();
  Batch batch;
  ForgetLogPump(asker, id.value, batch);
  MILL_CO_CHECK(co_await ports.store.Commit(std::move(batch)));
  co_return Done();
}

}  // namespace

void AddEndpointPerformers(Ports& ports) {
  const auto add = [&](const char* name, Task<Json> (*perform)(Ports&, Performance)) {
    ports.engine.AddPerformer(name, [&ports, perform](Performance performance) {
      return perform(ports, std::move(performance));
    });
  };
  add("sagemaker.endpoint.run", Run);
  add("sagemaker.endpoint.log", Log);
  add("sagemaker.endpoint.ready", Ready);
  add("sagemaker.endpoint.retire", Retire);
  add("sagemaker.endpoint.clean", Clean);
}

}  // namespace stepmill::sagemaker
