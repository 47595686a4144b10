#include "service/workflows/run_machine.h"

#include "base/strings.h"
#include "gate/door.h"
#include "json/each.h"
#include "lang/workflow/run.h"
#include "service/workflows/records.h"

namespace stepmill::workflows {
namespace {

Json SecondsOf(const Json& millis) {
  return Json(static_cast<double>(millis.is_integer() ? millis.AsInteger() : 0) / 1000.0);
}

/// One turn. State:
///     {"run": record, "core": state of lang/workflow,
///      "sandboxes": {JOB: {"isOpening", "isLogging", "isClosing", "isClosed", "wantsClose",
///                          "logEnd", "masks": [sealed]}},
///      "held": the start event's data while the run waits for its concurrency group, "group": that
///      group, "groups": {JOB: group}, "heldJobs": {JOB: what it is opened with},
///      "tellings": [status inputs not sent yet], "told": count, "isTelling": bool}
class Machine {
 public:
  Machine(const Json& state, const Event& event) : state_(state), event_(event) {
    run_ = state["run"];
    sandboxes_ = state.Has("sandboxes") ? state["sandboxes"] : Json(Json::Object());
    for (const Json& telling : ItemsOf(state["tellings"])) tellings_.push_back(telling);
  }

  Step Run() {
    if (event_.kind == "start") OnStart();
    if (event_.kind == "stop") Cancel("Cancelled");
    if (event_.kind == "granted") OnGranted(event_.data.StringOr("job", ""));
    if (event_.kind == "displaced") OnDisplaced(event_.data.StringOr("job", ""));
    if (event_.kind == "effect") OnEffect();
    if (IsCompleted() && state_.Has("group") && !state_.BoolOr("isLeaving", false)) {
      state_ = state_.With("isLeaving", true);
      AskGroup("leave", "");
    }
    Tell();
    KeepRecord();
    const bool is_over = IsCompleted() && sandboxes_.size() == 0 && tellings_.empty() &&
                         !state_.BoolOr("isTelling", false) && !state_.Has("group") &&
                         state_["groups"].size() == 0;
    turn_.is_finished = is_over;
    state_ = state_.With("run", run_).With("sandboxes", sandboxes_).With("tellings", tellings_);
    return {state_, std::move(turn_)};
  }

 private:
  Json Sandbox(const std::string& key) const { return sandboxes_[key]; }
  void SetSandbox(const std::string& key, const char* name, Json value) {
    sandboxes_ = sandboxes_.With(key, sandboxes_[key].With(name, std::move(value)));
  }
  void Perform(const std::string& tag, const char* performer, Json::Object what) {
    what.Set("run", run_.Without("jobs"));
    turn_.effects.push_back({tag, std::string("workflows.") + performer, Json(std::move(what))});
  }

  // --- events
  void OnStart() {
    run_ = event_.data["run"];
    state_ = Json::Object{{"told", 0}};
    if (!event_.data.Has("workflow")) {
      QueueStatus(run_.StringOr("workflowPath", ""), "failure", run_.StringOr("message", ""));
      run_ = run_.With("status", "completed")
                 .With("conclusion", "failure")
                 .With("completedAt", SecondsSinceEpoch(event_.at));
      return;
    }
    if (!event_.data.Has("group")) return Begin(event_.data);
    state_ = state_.With("held", event_.data).With("group", event_.data["group"]);
    run_ = run_.With("status", "pending")
               .With("concurrencyGroup", event_.data["group"].StringOr("group", ""));
    AskGroup("enter", "");
  }
  void Begin(const Json& data) {
    run_ = run_.With("status", "in_progress");
    const Json kept = data;  // it may stand in the state that changes
    state_ = state_.Without("held");
    Advance(workflow::RunStarted{kept["workflow"], kept["contexts"]});
  }
  bool IsCompleted() const { return run_.StringOr("status", "") == "completed"; }

  void Cancel(const std::string& message) {
    if (IsCompleted()) return;
    if (!state_.Has("held")) return Advance(workflow::RunCancelled{});
    state_ = state_.Without("held");
    QueueStatus(run_.StringOr("workflowName", ""), "error", message);
    run_ = run_.With("status", "completed")
               .With("conclusion", "cancelled")
               .With("message", message)
               .With("completedAt", SecondsSinceEpoch(event_.at));
  }

  // --- concurrency groups (groups.cc): of the run, or of one of its jobs
  /// `what`: enter or leave; `key`: "" for the run itself.
  void AskGroup(const std::string& what, const std::string& key) {
    const Json group = key.empty() ? state_["group"] : state_["groups"][key];
    const std::string account = run_.StringOr("account", "");
    const Json input =
        Json::Object{{"repositoryName", run_["repositoryName"]},
                     {"group", group["group"]},
                     {"cancels", group["cancels"]},
                     {"holder", run_.StringOr("runId", "") + (key.empty() ? "" : "/" + key)}};
    turn_.effects.push_back(
        {what + ":" + key, "door",
         DoorCall("workflows", what == "enter" ? "EnterGroup" : "LeaveGroup", input,
                  ServicePrincipal(kHost, account), account, run_.StringOr("region", ""), true)});
  }
  void SetIn(const char* table, const std::string& key, Json value) {
    const Json known = state_.Has(table) ? state_[table] : Json(Json::Object());
    state_ = state_.With(table,
                         value.is_null() ? known.Without(key) : known.With(key, std::move(value)));
  }
  void OnGranted(const std::string& key) {
    if (key.empty()) {
      if (state_.Has("held")) Begin(state_["held"]);
      return;
    }
    const Json job = state_["heldJobs"][key];
    if (job.is_null()) return;  // it ended meanwhile
    SetIn("heldJobs", key, Json());
    Open(key, job);
  }
  void OnDisplaced(const std::string& key) {
    const std::string message = event_.data.StringOr("message", "");
    if (key.empty()) return Cancel(message);
    if (!IsCompleted()) Advance(workflow::JobCancelled{key, message});
  }
  void OnGroupAsked(const std::string& kind, const std::string& key, const Json* error) {
    if (kind == "leave") {
      if (key.empty())
        state_ = state_.Without("group");
      else
        SetIn("groups", key, Json());
      return;
    }
    if (!error) return;  // "granted" comes by itself
    const std::string message = error->StringOr("message", "");
    if (key.empty()) return Cancel(message);
    if (!IsCompleted()) Advance(workflow::JobLost{key, message});
  }

  void OnEffect() {
    const std::string tag = event_.data.StringOr("tag", "");
    const auto parts = Split(tag, ':');
    const std::string kind(parts[0]), key(parts.size() > 1 ? parts[1] : "");
    const Json* error = event_.data.Find("error");
    if (kind == "status") {
      state_ = state_.With("isTelling", false);
    } else if (kind == "open") {
      OnOpened(key, error);
    } else if (kind == "step") {
      OnStep(key, static_cast<size_t>(ParseInt(parts[2]).value_or(0)), error);
    } else if (kind == "log") {
      SetSandbox(key, "isLogging", false);
      RemoveIfQuiet(key);
    } else if (kind == "close") {
      SetSandbox(key, "isClosed", true);
      RemoveIfQuiet(key);
    } else if (kind == "remove") {
      sandboxes_ = sandboxes_.Without(key);
      if (state_["groups"].Has(key)) AskGroup("leave", key);
    } else if (kind == "enter" || kind == "leave") {
      OnGroupAsked(kind, key, error);
    }
  }

  void OnOpened(const std::string& key, const Json* error) {
    SetSandbox(key, "isOpening", false);
    if (!error) {
      SetSandbox(key, "isLogging", true);
      Perform("log:" + key, "log", {{"key", key}});
      Advance(workflow::JobOpened{key});
    } else {
      const std::string message = error->StringOr("message", "");
      SetSandbox(key, "message", message);
      Advance(workflow::JobLost{key, message});
    }
    if (Sandbox(key).BoolOr("wantsClose", false)) Close(key);  // cancelled while it came up
  }

  void OnStep(const std::string& key, size_t index, const Json* error) {
    if (error) return Advance(workflow::JobLost{key, error->StringOr("message", "")});
    const Json& result = event_.data["output"];
    if (result.Has("logEnd")) SetSandbox(key, "logEnd", result["logEnd"]);
    if (result["masks"].size() > 0) {
      Json::Array masks = result["masks"].items();
      for (const Json& mask : ItemsOf(sandboxes_[key]["masks"])) masks.push_back(mask);
      SetSandbox(key, "masks", std::move(masks));
    }
    Advance(workflow::StepEnded{key, index, result});
  }

  // --- what lang/workflow wants
  void Advance(const workflow::RunEvent& event) {
    const workflow::RunStep step = workflow::AdvanceRun(state_["core"], event, event_.at);
    state_ = state_.With("core", step.state);
    for (const workflow::RunEffect& effect : step.effects)
      std::visit([this](const auto& one) { Do(one); }, effect);
  }

  void Do(const workflow::OpenJob& open) {
    if (!open.job["concurrency"].is_object()) return Open(open.key, open.job);
    SetIn("groups", open.key, open.job["concurrency"]);
    SetIn("heldJobs", open.key, open.job);
    AskGroup("enter", open.key);
  }
  void Open(const std::string& key, const Json& job) {
    SetSandbox(key, "isOpening", true);
    Perform("open:" + key, "open",
            {{"key", key}, {"job", job}, {"github", state_["core"]["contexts"]["github"]}});
  }
  void Do(const workflow::PerformStep& perform) {
    const Json sandbox = Sandbox(perform.key);
    Perform("step:" + perform.key + ":" + std::to_string(perform.index), "step",
            {{"key", perform.key},
             {"index", static_cast<int64_t>(perform.index)},
             {"what", perform.what},
             {"deadline", MillisSinceEpoch(perform.deadline)},
             {"logStart", sandbox.IntOr("logEnd", 0)},
             {"masks", sandbox.Has("masks") ? sandbox["masks"] : Json(Json::Array())}});
  }
  void Do(const workflow::JobChanged& changed) {
    const std::string state = changed.state == "skipped" ? "success" : changed.state;
    QueueStatus(run_.StringOr("workflowName", "") + " / " + changed.name, state,
                changed.description);
  }
  void Do(const workflow::CloseJob& close) {
    if (state_["heldJobs"].Has(close.key)) {  // it never came up
      SetIn("heldJobs", close.key, Json());
      return AskGroup("leave", close.key);
    }
    if (Sandbox(close.key).BoolOr("isOpening", false))
      SetSandbox(close.key, "wantsClose", true);  // what is coming up is taken away when it is up
    else
      Close(close.key);
  }
  void Do(const workflow::FinishRun& finish) {
    run_ = run_.With("status", "completed")
               .With("conclusion", finish.conclusion)
               .With("completedAt", SecondsSinceEpoch(event_.at));
  }

  void Close(const std::string& key) {
    if (Sandbox(key).BoolOr("isClosing", false)) return;
    SetSandbox(key, "isClosing", true);
    for (const Json& job : ItemsOf(state_["core"]["jobs"]))
      if (job.StringOr("key", "") == key)
        turn_.effect_cancels.push_back("step:" + key + ":" + std::to_string(job.IntOr("step", 0)));
    Perform("close:" + key, "close", {{"key", key}});
  }
  void RemoveIfQuiet(const std::string& key) {
    const Json sandbox = Sandbox(key);
    if (!sandbox.BoolOr("isClosed", false) || sandbox.BoolOr("isLogging", false)) return;
    Perform("remove:" + key, "remove", {{"key", key}, {"message", sandbox["message"]}});
  }

  // --- statuses: one at a time, so that they stay in order
  void QueueStatus(const std::string& context, const std::string& state,
                   const std::string& description) {
    tellings_.push_back(
        Json::Object{{"context", context}, {"state", state}, {"description", description}});
  }
  void Tell() {
    if (tellings_.empty() || state_.BoolOr("isTelling", false)) return;
    const int64_t told = state_.IntOr("told", 0) + 1;
    Perform("status:" + std::to_string(told), "status", {{"status", tellings_.front()}});
    tellings_.erase(tellings_.begin());
    state_ = state_.With("isTelling", true).With("told", told);
  }

  void KeepRecord() {
    Json::Array jobs;
    for (const Json& job : ItemsOf(state_["core"]["jobs"])) {
      const std::string key = job.StringOr("key", "");
      Json::Object shown{{"key", key}, {"name", job["name"]}, {"status", job["status"]}};
      if (!job.StringOr("result", "").empty()) shown.Set("conclusion", job["result"]);
      if (job.Has("message")) shown.Set("message", job["message"]);
      if (job.Has("environment")) shown.Set("environment", job["environment"]);
      shown.Set("logStreamName", run_.StringOr("runId", "") + "/" + key);
      for (const char* name : {"startedAt", "completedAt"})
        if (job.Has(name)) shown.Set(name, SecondsOf(job[name]));
      Json::Array steps;
      for (const Json& step : ItemsOf(job["steps"])) {
        Json::Object one{{"name", step["name"]}, {"status", step["status"]}};
        for (const char* name : {"conclusion", "message", "summary"})
          if (step.Has(name)) one.Set(name, step[name]);
        for (const char* name : {"startedAt", "completedAt"})
          if (step.Has(name)) one.Set(name, SecondsOf(step[name]));
        steps.push_back(std::move(one));
      }
      shown.Set("steps", std::move(steps));
      jobs.push_back(std::move(shown));
    }
    run_ = run_.With("jobs", std::move(jobs));
    turn_.writes.PutDocument(
        RunKey(run_.StringOr("account", ""), run_.StringOr("region", ""),
               run_.StringOr("repositoryName", ""), run_.StringOr("runId", "")),
        run_);
  }

  Json state_;
  const Event& event_;
  Json run_, sandboxes_;
  Json::Array tellings_;
  Turn turn_;
};

}  // namespace

Step AdvanceRunMachine(const std::string&, const Json& state, const Event& event) {
  return Machine(state, event).Run();
}

}  // namespace stepmill::workflows
