#include "service/sagemaker/endpoint_run.h"

#include "base/digest.h"
#include "service/performer.h"
#include "service/sagemaker/job_host.h"
#include "service/sagemaker/s3_data.h"
#include "service/sagemaker/serving.h"
#include "service/sandbox_job.h"
#include "task/ports.h"

namespace stepmill::sagemaker {

namespace {

constexpr std::chrono::seconds kStopGrace{30};
constexpr std::chrono::seconds kFlightMax{60};  ///< an invocation may take so long
constexpr std::chrono::milliseconds kFlightPause{50};

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
  MILL_CO_CHECK(co_await RunLogPump(asker, target, EscapingPump(IdOf(what))));
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
  MILL_CO_CHECK(co_await StopSandbox(ports, id, kStopGrace));
  co_return Done();
}

Task<Json> Clean(Ports& ports, Performance performance) {
  MILL_CO_TRY(const Asker asker, AskerOf(ports, performance.what));
  Batch batch;
  MILL_CO_CHECK(co_await RemoveHost(asker, IdOf(performance.what), batch));
  MILL_CO_CHECK(co_await ports.store.Commit(std::move(batch)));
  co_return Done();
}

}  // namespace

void AddEndpointPerformers(Ports& ports) {
  RegisterPerformers(ports, {{"sagemaker.endpoint.run", Run},
                             {"sagemaker.endpoint.log", Log},
                             {"sagemaker.endpoint.ready", Ready},
                             {"sagemaker.endpoint.retire", Retire},
                             {"sagemaker.endpoint.clean", Clean}});
}

}  // namespace stepmill::sagemaker
