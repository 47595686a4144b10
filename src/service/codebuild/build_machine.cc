#include "service/codebuild/build_machine.h"

#include "base/strings.h"
#include "gate/door.h"
#include "json/each.h"
#include "lang/buildspec/progress.h"
#include "service/codebuild/records.h"
#include "store/events.h"

namespace stepmill::codebuild {
namespace {

constexpr Seconds kGiveUp{60};  // how long an ended build waits for its provisioning to end

std::string Stamp(Time at) {
  const int64_t millis = MillisSinceEpoch(at) % 1000;
  char fraction[16];
  std::snprintf(fraction, sizeof fraction, ".%03d000", static_cast<int>(millis));
  return "[Container] " + FormatTime(at, "%Y/%m/%d %H:%M:%S") + fraction + " ";
}

Json ClosedPhase(const Json& phase, Time at, std::string_view status, const std::string& code,
                 const std::string& message) {
  const double seconds = SecondsSinceEpoch(at) - phase["startTime"].AsDouble();
  Json closed = phase.With("phaseStatus", status)
                    .With("endTime", SecondsSinceEpoch(at))
                    .With("durationInSeconds", static_cast<int64_t>(seconds));
  return closed.With("contexts",
                     Json::Array{Json::Object{{"statusCode", code}, {"message", message}}});
}

Json OpenPhase(std::string_view type, Time at) {
  return Json::Object{{"phaseType", type}, {"startTime", SecondsSinceEpoch(at)}};
}

/// One turn. State:
///     {"build": record, "folder", "spec", "progress", "sequence": last step of the runner,
///      "pending": lines not said yet, "status": the final one, once it is known,
///      "isProvisioning", "hasLog", "isClosed": bool,
///      "isQueued", "isAsking", "isAskedAgain": bool, "ask": number of the last admission asked
///      for, "report": number of the last status, "isReporting": bool, "toReport": what follows it}
class Machine {
 public:
  Machine(const std::string& instance_id, const Json& state, const Event& event)
      : id_(instance_id),
        state_(state),
        event_(event),
        build_(state["build"]),
        status_(state.StringOr("status", "")) {
    for (const Json& line : ItemsOf(state["pending"])) pending_.push_back(line);
  }

  Step Run() {
    const std::string& kind = event_.kind;
    if (kind == "start") {
      OnStart();
    } else if (kind == "timer" && event_.data.StringOr("id", "") == "give-up") {
      GiveUp();
    } else if (kind == "event") {
      Ask();
    } else if (kind == "timer" && event_.data.StringOr("id", "") == "queued") {
      if (state_.BoolOr("isQueued", false))
        Abort("TIMED_OUT", "QUEUED_TIMED_OUT", "Build has timed out in the queue. ");
    } else if (kind == "timer") {
      Abort("TIMED_OUT", "BUILD_TIMED_OUT", "Build has timed out. ");
    } else if (kind == "stop") {
      Abort("STOPPED", "", "");
    } else if (kind == "effect") {
      OnEffect(event_.data.StringOr("tag", ""), event_.data["output"], event_.data.Find("error"));
    }
    state_ = state_.With("build", build_).With("status", status_).With("pending", pending_);
    const std::string account = Part(1), region = Part(2);
    turn_.writes.PutDocument(BuildKey(account, region, build_.StringOr("id", "")), build_);
    return {state_, std::move(turn_)};
  }

 private:
  /// Parts of "codebuild/ACCOUNT/REGION/ID".
  std::string Part(size_t index) const { return std::string(Split(id_, '/')[index]); }

  void Say(const std::string& text) { pending_.push_back(Stamp(event_.at) + text); }
  Json TakePending() {
    Json lines = std::move(pending_);
    pending_ = Json::Array();
    return lines;
  }

  // --- phases
  void Enter(std::string_view phase) {
    Json::Array phases = build_["phases"].items();
    phases.push_back(OpenPhase(phase, event_.at));
    build_ = build_.With("phases", std::move(phases)).With("currentPhase", phase);
  }
  void Leave(std::string_view status, const std::string& code = "",
             const std::string& message = "") {
    Json::Array phases = build_["phases"].items();
    phases.back() = ClosedPhase(phases.back(), event_.at, status, code, message);
    const std::string phase = phases.back().StringOr("phaseType", "");
    Json::Object detail = Detail();
    detail.Set("completed-phase", phase);
    detail.Set("completed-phase-status", status);
    detail.Set("completed-phase-duration-seconds", phases.back()["durationInSeconds"]);
    detail.Set("completed-phase-start",
               FormatIso(TimeFromSeconds(phases.back()["startTime"].AsDouble())));
    detail.Set("completed-phase-end", FormatIso(event_.at));
    detail.Set("completed-phase-context", "[" + code + ": " + message + "]");
    build_ = build_.With("phases", std::move(phases));
    Tell("CodeBuild Build Phase Change", std::move(detail));
  }
  Json::Object Detail() const {
    return Json::Object{
        {"project-name", build_["projectName"]}, {"build-id", build_["arn"]}, {"version", "1"}};
  }
  void Tell(std::string_view type, Json::Object detail) {
    Json about = Json::Object{{"build-complete", build_["buildComplete"]},
                              {"build-number", build_["buildNumber"]},
                              {"initiator", build_["initiator"]},
                              {"environment", build_["environment"]},
                              {"source", build_["source"]},
                              {"artifact", build_["artifacts"]},
                              {"timeout-in-minutes", build_["timeoutInMinutes"]},
                              {"logs", Json::Object{{"group-name", build_["logs"]["groupName"]},
                                                    {"stream-name", build_["logs"]["streamName"]},
                                                    {"deep-link", build_["logs"]["deepLink"]}}},
                              {"phases", build_["phases"]}};
    if (build_.Has("sourceVersion")) about = about.With("source-version", build_["sourceVersion"]);
    detail.Set("additional-information", about);
    turn_.writes.events.push_back(MakeEvent("aws.codebuild", type, Part(1), Part(2),
                                            Json::Array{build_["arn"]}, std::move(detail)));
  }
  void TellState() {
    Json::Object detail = Detail();
    detail.Set("build-status", build_["buildStatus"]);
    detail.Set("current-phase", build_["currentPhase"]);
    detail.Set("current-phase-context", "[]");
    Tell("CodeBuild Build State Change", std::move(detail));
  }

  // --- effects
  void Perform(const std::string& tag, const std::string& performer, Json::Object what) {
    what.Set("build", build_);
    what.Set("folder", state_["folder"]);
    turn_.effects.push_back({tag, "codebuild." + performer, Json(std::move(what))});
  }

  void OnStart() {
    const bool is_queued = event_.data.BoolOr("isQueued", false);
    state_ =
        Json::Object{{"folder", event_.data["folder"]}, {"sequence", 2}, {"isQueued", is_queued}};
    build_ = event_.data["build"];
    TellState();
    if (build_["own"].Has("webhook")) Report("pending", "Build started");
    if (!is_queued) return Proceed();
    turn_.subscriptions.push_back({"ends", EndsOfProject()});
    const auto minutes = std::chrono::minutes(build_.IntOr("queuedTimeoutInMinutes", 480));
    turn_.timers.push_back({"queued", event_.at + minutes});
    Ask();
  }

  // --- the queue
  Json EndsOfProject() const {
    return Json::Object{
        {"source", Json::Array{"aws.codebuild"}},
        {"detail-type", Json::Array{"CodeBuild Build State Change"}},
        {"detail", Json::Object{{"project-name", Json::Array{build_["projectName"]}}}}};
  }
  void Ask() {
    if (!state_.BoolOr("isQueued", false)) return;
    if (state_.BoolOr("isAsking", false)) {
      state_ = state_.With("isAskedAgain", true);
      return;
    }
    const int64_t number = state_.IntOr("ask", 0) + 1;
    state_ = state_.With("ask", number).With("isAsking", true);
    const Json input = Json::Object{{"id", build_["id"]}};
    const Principal codebuild = ServicePrincipal("codebuild.amazonaws.com", Part(1));
    turn_.effects.push_back(
        {"admit:" + std::to_string(number), "door",
         DoorCall("codebuild", "AdmitBuild", input, codebuild, Part(1), Part(2), true)});
  }
  void OnAdmit(const Json& output) {
    const bool is_again = state_.BoolOr("isAskedAgain", false);
    state_ = state_.With("isAsking", false).With("isAskedAgain", false);
    if (!state_.BoolOr("isQueued", false)) return;
    if (output.BoolOr("isAdmitted", false)) {
      LeaveQueue();
      return Proceed();
    }
    if (is_again) Ask();
  }
  void LeaveQueue() {
    state_ = state_.With("isQueued", false);
    turn_.unsubscriptions.push_back("ends");
    turn_.timer_cancels.push_back("queued");
    turn_.writes.Delete(WaitingKey(Part(1), Part(2), build_));
  }

  // --- what the commit shows; one after the other, so that the last one is the last
  bool IsReported() const {
    if (build_["own"].Has("batch")) return false;  // the batch is, as a whole
    return build_["own"].Has("webhook") || build_["source"].BoolOr("reportBuildStatus", false);
  }
  void Report(const std::string& state, const std::string& description) {
    if (!IsReported() || !build_.Has("resolvedSourceVersion")) return;
    const Json what = Json::Object{{"state", state}, {"description", description}};
    if (state_.BoolOr("isReporting", false)) {
      state_ = state_.With("toReport", what);
      return;
    }
    SendReport(what);
  }
  void SendReport(const Json& what) {
    const int64_t number = state_.IntOr("report", 0) + 1;
    state_ = state_.With("report", number).With("isReporting", true);
    Perform("status:" + std::to_string(number), "status",
            {{"state", what["state"]}, {"description", what["description"]}});
  }
  void OnReported() {
    state_ = state_.With("isReporting", false);
    const Json next = state_["toReport"];
    state_ = state_.Without("toReport");
    if (next.is_object()) return SendReport(next);
    FinishIfQuiet();
  }
  /// The build's status is known from here on.
  void End(const std::string& status) {
    status_ = status;
    turn_.timer_cancels.push_back("timeout");
    const std::string project = " for project " + build_.StringOr("projectName", "");
    if (status == "SUCCEEDED") Report("success", "Build succeeded" + project);
    if (status == "FAILED") Report("failure", "Build failed" + project);
    if (status == "TIMED_OUT") Report("failure", "Build timed out" + project);
    if (status == "STOPPED") Report("error", "Build stopped" + project);
    if (status == "FAULT") Report("error", "Build fault" + project);
  }

  void Proceed() {
    state_ = state_.With("isProvisioning", true);
    Leave("SUCCEEDED");
    Enter("PROVISIONING");
    const int64_t minutes = build_.IntOr("timeoutInMinutes", 60);
    turn_.timers.push_back({"timeout", event_.at + std::chrono::minutes(minutes)});
    Perform("provision", "provision", {});
  }

  void OnEffect(const std::string& tag, const Json& output, const Json* error) {
    if (tag == "finish") return Complete();
    if (tag.starts_with("admit:")) return OnAdmit(output);
    if (tag.starts_with("status:")) return OnReported();
    if (tag == "close") {
      state_ = state_.With("isClosed", true);
      return FinishIfQuiet();
    }
    if (tag == "log") {
      state_ = state_.With("hasLog", false);
      return FinishIfQuiet();
    }
    if (tag == "provision" && state_.BoolOr("isProvisioning", false)) {
      state_ = state_.With("isProvisioning", false);
      if (!status_.empty()) return Close();  // ended meanwhile: now there is what to take away
    }
    if (!status_.empty()) return;  // the build was ended meanwhile
    if (tag == "provision") return OnProvisioned(error);
    if (tag == "source") return OnSource(output, error);
    if (tag == "upload") return OnUpload(output, error);
    if (tag.starts_with("step:")) return OnStep(output, error);
  }

  void OnProvisioned(const Json* error) {
    if (error) return FailPhase("CLIENT_ERROR", error->StringOr("message", ""));
    Leave("SUCCEEDED");
    Enter("DOWNLOAD_SOURCE");
    Say("Running on On-demand");
    Say("Waiting for agent ping");
    Say("Waiting for DOWNLOAD_SOURCE");
    Perform("source", "source", {});
  }

  void OnSource(const Json& output, const Json* error) {
    for (const Json& line : ItemsOf(output["lines"])) Say(line.AsString());
    if (error) return FailPhase(error->StringOr("name", ""), error->StringOr("message", ""));
    if (output.Has("resolvedSourceVersion"))
      build_ = build_.With("resolvedSourceVersion", output["resolvedSourceVersion"]);
    if (!build_["own"].Has("webhook")) Report("pending", "Build started");
    Json::Object log;
    log.Set("spec", output["spec"]);
    Perform("log", "log", std::move(log));
    state_ = state_.With("spec", output["spec"]).With("hasLog", true);
    if (output.Has("sequence")) state_ = state_.With("sequence", output["sequence"]);
    Leave("SUCCEEDED");
    SayLeft("DOWNLOAD_SOURCE", true, "", "");
    const buildspec::Event started = buildspec::Started{};
    Continue(started);
  }

  void OnStep(const Json& output, const Json* error) {
    if (error) {
      // The sandbox is gone: nothing else can run in it.
      return FailPhase("BUILD_CONTAINER_LOST", error->StringOr("message", ""));
    }
    const int64_t code = output.IntOr("exit", 0);
    if (code != 0)
      Say("Command did not exit successfully " + output.StringOr("command", "") + " exit status " +
          std::to_string(code));
    Continue(buildspec::CommandEnded{static_cast<int>(code)});
  }

  void OnUpload(const Json& output, const Json* error) {
    for (const Json& line : ItemsOf(output["lines"])) Say(line.AsString());
    if (output.Has("exported"))
      build_ = build_.With("exportedEnvironmentVariables", output["exported"]);
    if (output.Has("artifacts")) build_ = build_.With("artifacts", output["artifacts"]);
    if (output.Has("secondaryArtifacts"))
      build_ = build_.With("secondaryArtifacts", output["secondaryArtifacts"]);
    if (output.Has("reportArns")) build_ = build_.With("reportArns", output["reportArns"]);
    buildspec::UploadEnded ended;
    if (error) {
      ended = {false, "CLIENT_ERROR", error->StringOr("message", "")};
    } else if (output.Has("fault")) {
      ended = {false, "CLIENT_ERROR", output.StringOr("fault", "")};
    }
    Continue(ended);
  }

  /// Lets the build machine decide, and does what it says.
  void Continue(const buildspec::Event& event) {
    const auto step = buildspec::Advance(state_["spec"], state_["progress"], event);
    state_ = state_.With("progress", step.progress);
    for (const buildspec::Effect& effect : step.effects)
      std::visit([this](const auto& one) { Do(one); }, effect);
  }

  void Do(const buildspec::EnterPhase& enter) {
    Enter(enter.phase);
    if (enter.phase == "FINALIZING" || enter.phase == "UPLOAD_ARTIFACTS") return;
    Say("Entering phase " + enter.phase);
  }
  void Do(const buildspec::LeavePhase& leave) {
    Leave(leave.is_succeeded ? "SUCCEEDED" : "FAILED", leave.code, leave.message);
    SayLeft(leave.phase, leave.is_succeeded, leave.code, leave.message);
  }
  void SayLeft(const std::string& phase, bool is_succeeded, const std::string& code,
               const std::string& message) {
    Say("Phase complete: " + phase + " State: " + (is_succeeded ? "SUCCEEDED" : "FAILED"));
    Say("Phase context status code: " + code + " Message: " + message);
  }
  void Do(const buildspec::RunCommand& run) {
    Say("Running command " + run.command);
    const int64_t sequence = NextSequence();
    Json::Object what{{"command", run.command},
                      {"sequence", sequence},
                      {"shell", state_["spec"]["shell"]},
                      {"isIsolated", state_["spec"].StringOr("version", "") == "0.1"},
                      {"runAs", run.run_as},
                      {"succeeding", run.is_succeeding},
                      {"lastExit", run.last_exit},
                      {"lines", TakePending()}};
    Perform("step:" + std::to_string(sequence), "step", std::move(what));
  }
  void Do(const buildspec::Upload&) {
    Json::Object what{{"spec", state_["spec"]},
                      {"sequence", NextSequence()},
                      {"succeeding", !state_["progress"].BoolOr("failed", false)},
                      {"lines", TakePending()}};
    Perform("upload", "upload", std::move(what));
  }
  void Do(const buildspec::Note& note) { Say(note.text); }
  void Do(const buildspec::Finish& finish) {
    End(finish.status);
    Close();
  }
  int64_t NextSequence() {
    const int64_t sequence = state_.IntOr("sequence", 2) + 1;
    state_ = state_.With("sequence", sequence);
    return sequence;
  }

  // --- the end
  void FailPhase(const std::string& code, const std::string& message) {
    const std::string phase = build_.StringOr("currentPhase", "");
    Leave("FAILED", code, message);
    SayLeft(phase, false, code, message);
    Enter("FINALIZING");
    End("FAILED");
    Close();
  }

  void Abort(const std::string& status, const std::string& code, const std::string& message) {
    if (!status_.empty()) return;  // it is ending already
    const std::string phase = build_.StringOr("currentPhase", "");
    Leave(status, code, message);
    Say("Phase complete: " + phase + " State: " + status);
    Say("Phase context status code: " + code + " Message: " + message);
    Enter("FINALIZING");
    if (state_.BoolOr("isQueued", false)) LeaveQueue();
    End(status);
    for (const char* tag : {"source", "upload"}) turn_.effect_cancels.push_back(tag);
    turn_.effect_cancels.push_back("step:" + std::to_string(state_.IntOr("sequence", 2)));
    // What is being provisioned can only be taken away once it is there.
    if (!state_.BoolOr("isProvisioning", false)) return Close();
    turn_.timers.push_back({"give-up", event_.at + kGiveUp});
  }
  void GiveUp() {
    if (!state_.BoolOr("isProvisioning", false)) return;
    state_ = state_.With("isProvisioning", false);
    turn_.effect_cancels.push_back("provision");
    Close();
  }

  void Close() { Perform("close", "close", {}); }

  /// What the build still says can be put when nothing of its own output is missing before it.
  void FinishIfQuiet() {
    if (!state_.BoolOr("isClosed", false) || state_.BoolOr("hasLog", false)) return;
    if (state_.BoolOr("isReporting", false)) return;
    Perform("finish", "finish", {{"lines", TakePending()}});
  }

  void Complete() {
    turn_.writes.Delete(ActiveKey(Part(1), Part(2), build_.StringOr("id", "")));
    Leave("SUCCEEDED");
    Enter("COMPLETED");
    build_ = build_.With("buildStatus", status_)
                 .With("buildComplete", true)
                 .With("endTime", SecondsSinceEpoch(event_.at));
    TellState();
    turn_.is_finished = true;
  }

  const std::string& id_;
  Json state_;
  const Event& event_;
  Json build_;
  std::string status_;
  Json::Array pending_;
  Turn turn_;
};

}  // namespace

Json Queued(const Json& build, Time at) {
  Json::Array phases;
  phases.push_back(
      ClosedPhase(OpenPhase("SUBMITTED", at), at, "SUCCEEDED", "", "").Without("contexts"));
  phases.push_back(OpenPhase("QUEUED", at));
  return build.With("phases", std::move(phases));
}

std::string SourceFolder(const Json& build, const Json& folder) {
  std::string path = std::string(kOutputFolder) + "/src" + folder.NumberText() + "/src";
  const Json& source = build["source"];
  const std::string type = source.StringOr("type", "");
  if (type == "CODEPIPELINE" || type == "S3" || type == "NO_SOURCE") return path;
  std::string name = source.StringOr("location", "");
  while (name.ends_with('/')) name.pop_back();
  name = name.substr(name.rfind('/') + 1);
  if (name.ends_with(".git")) name.resize(name.size() - 4);
  return path + "/" + name;
}

std::string JobIdOf(const Json& build) {
  const std::string id = build.StringOr("id", "");
  return "build-" + id.substr(id.rfind(':') + 1);
}

Step AdvanceBuild(const std::string& instance_id, const Json& state, const Event& event) {
  return Machine(instance_id, state, event).Run();
}

}  // namespace stepmill::codebuild
