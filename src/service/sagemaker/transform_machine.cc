#include "service/sagemaker/transform_machine.h"

#include "base/strings.h"
#include "json/each.h"
#include "service/sagemaker/records.h"
#include "store/events.h"

namespace stepmill::sagemaker {

namespace {

constexpr size_t kReasonMax = 1024;

Json WithMillis(Json job) {
  for (const char* name :
       {"CreationTime", "TransformStartTime", "TransformEndTime", "LastModifiedTime"}) {
    if (job[name].is_number())
      job = job.With(name, MillisSinceEpoch(TimeFromSeconds(job[name].AsDouble())));
  }
  return job;
}

class Machine {
 public:
  Machine(const std::string& instance_id, const Json& state, const Event& event)
      : id_(instance_id), state_(state), job_(state["job"]), event_(event) {}

  Step Run() {
    if (event_.kind == "start") OnStart();
    if (event_.kind == "stop") OnStop();
    if (event_.kind == "effect") OnEffect(event_.data.StringOr("tag", ""));
    return {state_.With("job", job_), std::move(turn_)};
  }

 private:
  std::string Part(size_t index) const { return std::string(Split(id_, '/')[index]); }
  int HostCount() const {
    return static_cast<int>(job_["TransformResources"].IntOr("InstanceCount", 1));
  }

  void OnStart() {
    job_ = event_.data["job"];
    const auto seconds = static_cast<int64_t>(SecondsSinceEpoch(event_.at));
    state_ = Json::Object{{"model", event_.data["model"]},
                          {"epoch", seconds},
                          {"logged", Json::Array{}},
                          {"worked", Json::Array{}},
                          {"stops", 0}};
    job_ = job_.With("TransformStartTime", SecondsSinceEpoch(event_.at));
    Save();
    Tell();
    for (int i = 0; i < HostCount(); ++i) Perform("run", i);
  }

  void OnStop() {
    if (status() != "InProgress") return;
    state_ = state_.With("isStopped", true);
    SetStatus("Stopping");
    for (int i = 0; i < HostCount(); ++i) StopHost(i);
  }

  void OnEffect(const std::string& tag) {
    if (tag == "clean") {
      turn_.is_finished = true;
      return;
    }
    const auto parts = Split(tag, ':');
    if (parts.size() != 2) return;  // a stop was delivered
    const Json* error = event_.data.Find("error");
    const Json& output = event_.data["output"];
    const Json host(ParseInt(parts[1]).value_or(0));
    const auto index = static_cast<int>(host.AsInteger());
    std::string failure = output.StringOr("failure", "");
    if (error) failure = "InternalServerError: " + error->StringOr("message", "");
    if (parts[0] == "run") {
      if (failure.empty()) {
        Perform("log", index);
        Perform("work", index);
        if (status() == "Stopping") StopHost(index);
      } else {
        Mark("logged", host);
        Mark("worked", host);
      }
    }
    if (parts[0] == "log") Mark("logged", host);
    if (parts[0] == "work") {
      Mark("worked", host);
      StopHost(index);
    }
    if (!failure.empty()) Fail(failure);
    if (Count("logged") == HostCount() && Count("worked") == HostCount()) Finish();
  }

  /// The first reason counts; the other hosts are stopped.
  void Fail(const std::string& reason) {
    if (status() == "Stopping" || state_.Has("reason")) return;
    state_ = state_.With("reason", std::string(TruncateUtf8(reason, kReasonMax)));
    for (int i = 0; i < HostCount(); ++i) StopHost(i);
  }

  void Finish() {
    job_ = job_.With("TransformEndTime", SecondsSinceEpoch(event_.at));
    if (state_.BoolOr("isStopped", false)) {
      SetStatus("Stopped");
    } else if (state_.Has("reason")) {
      job_ = job_.With("FailureReason", state_["reason"]);
      SetStatus("Failed");
    } else {
      SetStatus("Completed");
    }
    turn_.effects.push_back({"clean", "sagemaker.transform.clean", What(0)});
  }

  void StopHost(int host) {
    const int64_t round = state_.IntOr("stops", 0) + 1;
    state_ = state_.With("stops", round);
    const std::string tag = "stop:" + std::to_string(host) + ":" + std::to_string(round);
    turn_.effects.push_back({tag, "sagemaker.transform.stop", What(host)});
  }

  std::string status() const { return job_.StringOr("TransformJobStatus", ""); }
  int Count(std::string_view list) const { return static_cast<int>(state_[list].size()); }
  void Mark(std::string_view list, const Json& host) {
    state_ = state_.With(list, state_[list].Push(host));
  }
  Json What(int host) const {
    return Json::Object{{"job", job_},        {"model", state_["model"]},
                        {"host", host},       {"epoch", state_["epoch"]},
                        {"account", Part(1)}, {"region", Part(2)}};
  }
  void Perform(const std::string& what, int host) {
    turn_.effects.push_back(
        {what + ":" + std::to_string(host), "sagemaker.transform." + what, What(host)});
  }
  void Save() {
    turn_.writes.PutDocument(TransformKey(Part(1), Part(2), job_.StringOr("TransformJobName", "")),
                             job_);
  }
  void SetStatus(std::string_view status) {
    job_ = job_.With("TransformJobStatus", status)
               .With("LastModifiedTime", SecondsSinceEpoch(event_.at));
    Save();
    Tell();
  }
  void Tell() {
    turn_.writes.events.push_back(MakeEvent("aws.sagemaker", "SageMaker Transform Job State Change",
                                            Part(1), Part(2), Json::Array{job_["TransformJobArn"]},
                                            WithMillis(job_)));
  }

  const std::string& id_;
  Json state_, job_;
  const Event& event_;
  Turn turn_;
};

}  // namespace

Step AdvanceTransform(const std::string& instance_id, const Json& state, const Event& event) {
  return Machine(instance_id, state, event).Run();
}

}  // namespace stepmill::sagemaker
