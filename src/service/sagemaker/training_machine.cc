#include "service/sagemaker/training_machine.h"

#include <cmath>

#include "json/each.h"
#include "service/sagemaker/job_machine.h"
#include "service/sagemaker/training_contract.h"

namespace stepmill::sagemaker {

namespace {

constexpr std::chrono::seconds kSyncPause{10};  ///< between two copies of the checkpoints
constexpr int64_t kDefaultRuntimeSeconds = 86'400;

class TrainingMachine : private JobMachine {
 public:
  TrainingMachine(const std::string& instance_id, const Json& state, const Event& event)
      : JobMachine(kTrainingJob, instance_id, state, event) {}

  Step Run() {
    if (event_.kind == "start") OnStart();
    if (event_.kind == "stop") Stop("Stopped", "Stopping the training job");
    if (event_.kind == "timer") OnTimer(event_.data.StringOr("id", ""));
    if (event_.kind == "effect") OnEffect(event_.data.StringOr("tag", ""));
    return Done();
  }

 private:
  int HostCount() const override { return static_cast<int>(HostsOf(job_).size()); }

  void OnStart() {
    Begin({"started", "logged", "ended"});
    state_ = state_.With("syncs", 0).With("metrics", Json::Object{});
    Tell();
    job_ = job_.With("TrainingStartTime", SecondsSinceEpoch(event_.at));
    if (job_["InputDataConfig"].size() > 0)
      Go("Downloading", "Downloading input data");
    else
      Go("Starting", "Preparing the instances for training");
    for (int i = 0; i < HostCount(); ++i) Perform("run", i);
  }

  void Stop(const char* ends_with, const char* message) {
    if (status() != "InProgress" || state_.BoolOr("isUploading", false)) return;
    state_ = state_.With("stopped", ends_with);
    job_ = job_.With("TrainingJobStatus", "Stopping");
    Go("Stopping", message);
    StopHosts();
  }

  void OnTimer(const std::string& id) {
    if (id == "limit")
      Stop("MaxRuntimeExceeded", "Training job runtime exceeded MaxRuntimeInSeconds provided");
    if (id == "sync" && !HasEnded()) {
      const int64_t round = state_.IntOr("syncs", 0) + 1;
      state_ = state_.With("syncs", round).With("isSyncing", true);
      turn_.effects.push_back(
          {"sync:" + std::to_string(round), "sagemaker.training.sync", What(0)});
    }
  }

  void OnEffect(const std::string& tag) {
    if (tag == "upload") return OnUploaded(event_.data["output"], event_.data.Find("error"));
    if (tag.starts_with("feed:")) return OnFed(event_.data["output"], event_.data.Find("error"));
    if (tag.starts_with("sync:")) {
      state_ = state_.With("isSyncing", false);
      if (!HasEnded()) turn_.timers.push_back({"sync", event_.at + kSyncPause});
    } else {
      const auto result = TakeHostResult();
      if (!result) return;
      if (result->what == "run") OnRun(*result);
      if (result->what == "log") OnLogged(result->host, result->output);
      if (result->what == "end") OnEnd(*result);
    }
    if (HasEnded() && !state_.BoolOr("isSyncing", false)) Upload();
  }

  void OnRun(const HostResult& run) {
    if (!FollowRun(run, {"log", "end"}, {"logged", "ended"})) return;
    Mark("started", run.host);
    FeedPipes(static_cast<int>(run.host.AsInteger()));
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

  void FeedPipes(int host) {
    const Json& channels = job_["InputDataConfig"];
    for (size_t i = 0; i < channels.size(); ++i) {
      const Json& channel = channels.At(i);
      if (InputModeOf(job_, channel) != "Pipe" || !ShareOf(job_, channel, host).is_in) continue;
      turn_.effects.push_back({"feed:" + std::to_string(host) + ":" + std::to_string(i),
                               "sagemaker.training.feed",
                               What(host).With("channel", static_cast<int64_t>(i))});
    }
  }

  /// A channel is fed until its host ends, or cannot be fed any more: its reader may have taken
  /// that for the end of the data.
  void OnFed(const Json& output, const Json* error) {
    std::string failure = output.StringOr("failure", "");
    if (error) failure = "InternalServerError: " + error->StringOr("message", "");
    if (failure.empty() || state_.BoolOr("isUploading", false)) return;
    if (Fail(failure) && HostCount() == 1) StopHosts();
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

  void OnEnd(const HostResult& end) {
    Mark("ended", end.host);
    KeepDigest(end.output);
    if (!end.failure.empty()) Fail(end.failure);
  }

  void Upload() {
    if (state_.BoolOr("isUploading", false)) return;
    state_ = state_.With("isUploading", true);
    turn_.timer_cancels = {"limit", "sync"};
    if (Count("started") == 0) return End();
    Go("Uploading", "Uploading generated training model");
    const Json what = What(0).With("hasFailed", state_.Has("reason"));
    turn_.effects.push_back({"upload", "sagemaker.training.upload", what});
  }

  void OnUploaded(const Json& output, const Json* error) {
    if (error) Fail("InternalServerError: " + error->StringOr("message", ""));
    if (output.Has("failure")) Fail(output.StringOr("failure", ""));
    if (output.Has("model"))
      job_ = job_.With("ModelArtifacts", Json::Object{{"S3ModelArtifacts", output["model"]}});
    End();
  }

  void End() {
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
    Clean();
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
    Save();
    Tell();
  }

  bool HasEnded() const { return HasAll({"logged", "ended"}); }
};

}  // namespace

Step AdvanceTraining(const std::string& instance_id, const Json& state, const Event& event) {
  return TrainingMachine(instance_id, state, event).Run();
}

}  // namespace stepmill::sagemaker
