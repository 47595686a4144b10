#include "service/sagemaker/processing_machine.h"

#include "base/strings.h"
#include "service/sagemaker/contract.h"
#include "service/sagemaker/job_machine.h"

namespace stepmill::sagemaker {

namespace {

constexpr size_t kMessageMax = 1024;
constexpr int64_t kDefaultRuntimeSeconds = 86'400;

class ProcessingMachine : private JobMachine {
 public:
  ProcessingMachine(const std::string& instance_id, const Json& state, const Event& event)
      : JobMachine(kProcessingJob, instance_id, state, event) {}

  Step Run() {
    if (event_.kind == "start") OnStart();
    if (event_.kind == "stop") OnStop();
    if (event_.kind == "timer") OnLimit();
    if (event_.kind == "effect") OnEffect();
    return Done();
  }

 private:
  int HostCount() const override { return sagemaker::HostCount(job_); }

  void OnStart() {
    Begin({"started", "logged", "ended"});
    for (int i = 0; i < HostCount(); ++i) Perform("run", i);
    Tell();
  }

  void OnLimit() {
    if (status() != "InProgress") return;
    const int64_t limit = job_["StoppingCondition"].IntOr("MaxRuntimeInSeconds", 0);
    job_ = job_.With("FailureReason", "The processing job exceeded its max runtime of " +
                                          std::to_string(limit) + " seconds");
    OnStop();
  }

  void OnEffect() {
    const auto result = TakeHostResult();
    if (!result) return;
    if (result->what == "run") OnRun(*result);
    if (result->what == "log") Mark("logged", result->host);
    if (result->what == "end") OnEnd(*result);
    if (!HasAll({"logged", "ended"})) return;
    turn_.timer_cancels.push_back("limit");
    Finish();
  }

  void OnRun(const HostResult& run) {
    if (!FollowRun(run, {"log", "end"}, {"logged", "ended"})) return;
    Mark("started", run.host);
    if (!job_.Has("ProcessingStartTime")) {
      job_ = job_.With("ProcessingStartTime", SecondsSinceEpoch(event_.at));
      const int64_t limit =
          job_["StoppingCondition"].IntOr("MaxRuntimeInSeconds", kDefaultRuntimeSeconds);
      turn_.timers.push_back({"limit", event_.at + std::chrono::seconds(limit)});
      Save();
    }
    if (status() == "Stopping" || state_.Has("reason")) StopHosts();
  }

  void OnEnd(const HostResult& end) {
    Mark("ended", end.host);
    const std::string message = end.output.StringOr("message", "");
    if (!message.empty())
      job_ = job_.With("ExitMessage", std::string(TruncateUtf8(message, kMessageMax)));
    KeepDigest(end.output);
    if (!end.failure.empty()) Fail(end.failure);
  }
};

}  // namespace

Step AdvanceProcessing(const std::string& instance_id, const Json& state, const Event& event) {
  return ProcessingMachine(instance_id, state, event).Run();
}

}  // namespace stepmill::sagemaker
