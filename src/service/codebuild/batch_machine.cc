#include "service/codebuild/batch_machine.h"

#include "base/strings.h"
#include "gate/door.h"
#include "json/each.h"
#include "service/codebuild/records.h"
#include "store/events.h"

namespace stepmill::codebuild {
namespace {

constexpr int64_t kMinutes = 480;  // of a batch that says nothing

bool IsOver(const std::string& status) {
  return !status.empty() && status != "BEGINNING" && status != "IN_PROGRESS";
}

class Machine {
 public:
  Machine(const std::string& instance_id, const Json& state, const Event& event)
      : id_(instance_id), state_(state), batch_(state["batch"]), event_(event) {
    for (const Json& group : ItemsOf(state["groups"])) groups_.push_back(group);
  }

  Step Run() {
    const std::string& kind = event_.kind;
    if (kind == "start") OnStart();
    if (kind == "effect") OnEffect(event_.data.StringOr("tag", ""));
    if (kind == "event") OnBuild();
    if (kind == "timer") Stop("TIMED_OUT");
    if (kind == "stop") Stop("STOPPED");
    if (kind == "retry") OnRetry(event_.data.StringOr("type", "RETRY_ALL_BUILDS"));
    batch_ = batch_.With("buildGroups", ShownGroups());
    turn_.writes.PutDocument(BatchKey(Part(1), Part(2), batch_.StringOr("id", "")), batch_);
    return {state_.With("batch", batch_).With("groups", Json(groups_)), std::move(turn_)};
  }

 private:
  /// Parts of "codebuild-batch/ACCOUNT/REGION/ID".
  std::string Part(size_t index) const { return std::string(Split(id_, '/')[index]); }
  int64_t Number() {
    const int64_t number = state_.IntOr("number", 0) + 1;
    state_ = state_.With("number", number);
    return number;
  }
  std::string Ask(const char* what, const char* service, const char* operation, const Json& input,
                  bool is_internal = false) {
    const std::string number = std::to_string(Number());
    const Principal codebuild = ServicePrincipal("codebuild.amazonaws.com", Part(1));
    turn_.effects.push_back(
        {what + (":" + number), "door",
         DoorCall(service, operation, input, codebuild, Part(1), Part(2), is_internal)});
    return number;
  }

  // --- phases
  void Enter(std::string_view phase) {
    Json::Array phases = batch_["phases"].items();
    phases.push_back(
        Json::Object{{"phaseType", phase}, {"startTime", SecondsSinceEpoch(event_.at)}});
    batch_ = batch_.With("phases", std::move(phases)).With("currentPhase", phase);
  }
  void Leave(std::string_view status, const std::string& code = "",
             const std::string& message = "") {
    Json::Array phases = batch_["phases"].items();
    const double began = phases.back()["startTime"].AsDouble();
    const double seconds = SecondsSinceEpoch(event_.at) - began;
    const Json context = Json::Object{{"statusCode", code}, {"message", message}};
    phases.back() = phases.back()
                        .With("phaseStatus", status)
                        .With("endTime", SecondsSinceEpoch(event_.at))
                        .With("durationInSeconds", static_cast<int64_t>(seconds))
                        .With("contexts", Json::Array{context});
    batch_ = batch_.With("phases", std::move(phases));
  }
  void Tell() {
    const Json detail = Json::Object{{"project-name", batch_["projectName"]},
                                     {"build-batch-id", batch_["arn"]},
                                     {"build-batch-status", batch_["buildBatchStatus"]},
                                     {"current-phase", batch_["currentPhase"]},
                                     {"version", "1"}};
    turn_.writes.events.push_back(MakeEvent("aws.codebuild", "CodeBuild Build Batch State Change",
                                            Part(1), Part(2), Json::Array{batch_["arn"]}, detail));
  }
  void Report(const char* state, const std::string& what) {
    if (!batch_["own"].Has("webhook") && !batch_["source"].BoolOr("reportBuildStatus", false))
      return;
    if (!batch_.Has("resolvedSourceVersion")) return;
    const std::string project = batch_.StringOr("projectName", "");
    const Json input =
        Json::Object{{"repositoryName", RepositoryOf(batch_["source"].StringOr("location", ""))},
                     {"commitId", batch_["resolvedSourceVersion"]},
                     {"context", "AWS CodeBuild BuildBatch " + Part(2) + " (" + project + ")"},
                     {"state", state},
                     {"description", what + " for project " + project}};
    state_ = state_.With("lastStatus", Ask("status", "codecommit", "PutCommitStatus", input));
  }

  void OnStart() {
    batch_ = event_.data["batch"];
    state_ = Json::Object{{"begins", Json::Object{}}};
    Enter("SUBMITTED");
    Leave("SUCCEEDED");
    Enter("DOWNLOAD_BATCHSPEC");
    const Json project = batch_["projectName"];
    turn_.subscriptions.push_back(
        {"builds", Json::Object{{"source", Json::Array{"aws.codebuild"}},
                                {"detail-type", Json::Array{"CodeBuild Build State Change"}},
                                {"detail", Json::Object{{"project-name", Json::Array{project}}}}}});
    SetTimer();
    Tell();
    turn_.effects.push_back({"spec", "codebuild.batch-spec", Json::Object{{"batch", batch_}}});
  }
  void SetTimer() {
    const int64_t minutes = batch_["buildBatchConfig"].IntOr("timeoutInMins", kMinutes);
    turn_.timers.push_back({"timeout", event_.at + std::chrono::minutes(minutes)});
  }

  void OnEffect(const std::string& tag) {
    const Json output = event_.data["output"];
    const Json* error = event_.data.Find("error");
    if (tag.starts_with("spec")) return OnSpec(output, error);
    if (tag.starts_with("begin:")) return OnBegun(tag.substr(6), output, error);
    if (tag.starts_with("look:"))
      for (const Json& build : ItemsOf(output["builds"]))
        SetStatus(build.StringOr("arn", ""), build.StringOr("buildStatus", ""));
    const bool is_last = tag == "status:" + state_.StringOr("lastStatus", "");
    if (is_last && batch_.BoolOr("complete", false)) turn_.is_finished = true;
  }

  void OnSpec(const Json& output, const Json* error) {
    if (batch_.BoolOr("complete", false)) return;
    if (error) {
      Leave("FAILED", error->StringOr("name", ""), error->StringOr("message", ""));
      return Complete("FAILED");
    }
    if (output.Has("resolvedSourceVersion"))
      batch_ = batch_.With("resolvedSourceVersion", output["resolvedSourceVersion"]);
    state_ = state_.With("fastFail", output["fastFail"]);
    for (const Json& group : ItemsOf(output["groups"]))
      groups_.push_back(group.With("status", "").With("prior", Json::Array{}));
    Leave("SUCCEEDED");
    Enter("IN_PROGRESS");
    Report("pending", "Build batch started");
    Continue();
  }

  // --- builds
  void OnBegun(const std::string& number, const Json& output, const Json* error) {
    const auto index = static_cast<size_t>(state_["begins"].IntOr(number, 0));
    state_ = state_.With("begins", state_["begins"].Without(number));
    Json& group = groups_[index];
    if (error) {
      group = group.With("status", "FAULT").With("message", (*error)["message"]);
      return Continue();
    }
    const std::string arn = output["build"].StringOr("arn", "");
    group = group.With("status", "IN_PROGRESS")
                .With("arn", arn)
                .With("requestedOn", output["build"]["startTime"]);
    // It may have ended before its ARN was known here.
    Ask("look", "codebuild", "BatchGetBuilds", Json::Object{{"ids", Json::Array{arn}}});
    if (state_.Has("end")) StopBuild(arn);
  }
  void OnBuild() {
    const Json& told = event_.data["event"];
    if (told.StringOr("source", "") == kRecovered) {
      Json::Array arns;
      for (const Json& group : groups_)
        if (group.StringOr("status", "") == "IN_PROGRESS") arns.push_back(group["arn"]);
      if (!arns.empty())
        Ask("look", "codebuild", "BatchGetBuilds", Json::Object{{"ids", std::move(arns)}});
      return;
    }
    SetStatus(told["detail"].StringOr("build-id", ""), told["detail"].StringOr("build-status", ""));
  }
  void SetStatus(const std::string& arn, const std::string& status) {
    for (Json& group : groups_) {
      const bool is_it = group.StringOr("arn", "") == arn && group["status"] == Json("IN_PROGRESS");
      if (!is_it || !IsOver(status)) continue;
      group = group.With("status", status);
      const bool is_failure = status != "SUCCEEDED" && !group.BoolOr("ignoreFailure", false);
      if (is_failure && state_.BoolOr("fastFail", false)) Stop("FAILED");
      return Continue();
    }
  }

  const Json* Group(const std::string& identifier) const {
    for (const Json& group : groups_)
      if (group.StringOr("identifier", "") == identifier) return &group;
    return nullptr;
  }
  /// Every one that it waits for has succeeded, or may fail.
  bool IsReady(const Json& group) const {
    for (const Json& need : ItemsOf(group["dependsOn"])) {
      const Json* other = Group(need.AsString());
      const std::string status = other ? other->StringOr("status", "") : "";
      const bool is_good =
          status == "SUCCEEDED" || (IsOver(status) && other->BoolOr("ignoreFailure", false));
      if (!is_good) return false;
    }
    return true;
  }

  /// Begins what can begin; with nothing open the batch is over.
  void Continue() {
    if (batch_.BoolOr("complete", false)) return;
    bool is_open = false, is_failed = false;
    for (size_t i = 0; i < groups_.size(); ++i) {
      const std::string status = groups_[i].StringOr("status", "");
      if (status.empty() && !state_.Has("end") && IsReady(groups_[i])) Begin(i);
      const std::string now = groups_[i].StringOr("status", "");
      is_open = is_open || now == "BEGINNING" || now == "IN_PROGRESS";
      const bool is_bad = now.empty() || (IsOver(now) && now != "SUCCEEDED");
      is_failed = is_failed || (is_bad && !groups_[i].BoolOr("ignoreFailure", false));
    }
    if (is_open) return;
    const std::string status = state_.StringOr("end", is_failed ? "FAILED" : "SUCCEEDED");
    Leave(status);
    Complete(status);
  }

  void Begin(size_t index) {
    const Json group = groups_[index];
    Json input = batch_["own"]["start"];
    Json::Array variables;
    for (const Json& variable : ItemsOf(input["environmentVariablesOverride"]))
      if (!group["variables"].Has(variable.StringOr("name", ""))) variables.push_back(variable);
    for (const auto& variable : MembersOf(group["variables"]))
      variables.push_back(
          Json::Object{{"name", variable.name}, {"value", variable.value}, {"type", "PLAINTEXT"}});
    input = input.With("environmentVariablesOverride", std::move(variables));
    const std::pair<const char*, const char*> kOverrides[] = {
        {"buildspec", "buildspecOverride"},
        {"image", "imageOverride"},
        {"computeType", "computeTypeOverride"},
        {"type", "environmentTypeOverride"},
        {"privilegedMode", "privilegedModeOverride"}};
    for (const auto& [from, to] : kOverrides)
      if (group.Has(from)) input = input.With(to, group[from]);
    Json own = Json::Object{{"batch", group["identifier"]}};
    if (batch_["own"].Has("webhook")) own = own.With("webhook", batch_["own"]["webhook"]);
    input = input.With("own", own)
                .With("projectName", batch_["projectName"])
                .With("initiator", batch_["initiator"])
                .With("buildBatchArn", batch_["arn"]);
    if (batch_.Has("resolvedSourceVersion"))
      input = input.With("resolvedSourceVersion", batch_["resolvedSourceVersion"]);
    const std::string number = Ask("begin", "codebuild", "StartBuildOfBatch", input, true);
    state_ = state_.With("begins", state_["begins"].With(number, static_cast<int64_t>(index)));
    groups_[index] = group.With("status", "BEGINNING");
  }

  void StopBuild(const std::string& arn) {
    Ask("stop", "codebuild", "StopBuild", Json::Object{{"id", arn}});
  }
  void Stop(const std::string& end) {
    if (batch_.BoolOr("complete", false) || state_.Has("end")) return;
    state_ = state_.With("end", end);
    for (const Json& group : groups_)
      if (group.StringOr("status", "") == "IN_PROGRESS") StopBuild(group.StringOr("arn", ""));
    if (batch_.StringOr("currentPhase", "") == "DOWNLOAD_BATCHSPEC") {
      turn_.effect_cancels.push_back("spec");
      Leave(end);
      return Complete(end);
    }
    if (event_.kind != "event" && event_.kind != "effect") Continue();
  }

  void Complete(const std::string& status) {
    Enter(status == "TIMED_OUT" ? "FAILED" : status);
    batch_ = batch_.With("buildBatchStatus", status)
                 .With("complete", true)
                 .With("endTime", SecondsSinceEpoch(event_.at));
    turn_.timer_cancels.push_back("timeout");
    turn_.unsubscriptions.push_back("builds");
    const size_t effects = turn_.effects.size();
    if (status == "SUCCEEDED") Report("success", "Build batch succeeded");
    if (status == "FAILED" || status == "TIMED_OUT") Report("failure", "Build batch failed");
    if (status == "STOPPED") Report("error", "Build batch stopped");
    if (turn_.effects.size() == effects) turn_.is_finished = true;
    Tell();
  }

  void OnRetry(const std::string& type) {
    if (!batch_.BoolOr("complete", false)) return;
    const bool has_all = type == "RETRY_ALL_BUILDS";
    for (Json& group : groups_) {
      const std::string status = group.StringOr("status", "");
      if (status == "SUCCEEDED" && !has_all) continue;
      if (group.Has("arn")) group = group.With("prior", group["prior"].Push(SummaryOf(group)));
      group = group.With("status", "").Without("arn").Without("requestedOn");
    }
    state_ = state_.Without("end");
    batch_ = batch_.With("complete", false).With("buildBatchStatus", "IN_PROGRESS");
    batch_ = batch_.Without("endTime");
    const Json project = batch_["projectName"];
    turn_.subscriptions.push_back(
        {"builds", Json::Object{{"source", Json::Array{"aws.codebuild"}},
                                {"detail-type", Json::Array{"CodeBuild Build State Change"}},
                                {"detail", Json::Object{{"project-name", Json::Array{project}}}}}});
    SetTimer();
    if (groups_.empty()) {
      Enter("DOWNLOAD_BATCHSPEC");
      turn_.effects.push_back({"spec:" + std::to_string(Number()), "codebuild.batch-spec",
                               Json::Object{{"batch", batch_}}});
      return;
    }
    Enter("IN_PROGRESS");
    Report("pending", "Build batch started");
    Tell();
    Continue();
  }

  // --- what is shown
  static Json SummaryOf(const Json& group) {
    return Json::Object{{"arn", group["arn"]},
                        {"requestedOn", group["requestedOn"]},
                        {"buildStatus", group["status"]}};
  }
  Json ShownGroups() const {
    Json::Array shown;
    for (const Json& group : groups_) {
      Json::Object one{{"identifier", group["identifier"]},
                       {"dependsOn", group["dependsOn"]},
                       {"ignoreFailure", group["ignoreFailure"]}};
      if (group.Has("arn")) one.Set("currentBuildSummary", SummaryOf(group));
      if (group["prior"].size() > 0) one.Set("priorBuildSummaryList", group["prior"]);
      shown.push_back(Json(std::move(one)));
    }
    return Json(std::move(shown));
  }

  const std::string& id_;
  Json state_, batch_;
  Json::Array groups_;
  const Event& event_;
  Turn turn_;
};

}  // namespace

Step AdvanceBatch(const std::string& instance_id, const Json& state, const Event& event) {
  return Machine(instance_id, state, event).Run();
}

}  // namespace stepmill::codebuild
