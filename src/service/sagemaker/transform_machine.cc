#include "service/sagemaker/transform_machine.h"

#include "service/sagemaker/job_machine.h"

namespace stepmill::sagemaker {

namespace {

class TransformMachine : private JobMachine {
 public:
  TransformMachine(const std::string& instance_id, const Json& state, const Event& event)
      : JobMachine(kTransformJob, instance_id, state, event) {}

  Step Run() {
    if (event_.kind == "start") OnStart();
    if (event_.kind == "stop") OnStop();
    if (event_.kind == "effect") OnEffect();
    return Done();
  }

 private:
  int HostCount() const override {
    return static_cast<int>(job_["TransformResources"].IntOr("InstanceCount", 1));
  }

  void OnStart() {
    Begin({"logged", "worked"});
    job_ = job_.With("TransformStartTime", SecondsSinceEpoch(event_.at));
    Save();
    Tell();
    for (int i = 0; i < HostCount(); ++i) Perform("run", i);
  }

  void OnEffect() {
    const auto result = TakeHostResult();
    if (!result) return;
    const auto host = static_cast<int>(result->host.AsInteger());
    if (result->what == "run") {
      const bool is_up = FollowRun(*result, {"log", "work"}, {"logged", "worked"});
      if (is_up && (status() == "Stopping" || state_.Has("reason"))) StopHosts(host, host + 1);
    }
    if (result->what == "log") Mark("logged", result->host);
    if (result->what == "work") {
      Mark("worked", result->host);
      StopHosts(host, host + 1);
    }
    const bool is_new = !result->failure.empty() && Fail(result->failure);
    if (is_new && HostCount() == 1) StopHosts();
    if (HasAll({"logged", "worked"})) Finish();
  }
};

}  // namespace

Step AdvanceTransform(const std::string& instance_id, const Json& state, const Event& event) {
  return TransformMachine(instance_id, state, event).Run();
}

}  // namespace stepmill::sagemaker
