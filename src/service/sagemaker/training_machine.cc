#include "service/sagemaker/training_machine.h"

#include <cmath>

#include "base/strings.h"
#include "json/each.h"
#include "service/sagemaker/records.h"
#include "service/sagemaker/training_contract.h"
#include "store/events.h"

namespace stepmill::sagemaker {

namespace {

constexpr size_t kReasonMax = 1024;
constexpr std::chrono::seconds kSyncPause{10};  ///< between two copies of the checkpoints
constexpr int64_t kDefaultRuntimeSeconds = 86'400;

/// Events show times as milliseconds.
Json WithMillis(const Json& value) {
  if (value.is_array()) {
    Json::Array items;
    for (const Json& item : ItemsOf(value)) items.push_back(WithMillis(item));
    return items;
  }
  Json shown = value;
  for (const auto& member : MembersOf(value)) {
    const bool is_time = member.name.ends_with("Time") || member.name == "Timestamp";
    if (is_time && member.value.is_number()) {
      shown = shown.With(member.name, MillisSinceEpoch(TimeFromSeconds(member.value.AsDouble())));
    }
    if (member.name == "SecondaryStatusTransitions" || member.name == "FinalMetricDataList")
      shown = shown.With(member.name, WithMillis(member.value));
  }
  return shown.Without("Own");
}

class Machine {
 public:
  Machine(const std::string& instance_id, const Json& state, const Event& event)
      : id_(instance_id), state_(state), job_(state["job"]), event_(event) {}

  Step Run() {
    if (event_.kind == "start") OnStart();
    if (event_.kind == "stop") OnStop("Stopped", "Stopping the training job");
    if (event_.kind == "timer") OnTimer(event_.data.StringOr("id", ""));
    if (event_.kind == "effect") OnEffect(event_.data.StringOr("tag", ""));
    return {state_.With("job", job_), std::move(turn_)};
  }

 private:
  /// Parts of "sagemaker/ACCOUNT/REGION/training-job/NAME".
  std::string Part(size_t index) const { return std::string(Split(id_, '/')[index]); }
  int HostCount() const { return static_cast<int>(HostsOf(job_).size()); }

  void OnStart() {
    job_ = event_.data["job"];
    const auto seconds = static_cast<int64_t>(SecondsSinceEpoch(event_.at));
    state_ = Json::Object{{"epoch", seconds},
                          {"started", Json::Array{}},
                          {"logged", Json::Array{}},
                          {"ended", Json::Array{}},
                          {"stops", 0},
                          {"syncs", 0},
                          {"metrics", Json::Object{}}};
    Tell();
    job_ = job_.With("TrainingStartTime", SecondsSinceEpoch(event_.at));
    if (job_["InputDataConfig"].size() > 0)
      Go("Downloading", "Downloading input data");
    else
      Go("Starting", "Preparing the instances for training");
    for (int i = 0; i < HostCount(); ++i) Perform("run", i);
  }

  void OnStop(const char* ends_with, const char* message) {
    if (status() != "InProgress" || state_.BoolOr("isUploading", false)) return;
    state_ = state_.With("stopped", ends_with);
    job_ = job_.With("TrainingJobStatus", "Stopping");
    Go("Stopping", message);
    StopHosts();
  }

  void OnTimer(const std::string& id) {
    if (id == "limit")
      OnStop("MaxRuntimeExceeded", "Training job runtime exceeded MaxRuntimeInSeconds provided");
    if (id == "sync" && !HasEnded()) {
      const int64_t round = state_.IntOr("syncs", 0) + 1;
      state_ = state_.With("syncs", round).With("isSyncing", true);
      turn_.effects.push_back(
          {"sync:" + std::to_string(round), "sagemaker.training.sync", What(0)});
    }
  }

  void OnEffect(const std::string& tag) {
    const auto parts = Split(tag, ':');
    const Json* error = event_.data.Find("error");
    if (tag == "clean") {
      turn_.is_finished = true;
      return;
    }
    if (tag == "upload") return OnUploaded(event_.data["output"], error);
    if (parts[0] == "sync") {
      state_ = state_.With("isSyncing", false);
      if (!HasEnded()) turn_.timers.push_back({"sync", event_.at + kSyncPause});
    }
    if (parts.size() != 2) return;  // a stop was delivered
    const Json host(ParseInt(parts[1]).value_or(0));
    if (parts[0] == "run") OnRun(host, event_.data["output"], error);
    if (parts[0] == "log") OnLogged(host, event_.data["output"]);
    if (parts[0] == "end") OnEnd(host, event_.data["output"], error);
    if (HasEnded() && !state_.BoolOr("isSyncing", false)) Upload();
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
    if (Count("started") == 1) {
      const int64_t limit =
          job_["StoppingCondition"].IntOr("MaxRuntimeInSeconds", kDefaultRuntimeSeconds);
      turn_.timers.push_back({"limit", event_.at + std::chrono::seconds(limit)});
      if (!CheckpointsOf(job_).s3_uri.empty())
        turn_.timers.push_back({"sync", event_.at + kSyncPause});
      if (status() == "InProgress" && !state_.Has("reason"))
        Go("Training", "Training image download completed. Training in progress.");
    }
    if (status() == "Stopping" || state_.Has("reason")) StopHosts();
  }

  void OnLogged(const Json& host, const Json& output) {
    Mark("logged", host);
    Json metrics = state_["metrics"];
    for (const auto& member : MembersOf(output["metrics"])) {
      const Json* known = metrics.Find(member.name);
      // Of several hosts' values the latest counts.
      if (!known || (*known)["Timestamp"].AsDouble() <= member.value["Timestamp"].AsDouble())
        metrics = metrics.With(member.name, member.value);
    }
    state_ = state_.With("metrics", metrics);
  }

  void OnEnd(const Json& host, const Json& output, const Json* error) {
    Mark("ended", host);
    if (error) return Fail("InternalServerError: " + error->StringOr("message", ""));
    if (!output.StringOr("image_digest", "").empty())
      job_ = job_.With("Own", Json::Object{{"ImageDigest", output["image_digest"]}});
    if (output.Has("failure")) Fail(output.StringOr("failure", ""));
  }

  /// The first reason counts; the other hosts are stopped.
  void Fail(const std::string& reason) {
    if (status() == "Stopping" || state_.Has("reason")) return;
    state_ = state_.With("reason", std::string(TruncateUtf8(reason, kReasonMax)));
    if (HostCount() > 1) StopHosts();
  }

  void Upload() {
    if (state_.BoolOr("isUploading", false)) return;
    state_ = state_.With("isUploading", true);
    turn_.timer_cancels = {"limit", "sync"};
    if (Count("started") == 0) return Finish();
    Go("Uploading", "Uploading generated training model");
    const Json what = What(0).With("hasFailed", state_.Has("reason"));
    turn_.effects.push_back({"upload", "sagemaker.training.upload", what});
  }

  void OnUploaded(const Json& output, const Json* error) {
    if (error) Fail("InternalServerError: " + error->StringOr("message", ""));
    if (output.Has("failure")) Fail(output.StringOr("failure", ""));
    if (output.Has("model"))
      job_ = job_.With("ModelArtifacts", Json::Object{{"S3ModelArtifacts", output["model"]}});
    Finish();
  }

  void Finish() {
    const double now = SecondsSinceEpoch(event_.at);
    const auto seconds =
        static_cast<int64_t>(std::llround(now - job_["TrainingStartTime"].AsDouble()));
    job_ = job_.With("TrainingEndTime", now)
               .With("TrainingTimeInSeconds", seconds)
               .With("BillableTimeInSeconds", seconds);
    Json::Array metrics;
    for (const Json& definition : ItemsOf(job_["AlgorithmSpecification"]["MetricDefinitions"])) {
      const Json* known = state_["metrics"].Find(definition.StringOr("Name", ""));
      if (!known) continue;
      metrics.push_back(Json::Object{{"MetricName", definition["Name"]},
                                     {"Value", (*known)["Value"]},
                                     {"Timestamp", (*known)["Timestamp"]}});
    }
    if (!metrics.empty()) job_ = job_.With("FinalMetricDataList", std::move(metrics));
    const std::string stopped = state_.StringOr("stopped", "");
    if (!stopped.empty()) {
      job_ = job_.With("TrainingJobStatus", "Stopped");
      Go(stopped, stopped == "Stopped"
                      ? "Training job stopped"
                      : "Training job runtime exceeded MaxRuntimeInSeconds provided");
    } else if (state_.Has("reason")) {
      job_ = job_.With("FailureReason", state_["reason"]).With("TrainingJobStatus", "Failed");
      Go("Failed", "Training job failed");
    } else {
      job_ = job_.With("TrainingJobStatus", "Completed");
      Go("Completed", "Training job completed");
    }
    turn_.effects.push_back({"clean", "sagemaker.training.clean", What(0)});
  }

  void StopHosts() {
    const int64_t round = state_.IntOr("stops", 0) + 1;
    state_ = state_.With("stops", round);
    for (int i = 0; i < HostCount(); ++i) {
      const std::string tag = "stop:" + std::to_string(i) + ":" + std::to_string(round);
      turn_.effects.push_back({tag, "sagemaker.training.stop", What(i)});
    }
  }

  /// A secondary status begins; the one before ends with it.
  void Go(const std::string& secondary, const std::string& message) {
    const double now = SecondsSinceEpoch(event_.at);
    Json::Array transitions;
    for (const Json& known : ItemsOf(job_["SecondaryStatusTransitions"]))
      transitions.push_back(known.Has("EndTime") ? known : known.With("EndTime", now));
    Json::Object next{{"Status", secondary}, {"StartTime", now}, {"StatusMessage", message}};
    if (status() != "InProgress" && status() != "Stopping") next.Set("EndTime", now);
    transitions.push_back(std::move(next));
    job_ = job_.With("SecondaryStatus", secondary)
               .With("SecondaryStatusTransitions", std::move(transitions))
               .With("LastModifiedTime", now);
    turn_.writes.PutDocument(TrainingKey(Part(1), Part(2), job_.StringOr("TrainingJobName", "")),
                             job_);
    Tell();
  }

  bool HasEnded() const { return Count("logged") == HostCount() && Count("ended") == HostCount(); }
  std::string status() const { return job_.StringOr("TrainingJobStatus", ""); }
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
    turn_.effects.push_back(
        {what + ":" + std::to_string(host), "sagemaker.training." + what, What(host)});
  }
  void Tell() {
    turn_.writes.events.push_back(MakeEvent("aws.sagemaker", "SageMaker Training Job State Change",
                                            Part(1), Part(2), Json::Array{job_["TrainingJobArn"]},
                                            WithMillis(job_)));
  }

  const std::string& id_;
  Json state_, job_;
  const Event& event_;
  Turn turn_;
};

}  // namespace

Step AdvanceTraining(const std::string& instance_id, const Json& state, const Event& event) {
  return Machine(instance_id, state, event).Run();
}

}  // namespace stepmill::sagemaker
