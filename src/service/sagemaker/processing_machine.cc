#include "service/sagemaker/processing_machine.h"

#include "base/strings.h"
#include "json/each.h"
#include "service/sagemaker/contract.h"
#include "service/sagemaker/records.h"
#include "store/events.h"

namespace stepmill::sagemaker {

namespace {

constexpr size_t kReasonMax = 1024, kMessageMax = 1024;

/// Events show times as milliseconds.
Json WithMillis(Json job) {
  for (const char* name :
       {"CreationTime", "ProcessingStartTime", "ProcessingEndTime", "LastModifiedTime"}) {
    if (job[name].is_number())
      job = job.With(name, MillisSinceEpoch(TimeFromSeconds(job[name].AsDouble())));
  }
  return job.Without("Own");
}

class Machine {
 public:
  Machine(const std::string& instance_id, const Json& state, const Event& event)
      : id_(instance_id), state_(state), job_(state["job"]), event_(event) {}

  Step Run() {
    if (event_.kind == "start") OnStart();
    if (event_.kind == "stop") OnStop();
    if (event_.kind == "timer") OnLimit();
    if (event_.kind == "effect") OnEffect(event_.data.StringOr("tag", ""));
    return {state_.With("job", job_), std::move(turn_)};
  }

 private:
  /// Parts of "sagemaker/ACCOUNT/REGION/processing-job/NAME".
  std::string Part(size_t index) const { return std::string(Split(id_, '/')[index]); }

  void OnStart() {
    job_ = event_.data["job"];
    const auto seconds = static_cast<int64_t>(SecondsSinceEpoch(event_.at));
    state_ = Json::Object{{"epoch", seconds},
                          {"started", Json::Array{}},
                          {"logged", Json::Array{}},
                          {"ended", Json::Array{}},
                          {"stops", 0}};
    for (int i = 0; i < HostCount(job_); ++i) Perform("run", i);
    Tell();
  }

  void OnStop() {
    if (status() != "InProgress") return;
    state_ = state_.With("isStopped", true);
    SetStatus("Stopping");
    StopHosts();
  }

  void OnLimit() {
    if (status() != "InProgress") return;
    const int64_t limit = job_["StoppingCondition"].IntOr("MaxRuntimeInSeconds", 0);
    job_ = job_.With("FailureReason", "The processing job exceeded its max runtime of " +
                                          std::to_string(limit) + " seconds");
    OnStop();
  }

  void OnEffect(const std::string& tag) {
    const auto parts = Split(tag, ':');
    const Json* error = event_.data.Find("error");
    if (tag == "clean") {
      turn_.is_finished = true;
      return;
    }
    if (parts.size() != 2) return;  // a stop was delivered
    const Json host(ParseInt(parts[1]).value_or(0));
    if (parts[0] == "run") OnRun(host, event_.data["output"], error);
    if (parts[0] == "log") Mark("logged", host);
    if (parts[0] == "end") OnEnd(host, event_.data["output"], error);
    if (Count("logged") == HostCount(job_) && Count("ended") == HostCount(job_)) Finish();
  }

  void OnRun(const Json& host, const Json& output, const Json* error) {
    if (error) Fail("InternalServerError: " + error->StringOr("message", ""));
    if (output.Has("failure")) Fail(output.StringOr("failure", ""));
    if (error || output.Has("failure")) {
      Mark("logged", host);
      Mark("ended", host);
      return;
    }
    Mark("started", host);
    const auto index = static_cast<int>(host.AsInteger());
    Perform("log", index);
    Perform("end", index);
    if (output.Has("image_digest"))
      job_ = job_.With("Own", Json::Object{{"ImageDigest", output["image_digest"]}});
    if (!job_.Has("ProcessingStartTime")) {
      job_ = job_.With("ProcessingStartTime", SecondsSinceEpoch(event_.at));
      constexpr int64_t kDefaultSeconds = 86'400;
      const int64_t limit = job_["StoppingCondition"].IntOr("MaxRuntimeInSeconds", kDefaultSeconds);
      turn_.timers.push_back({"limit", event_.at + std::chrono::seconds(limit)});
      Save();
    }
    if (status() == "Stopping" || state_.Has("reason")) StopHosts();
  }

  void OnEnd(const Json& host, const Json& output, const Json* error) {
    Mark("ended", host);
    if (error) return Fail("InternalServerError: " + error->StringOr("message", ""));
    const std::string message = output.StringOr("message", "");
    if (!message.empty())
      job_ = job_.With("ExitMessage", std::string(TruncateUtf8(message, kMessageMax)));
    if (output.Has("image_digest") && !output.StringOr("image_digest", "").empty())
      job_ = job_.With("Own", Json::Object{{"ImageDigest", output["image_digest"]}});
    if (output.Has("failure")) Fail(output.StringOr("failure", ""));
  }

  /// The first reason counts; the other hosts are stopped.
  void Fail(const std::string& reason) {
    if (status() == "Stopping" || state_.Has("reason")) return;
    state_ = state_.With("reason", std::string(TruncateUtf8(reason, kReasonMax)));
    if (HostCount(job_) > 1) StopHosts();
  }

  void Finish() {
    turn_.timer_cancels.push_back("limit");
    job_ = job_.With("ProcessingEndTime", SecondsSinceEpoch(event_.at));
    if (state_.BoolOr("isStopped", false)) {
      SetStatus("Stopped");
    } else if (state_.Has("reason")) {
      job_ = job_.With("FailureReason", state_["reason"]);
      SetStatus("Failed");
    } else {
      SetStatus("Completed");
    }
    turn_.effects.push_back({"clean", "sagemaker.clean", What(0)});
  }

  void StopHosts() {
    const int64_t round = state_.IntOr("stops", 0) + 1;
    state_ = state_.With("stops", round);
    for (int i = 0; i < HostCount(job_); ++i) {
      const std::string tag = "stop:" + std::to_string(i) + ":" + std::to_string(round);
      turn_.effects.push_back({tag, "sagemaker.stop", What(i)});
    }
  }

  std::string status() const { return job_.StringOr("ProcessingJobStatus", ""); }
  int Count(std::string_view list) const { return static_cast<int>(state_[list].size()); }
  void Mark(std::string_view list, const Json& host) {
    state_ = state_.With(list, state_[list].Push(host));
  }
  Json What(int host) const {
    return Json::Object{{"job", job_},
                        {"host", host},
                        {"epoch", state_["epoch"]},
                        {"account", Part(1)},
                        {"region", Part(2)}};
  }
  void Perform(const std::string& what, int host) {
    turn_.effects.push_back({what + ":" + std::to_string(host), "sagemaker." + what, What(host)});
  }
  void Save() {
    turn_.writes.PutDocument(
        ProcessingKey(Part(1), Part(2), job_.StringOr("ProcessingJobName", "")), job_);
  }
  void SetStatus(std::string_view status) {
    job_ = job_.With("ProcessingJobStatus", status)
               .With("LastModifiedTime", SecondsSinceEpoch(event_.at));
    Save();
    Tell();
  }
  void Tell() {
    turn_.writes.events.push_back(
        MakeEvent("aws.sagemaker", "SageMaker Processing Job State Change", Part(1), Part(2),
                  Json::Array{job_["ProcessingJobArn"]}, WithMillis(job_)));
  }

  const std::string& id_;
  Json state_, job_;
  const Event& event_;
  Turn turn_;
};

}  // namespace

Step AdvanceProcessing(const std::string& instance_id, const Json& state, const Event& event) {
  return Machine(instance_id, state, event).Run();
}

}  // namespace stepmill::sagemaker
