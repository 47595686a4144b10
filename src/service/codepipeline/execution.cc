// The machine of one pipeline execution. It decides; the rows MoveToStage and
// StartBuildForPipeline, StartExecution and the performers of actions.cc do.
//
// Events that come by Engine::Post: "granted" {stage}, "superseded" {by}, "stop" {abandon, reason,
// by}, "approval" {action, token, status, summary, by}, "deleted" {}.
#include <algorithm>
#include <set>

#include "base/strings.h"
#include "gate/door.h"
#include "json/each.h"
#include "service/codepipeline/declaration.h"
#include "service/codepipeline/execution_run.h"
#include "service/codepipeline/records.h"

namespace stepmill::codepipeline {
namespace {

constexpr std::string_view kHost = "codepipeline.amazonaws.com";
constexpr size_t kOutputVariableBytesMax = 122'880;

class Execution final : public Instance {
 public:
  explicit Execution(std::string instance_id) : instance_id_(std::move(instance_id)) {}

  Turn Advance(const Event& event) override {
    turn_ = Turn();
    now_ = event.at;
    Draw draw(event.entropy);
    draw_ = &draw;
    Dispatch(event);
    draw_ = nullptr;
    if (!is_deleted_ && phase_ != Phase::kNew) WriteDocuments();
    return std::move(turn_);
  }

 private:
  enum class Phase { kNew, kEntering, kRunning, kClosing, kOver };

  void Dispatch(const Event& event) {
    if (event.kind == "start") {
      OnStart(event.data);
    } else if (event.kind == "effect") {
      OnEffect(event.data);
    } else if (event.kind == "event") {
      OnEvent(event.data);
    } else if (event.kind == "timer") {
      OnTimer(event.data.StringOr("id", ""));
    } else if (event.kind == "granted") {
      if (phase_ == Phase::kEntering && event.data.StringOr("stage", "") == StageName()) Begin();
    } else if (event.kind == "superseded") {
      if (phase_ == Phase::kEntering) {
        superseded_by_ = event.data.StringOr("by", "");
        Close("Superseded", false);
      }
    } else if (event.kind == "stop") {
      OnStop(event.data);
    } else if (event.kind == "approval") {
      OnApproval(event.data);
    } else if (event.kind == "deleted") {
      is_deleted_ = true;
      turn_.is_finished = true;
    }
  }

  // ---- stages ----

  void OnStart(const Json& data) {
    account_ = data.StringOr("account", "");
    region_ = data.StringOr("region", "");
    declaration_ = data["declaration"];
    name_ = declaration_.StringOr("name", "");
    execution_id_ = data.StringOr("executionId", "");
    trigger_ = data["trigger"];
    source_revisions_ = data["sourceRevisions"];
    started_ = data["started"].is_number() ? data["started"].AsDouble() : SecondsSinceEpoch(now_);
    attempt_ = data.IntOr("attempt", 1);
    Json::Object variables;
    for (const Json& variable : ItemsOf(data["variables"]))
      variables.Set(variable.StringOr("name", ""), variable["resolvedValue"]);
    variables_ = data["variables"];
    values_ = values_.With("variables", variables)
                  .With("codepipeline", Json::Object{{"PipelineExecutionId", execution_id_}});
    const Json& resume = data["resume"];
    if (resume.is_object()) Restore(resume, data.StringOr("retryMode", ""));
    TellPipeline(resume.is_object() ? "RESUMED" : "STARTED");
    TellCommit("pending", "Pipeline execution in progress");
    Enter("");
  }

  void Restore(const Json& resume, const std::string& mode) {
    stage_ = static_cast<size_t>(resume.IntOr("stage", 0));
    artifacts_ = resume["artifacts"];
    values_ = resume["values"];
    revisions_ = resume["revisions"];
    source_ = resume["source"];
    if (mode == "FAILED_ACTIONS") kept_runs_ = resume["runs"];
  }
  Json ResumeJson() const {
    Json::Array runs;
    for (const Run& run : runs_)
      if (run.status == "Succeeded") runs.push_back(RunToJson(run));
    return Json::Object{{"stage", static_cast<int64_t>(stage_)},
                        {"artifacts", artifacts_},
                        {"values", values_},
                        {"revisions", revisions_},
                        {"source", source_},
                        {"variables", variables_},
                        {"started", started_},
                        {"attempt", attempt_},
                        {"declaration", declaration_},
                        {"runs", runs}};
  }

  Json Stage() const { return declaration_["stages"].At(stage_); }
  std::string StageName() const { return Stage().StringOr("name", ""); }

  void AskMove(const std::string& tag, const std::string& enter, const std::string& leave) {
    const Json input =
        Json::Object{{"pipelineName", name_},    {"executionId", execution_id_},
                     {"instance", instance_id_}, {"mode", declaration_["executionMode"]},
                     {"enter", enter},           {"leave", leave}};
    turn_.effects.push_back({tag, "door",
                             DoorCall("codepipeline", "MoveToStage", input,
                                      ServicePrincipal(kHost, account_), account_, region_, true)});
  }

  void Enter(const std::string& leave) {
    phase_ = Phase::kEntering;
    runs_.clear();
    AskMove("move-" + std::to_string(stage_), StageName(), leave);
  }

  void Begin() {
    phase_ = Phase::kRunning;
    stage_status_ = "InProgress";
    TellStage(kept_runs_.is_array() ? "RESUMED" : "STARTED");
    for (const Json& action : ItemsOf(Stage()["actions"])) {
      Run run;
      run.declaration = action;
      for (const Json& kept : ItemsOf(kept_runs_))
        if (kept.StringOr("name", "") == run.Name()) RunFromJson(kept, run);
      runs_.push_back(std::move(run));
    }
    kept_runs_ = Json();
    Progress();
  }

  /// Starts what is next, or ends the stage, once nothing of it is running.
  void Progress() {
    while (phase_ == Phase::kRunning) {
      bool has_failed = false, has_abandoned = false;
      int64_t order = INT64_MAX;
      for (const Run& run : runs_) {
        if (run.status == "InProgress") return;
        has_failed = has_failed || run.status == "Failed";
        has_abandoned = has_abandoned || run.status == "Abandoned";
        if (run.status.empty()) order = std::min(order, run.declaration.IntOr("runOrder", 1));
      }
      if (is_stopping_ && (has_abandoned || order != INT64_MAX)) return EndStage("Stopped");
      if (has_failed) return EndStage("Failed");
      if (order == INT64_MAX) return EndStage("Succeeded");
      for (Run& run : runs_)
        if (run.status.empty() && run.declaration.IntOr("runOrder", 1) == order) StartAction(run);
    }
  }

  void EndStage(const std::string& result) {
    stage_status_ = result;
    TellStage(ToUpper(result));
    const bool is_last = stage_ + 1 == declaration_["stages"].size();
    if (result == "Succeeded" && !is_last && !is_stopping_) {
      WriteStage();
      WriteRuns();
      const std::string left = StageName();
      ++stage_;
      stage_status_.clear();
      return Enter(left);
    }
    Close(is_stopping_ && !(result == "Succeeded" && is_last) && result != "Failed" ? "Stopped"
                                                                                    : result,
          true);
  }

  /// Says how it ended, gives the stage back, and ends once that is done.
  void Close(const std::string& status, bool leaves) {
    status_ = status;
    TellPipeline(ToUpper(status));
    phase_ = Phase::kClosing;
    if (leaves) {
      AskMove("last-move", "", StageName());
      closing_.insert("last-move");
    }
    const bool is_good = status == "Succeeded";
    if (source_.is_object() &&
        TellCommit(is_good              ? "success"
                   : status == "Failed" ? "failure"
                                        : "error",
                   is_good ? "Pipeline execution succeeded"
                           : "Pipeline execution " + ToLower(status) + " in stage " + StageName(),
                   "last-status"))
      closing_.insert("last-status");
    if (status == "Failed" || status == "Stopped")
      turn_.writes.PutDocument(RecordKey(account_, region_, {"resume", name_, execution_id_}),
                               ResumeJson());
    if (closing_.empty()) turn_.is_finished = true;
  }

  void OnStop(const Json& data) {
    if (phase_ == Phase::kClosing) return;
    stop_reason_ = data.StringOr("reason", "");
    is_stopping_ = true;
    status_ = "Stopping";
    TellPipeline("STOPPING");
    if (phase_ == Phase::kEntering) return Close("Stopped", true);
    stage_status_ = "Stopping";
    if (data.BoolOr("abandon", false)) {
      for (Run& run : runs_)
        if (run.status == "InProgress") End(run, "Abandoned");
    }
    Progress();
  }

  // ---- actions ----

  void StartAction(Run& run) {
    run.id = draw_->NewUuid();
    run.status = "InProgress";
    run.started = run.changed = SecondsSinceEpoch(now_);
    run.key = RecordKey(
        account_, region_,
        {"action", name_,
         Padded(MillisSinceEpoch(now_), 14) + "-" + Padded(++sequence_, 4) + "-" + run.id});
    run.is_changed = true;
    TellAction(run, "STARTED");
    Json::Object resolved;
    for (const Json::Member& member : MembersOf(run.declaration["configuration"])) {
      Result<std::string> value = ResolveVariables(member.value.AsString(), values_);
      if (!value) return Fail(run, "ConfigurationError", value.error().message);
      resolved.Set(member.name, *value);
    }
    run.configuration = resolved;
    Json::Array inputs, outputs;
    for (const Json& artifact : ItemsOf(run.declaration["inputArtifacts"])) {
      const std::string name = artifact.StringOr("name", "");
      inputs.push_back(artifacts_[name].With("name", name));
    }
    for (const Json& artifact : ItemsOf(run.declaration["outputArtifacts"]))
      outputs.push_back(NewArtifact(artifact.StringOr("name", "")));
    run.inputs = inputs;
    run.outputs = outputs;
    SetTimeout(run);
    const std::string provider = run.Provider();
    if (provider == "CodeBuild") return StartBuild(run);
    if (provider == "StepFunctions") return StartMachine(run);
    if (provider == "Manual") {
      run.token = draw_->NewUuid();
      return;
    }
    StartSource(run);
  }

  Json NewArtifact(const std::string& name) {
    return Json::Object{{"name", name},
                        {"bucket", ArtifactBucket(declaration_, region_)},
                        {"key", name_.substr(0, 20) + "/" + name.substr(0, 10) + "/" +
                                    draw_->NewName(7)}};  // as AWS names them
  }

  void SetTimeout(const Run& run) {
    // AWS's defaults: approvals and state machines 7 days, builds 8 hours, sources an hour.
    int64_t minutes = 60;
    if (run.Provider() == "CodeBuild") minutes = 8 * 60;
    if (run.Provider() == "Manual" || run.Provider() == "StepFunctions") minutes = 7 * 24 * 60;
    minutes = run.declaration.IntOr("timeoutInMinutes", minutes);
    turn_.timers.push_back({"a/" + run.id, now_ + std::chrono::minutes(minutes)});
  }

  std::string Tag(Run& run, const char* what) {
    return "a/" + run.id + "/" + what + "/" + std::to_string(++run.asked);
  }
  Principal RoleOf(const Run& run) const {
    const std::string arn =
        run.declaration.StringOr("roleArn", declaration_.StringOr("roleArn", ""));
    Result<Principal> role = RolePrincipal(arn, "codepipeline-" + name_.substr(0, 50));
    // Checked when the pipeline was made.
    return role ? *std::move(role) : ServicePrincipal(kHost, account_);
  }
  void AskAs(Run& run, const char* what, const char* service, const char* operation, Json input,
             bool is_internal) {
    turn_.effects.push_back({Tag(run, what), "door",
                             DoorCall(service, operation, std::move(input), RoleOf(run), account_,
                                      region_, is_internal)});
  }
  Json PerformerInput(const Run& run) const {
    return Json::Object{{"principal", PrincipalToJson(RoleOf(run))},
                        {"account", account_},
                        {"region", region_},
                        {"provider", run.Provider()},
                        {"configuration", run.configuration},
                        {"inputs", run.inputs},
                        {"outputs", run.outputs}};
  }

  void StartSource(Run& run) {
    Json what = PerformerInput(run);
    for (const Json& revision : ItemsOf(source_revisions_))
      if (revision.StringOr("actionName", "") == run.Name()) what = what.With("revision", revision);
    turn_.effects.push_back({Tag(run, "submit"), std::string(kSourcePerformer), what});
  }

  void StartBuild(Run& run) {
    const std::string project = run.configuration.StringOr("ProjectName", "");
    Json::Object input{{"projectName", project}, {"initiator", "codepipeline/" + name_}};
    input.Set("inputArtifacts", run.inputs);
    input.Set("outputArtifacts", run.outputs);
    const std::string primary = run.configuration.StringOr(
        "PrimarySource", run.inputs.size() > 0 ? run.inputs.At(0).StringOr("name", "") : "");
    input.Set("primarySource", primary);
    for (const Json& artifact : run.inputs.items()) {
      if (artifact.StringOr("name", "") != primary) continue;
      input.Set("sourceVersion", "arn:aws:s3:::" + artifact.StringOr("bucket", "") + "/" +
                                     artifact.StringOr("key", ""));
      if (artifact.Has("commit")) input.Set("resolvedSourceVersion", artifact["commit"]);
    }
    const std::string variables = run.configuration.StringOr("EnvironmentVariables", "");
    if (!variables.empty()) {
      const Result<Json> parsed = ParseJson(variables);
      if (!parsed || !parsed->is_array())
        return Fail(run, "ConfigurationError",
                    "EnvironmentVariables is not a JSON array of {name, value, type}");
      input.Set("environmentVariables", *parsed);
    }
    const Json pattern = Json::Object{
        {"source", Json(Json::Array{Json("aws.codebuild")})},
        {"detail-type", Json(Json::Array{Json("CodeBuild Build State Change")})},
        {"detail", Json::Object{{"project-name", Json(Json::Array{Json(project)})},
                                {"build-status",
                                 Json(Json::Array{Json("SUCCEEDED"), Json("FAILED"), Json("FAULT"),
                                                  Json("STOPPED"), Json("TIMED_OUT")})}}}};
    turn_.subscriptions.push_back({"a/" + run.id, pattern});
    AskAs(run, "submit", "codebuild", "StartBuildForPipeline", input, true);
  }

  void StartMachine(Run& run) {
    const std::string machine = run.configuration.StringOr("StateMachineArn", "");
    const std::string prefix = run.configuration.StringOr("ExecutionNamePrefix", "");
    const std::string execution = prefix.empty() ? run.id : prefix + "-" + run.id;
    // arn:aws:states:R:A:stateMachine:NAME -> arn:aws:states:R:A:execution:NAME:EXECUTION
    const std::vector<std::string_view> parts = Split(machine, ':');
    if (parts.size() < 7 || parts[5] != "stateMachine")
      return Fail(run, "ConfigurationError",
                  "StateMachineArn is not the ARN of a state machine: '" + machine + "'");
    run.execution_arn = "arn:" + std::string(parts[1]) + ":states:" + std::string(parts[3]) + ":" +
                        std::string(parts[4]) + ":execution:" + std::string(parts[6]) + ":" +
                        execution;
    run.external_id = run.execution_arn;
    run.external_url = "https://console.aws.amazon.com/states/home?region=" + region_ +
                       "#/executions/details/" + run.execution_arn;
    const Json pattern = Json::Object{
        {"source", Json(Json::Array{Json("aws.states")})},
        {"detail-type", Json(Json::Array{Json("Step Functions Execution Status Change")})},
        {"detail",
         Json::Object{{"executionArn", Json(Json::Array{Json(run.execution_arn)})},
                      {"status", Json(Json::Array{Json("SUCCEEDED"), Json("FAILED"),
                                                  Json("TIMED_OUT"), Json("ABORTED")})}}}};
    turn_.subscriptions.push_back({"a/" + run.id, pattern});
    const std::string input = run.configuration.StringOr("Input", "");
    if (run.configuration.StringOr("InputType", "Literal") == "FilePath") {
      const Json what = PerformerInput(run).With("name", execution).With("path", input);
      turn_.effects.push_back({Tag(run, "submit"), std::string(kStartPerformer), what});
      return;
    }
    AskAs(run, "submit", "states", "StartExecution",
          Json::Object{{"stateMachineArn", machine},
                       {"name", execution},
                       {"input", input.empty() ? "{}" : input}},
          false);
  }

  /// How is what was submitted? Asked once after the submit, and when an event says that it ended.
  void Look(Run& run) {
    if (run.Provider() == "CodeBuild")
      return AskAs(run, "look", "codebuild", "BatchGetBuilds",
                   Json::Object{{"ids", Json(Json::Array{Json(run.external_id)})}}, false);
    AskAs(run, "look", "states", "DescribeExecution",
          Json::Object{{"executionArn", run.execution_arn}}, false);
  }

  Run* FindRun(std::string_view id) {
    for (Run& run : runs_)
      if (!run.id.empty() && run.id == id && run.status == "InProgress") return &run;
    return nullptr;
  }

  void OnEffect(const Json& data) {
    const std::string tag = data.StringOr("tag", "");
    const Json& error = data["error"];
    if (tag.starts_with("move-")) {
      if (error.is_object() && phase_ == Phase::kEntering) {
        summary_ = error.StringOr("message", "");
        return Close("Failed", false);
      }
      if (phase_ == Phase::kEntering && tag == "move-" + std::to_string(stage_) &&
          data["output"].BoolOr("granted", false))
        Begin();
      return;
    }
    if (closing_.contains(tag) && !tag.starts_with("last-")) {  // a build that is to be stopped
      closing_.erase(tag);
      for (const Run& run : runs_)
        if (SubmitTag(run) == tag && data.Has("output"))
          StopBuildOf(run, data["output"]["build"].StringOr("id", ""));
      if (phase_ == Phase::kClosing && closing_.empty()) turn_.is_finished = true;
      return;
    }
    if (tag.starts_with("last-")) {
      closing_.erase(tag);
      if (phase_ == Phase::kClosing && closing_.empty()) turn_.is_finished = true;
      return;
    }
    const std::vector<std::string_view> parts = Split(tag, '/');
    Run* run = parts.size() == 4 && parts[0] == "a" ? FindRun(parts[1]) : nullptr;
    if (!run) return;  // a status on a commit, or an action that has ended
    if (error.is_object()) {
      const std::string name = error.StringOr("name", "");
      Fail(*run, name == "AccessDeniedException" ? "PermissionError" : "ConfigurationError",
           error.StringOr("message", ""));
    } else if (parts[2] == "submit") {
      OnSubmitted(*run, data["output"]);
    } else if (parts[2] == "look") {
      OnLook(*run, data["output"]);
    } else {
      Succeed(*run);
    }
    Progress();
  }

  void OnSubmitted(Run& run, const Json& output) {
    run.is_changed = true;
    run.changed = SecondsSinceEpoch(now_);
    if (run.Provider() == "CodeBuild") {
      const Json& build = output["build"];
      run.external_id = build.StringOr("id", "");
      run.build_arn = build.StringOr("arn", "");
      run.external_url = "https://console.aws.amazon.com/codebuild/home?region=" + region_ +
                         "#/builds/" + run.external_id + "/view/new";
      return Look(run);
    }
    if (run.Provider() == "StepFunctions") return Look(run);
    run.variables = output["variables"];
    run.revision = output["revision"];
    run.summary = run.revision.StringOr("revisionSummary", "");
    run.external_id = run.revision.StringOr("revisionId", "");
    if (output.Has("source")) source_ = output["source"];
    Json::Array outputs;
    for (const Json& artifact : ItemsOf(run.outputs))
      outputs.push_back(output.Has("source") ? artifact.With("commit", source_["commitId"])
                                             : artifact);
    run.outputs = outputs;
    revisions_ = revisions_.Push(run.revision.With("actionName", run.Name()));
    Succeed(run);
    TellCommit("pending", "Pipeline execution in progress");
  }

  void OnLook(Run& run, const Json& output) {
    if (run.Provider() == "CodeBuild") {
      if (output["builds"].size() == 0)
        return Fail(run, "JobFailed", "The build " + run.external_id + " is gone");
      const Json build = output["builds"].At(0);
      const std::string status = build.StringOr("buildStatus", "");
      if (status == "IN_PROGRESS") return;
      if (status != "SUCCEEDED")
        return Fail(run, "JobFailed", "Build terminated with state: " + status);
      Json::Object variables;
      for (const Json& variable : ItemsOf(build["exportedEnvironmentVariables"]))
        variables.Set(variable.StringOr("name", ""), variable["value"]);
      run.variables = variables;
      return Succeed(run);
    }
    const std::string status = output.StringOr("status", "");
    if (status == "RUNNING" || status == "PENDING_REDRIVE") return;
    if (status != "SUCCEEDED") {
      const std::string cause = output.StringOr("cause", output.StringOr("error", ""));
      return Fail(run, "JobFailed",
                  "The execution " + run.execution_arn + " ended as " + status +
                      (cause.empty() ? "" : ": " + cause));
    }
    run.variables = Json::Object{{"StateMachineArn", run.configuration["StateMachineArn"]},
                                 {"ExecutionArn", run.execution_arn}};
    if (run.outputs.size() == 0) return Succeed(run);
    const Json what = PerformerInput(run).With("text", output.StringOr("output", "{}"));
    turn_.effects.push_back({Tag(run, "output"), std::string(kOutputPerformer), what});
  }

  void OnEvent(const Json& data) {
    const std::vector<std::string_view> parts = Split(data.StringOr("subscription", ""), '/');
    const std::string id = data.StringOr("subscription", "");
    Run* run = id.starts_with("a/") ? FindRun(std::string_view(id).substr(2)) : nullptr;
    if (!run) return;
    const Json& told = data["event"];
    // Before the submit is answered the build has no name; the look after it sees the end.
    if (run->Provider() == "CodeBuild" && run->build_arn.empty()) return;
    const bool is_meant = told.StringOr("source", "") == kRecovered ||
                          run->Provider() != "CodeBuild" ||
                          told["detail"].StringOr("build-id", "") == run->build_arn;
    if (is_meant) Look(*run);
  }

  void OnTimer(const std::string& id) {
    Run* run = id.starts_with("a/") ? FindRun(std::string_view(id).substr(2)) : nullptr;
    if (!run) return;
    Fail(*run, "ActionTimeout", "The action did not end in its time");
    Progress();
  }

  void OnApproval(const Json& data) {
    for (Run& run : runs_) {
      if (run.Name() != data.StringOr("action", "") || run.status != "InProgress" ||
          run.token != data.StringOr("token", ""))
        continue;
      run.summary = data.StringOr("summary", "");
      run.updated_by = data.StringOr("by", "");
      if (data.StringOr("status", "") == "Approved") {
        Succeed(run);
      } else {
        End(run, "Failed");
      }
      return Progress();
    }
  }

  void Succeed(Run& run) {
    for (const Json& artifact : ItemsOf(run.outputs))
      artifacts_ = artifacts_.With(artifact.StringOr("name", ""), artifact);
    const std::string ns = run.declaration.StringOr("namespace", "");
    if (!ns.empty() && run.variables.is_object()) {
      if (run.variables.PrintedSize() > kOutputVariableBytesMax)
        return Fail(run, "ConfigurationError", "The output variables are larger than 122880 bytes");
      values_ = values_.With(ns, run.variables);
    }
    End(run, "Succeeded");
  }
  void Fail(Run& run, const std::string& code, const std::string& message) {
    run.error = Json::Object{{"code", code}, {"message", TruncateUtf8(message, 5000)}};
    End(run, "Failed");
  }
  void End(Run& run, const std::string& status) {
    run.status = status;
    run.changed = SecondsSinceEpoch(now_);
    run.is_changed = true;
    turn_.timer_cancels.push_back("a/" + run.id);
    turn_.unsubscriptions.push_back("a/" + run.id);
    // What was set up in this same turn goes too.
    std::erase_if(turn_.timers, [&](const auto& timer) { return timer.id == "a/" + run.id; });
    std::erase_if(turn_.subscriptions, [&](const auto& sub) { return sub.id == "a/" + run.id; });
    TellAction(run, ToUpper(status));
    if (status == "Abandoned" || run.error.StringOr("code", "") == "ActionTimeout")
      StopBuildOf(run, run.external_id);
  }

  /// A build that nobody waits for any more is stopped; the execution ends after that was asked.
  /// One that is still being submitted is stopped when its id comes back.
  void StopBuildOf(const Run& run, const std::string& id) {
    if (run.Provider() != "CodeBuild") return;
    const std::string tag = id.empty() ? SubmitTag(run) : "last-stop/" + run.id;
    closing_.insert(tag);
    if (id.empty()) return;
    turn_.effects.push_back({tag, "door",
                             DoorCall("codebuild", "StopBuild", Json::Object{{"id", id}},
                                      RoleOf(run), account_, region_)});
  }
  /// The first effect of a run: its submit.
  static std::string SubmitTag(const Run& run) { return "a/" + run.id + "/submit/1"; }

  // ---- what others see ----

  void Tell(const char* type, Json::Object detail) {
    turn_.writes.events.push_back(
        MakeEvent("aws.codepipeline", type, account_, region_,
                  {Json("arn:aws:codepipeline:" + region_ + ":" + account_ + ":" + name_)},
                  std::move(detail)));
  }
  Json::Object Detail(const std::string& state) const {
    Json::Object detail;
    detail.Set("pipeline", name_);
    detail.Set("execution-id", execution_id_);
    detail.Set("start-time", FormatIso(now_));
    detail.Set("state", state);
    detail.Set("version", declaration_["version"]);
    detail.Set("pipeline-execution-attempt", static_cast<double>(attempt_));
    return detail;
  }
  void TellPipeline(const std::string& state) {
    Json::Object detail = Detail(state);
    detail.Set("start-time", FormatIso(TimeFromSeconds(started_)));  // of the execution
    detail.Set("execution-trigger", Json::Object{{"trigger-type", trigger_["triggerType"]},
                                                 {"trigger-detail", trigger_["triggerDetail"]}});
    Tell("CodePipeline Pipeline Execution State Change", std::move(detail));
  }
  void TellStage(const std::string& state) {
    Json::Object detail = Detail(state);
    detail.Set("stage", StageName());
    Tell("CodePipeline Stage Execution State Change", std::move(detail));
  }
  void TellAction(const Run& run, const std::string& state) {
    Json::Object detail = Detail(state);
    detail.Set("stage", StageName());
    detail.Set("action", run.Name());
    detail.Set("action-execution-id", run.id);
    detail.Set("region", region_);
    detail.Set("type", run.declaration["actionTypeId"]);
    if (run.inputs.is_array()) detail.Set("input-artifacts", ArtifactsOf(run.inputs));
    if (run.outputs.is_array() && state == "SUCCEEDED")
      detail.Set("output-artifacts", ArtifactsOf(run.outputs));
    if (state != "STARTED") {
      Json::Object result;
      if (!run.external_id.empty()) result.Set("external-execution-id", run.external_id);
      if (!run.external_url.empty()) result.Set("external-execution-url", run.external_url);
      if (!run.summary.empty()) result.Set("external-execution-summary", run.summary);
      if (run.error.is_object()) {
        result.Set("error-code", run.error["code"]);
        result.Set("external-execution-summary", run.error["message"]);
      }
      detail.Set("execution-result", result);
    }
    Tell("CodePipeline Action Execution State Change", std::move(detail));
  }

  /// A status on the commit that the source brought. False: there is none.
  bool TellCommit(const std::string& state, const std::string& text, const std::string& tag = "") {
    if (!source_.is_object()) return false;
    const Json input = Json::Object{
        {"repositoryName", source_["repositoryName"]},
        {"commitId", source_["commitId"]},
        {"context", "AWS CodePipeline " + region_ + " (" + name_ + ")"},
        {"state", state},
        {"description", TruncateUtf8(text, 140)},
        {"targetUrl", "https://" + region_ + ".console.aws.amazon.com/codesuite/codepipeline/" +
                          "pipelines/" + name_ + "/executions/" + execution_id_ + "/timeline"}};
    turn_.effects.push_back({tag.empty() ? "status-" + std::to_string(++sequence_) : tag, "door",
                             DoorCall("codecommit", "PutCommitStatus", input,
                                      ServicePrincipal(kHost, account_), account_, region_)});
    return true;
  }

  void WriteDocuments() {
    WriteExecution();
    if (phase_ == Phase::kRunning || phase_ == Phase::kClosing) WriteStage();
    WriteRuns();
  }

  void WriteExecution() {
    Json::Object body;
    body.Set("pipelineName", name_);
    body.Set("pipelineVersion", declaration_["version"]);
    body.Set("pipelineExecutionId", execution_id_);
    body.Set("status", status_);
    if (!summary_.empty()) body.Set("statusSummary", summary_);
    if (!superseded_by_.empty()) body.Set("supersededBy", superseded_by_);
    body.Set("artifactRevisions", revisions_.is_array() ? revisions_ : Json(Json::Array{}));
    body.Set("variables", variables_);
    body.Set("trigger", trigger_);
    body.Set("executionMode", declaration_["executionMode"]);
    body.Set("startTime", started_);
    body.Set("lastUpdateTime", SecondsSinceEpoch(now_));
    if (!stop_reason_.empty() || is_stopping_)
      body.Set("stopTrigger", Json::Object{{"reason", stop_reason_}});
    body.Set("instance", instance_id_);
    turn_.writes.PutDocument(RecordKey(account_, region_, {"execution", name_, execution_id_}),
                             body);
  }

  void WriteStage() {
    if (stage_status_.empty()) return;
    Json::Object actions;
    for (const Run& run : runs_) {
      if (run.id.empty()) continue;
      actions.Set(run.Name(), LatestOf(run));
    }
    turn_.writes.PutDocument(RecordKey(account_, region_, {"latest", name_, StageName()}),
                             Json::Object{{"pipelineExecutionId", execution_id_},
                                          {"status", stage_status_},
                                          {"actions", actions}});
  }

  void WriteRuns() {
    const ActionPlace place{region_, execution_id_, StageName(), declaration_["version"]};
    for (Run& run : runs_) {
      if (!run.is_changed) continue;
      run.is_changed = false;
      turn_.writes.PutDocument(run.key, ActionDetail(run, place));
    }
  }

  const std::string instance_id_;
  std::string account_, region_, name_, execution_id_;
  Json declaration_, trigger_, source_revisions_, variables_;
  double started_ = 0;
  int64_t attempt_ = 1;

  Phase phase_ = Phase::kNew;
  std::string status_ = "InProgress", stage_status_, summary_, superseded_by_, stop_reason_;
  bool is_stopping_ = false, is_deleted_ = false;
  size_t stage_ = 0;
  std::vector<Run> runs_;
  Json kept_runs_;                 ///< a retry of failed actions keeps those that succeeded
  Json artifacts_;                 ///< {name: {name, bucket, key, commit}}
  Json values_;                    ///< {namespace: {key: text}}
  Json revisions_;                 ///< [artifactRevision]
  Json source_;                    ///< {repositoryName, commitId} that carries the statuses
  std::set<std::string> closing_;  ///< effects to wait for before it is over
  int64_t sequence_ = 0;

  // Of the turn under way.
  Turn turn_;
  Time now_;
  Draw* draw_ = nullptr;
};

class ExecutionKind final : public Machine {
 public:
  std::unique_ptr<Instance> Create(std::string instance_id) const override {
    return std::make_unique<Execution>(std::move(instance_id));
  }
};

}  // namespace

std::unique_ptr<Machine> ExecutionMachine() { return std::make_unique<ExecutionKind>(); }

}  // namespace stepmill::codepipeline
