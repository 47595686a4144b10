#include "service/glue/run_machine.h"

#include <algorithm>

#include "base/strings.h"
#include "gate/door.h"
#include "json/each.h"
#include "service/glue/records.h"
#include "store/events.h"

namespace stepmill::glue {
namespace {

constexpr std::chrono::hours kWaitMax{15 * 24};
constexpr size_t kMessageMax = 2048;

class Machine {
 public:
  Machine(const std::string& instance_id, const Json& state, const Event& event)
      : id_(instance_id), state_(state), run_(state["run"]), event_(event) {}

  Step Run() {
    if (event_.kind == "start") OnStart();
    if (event_.kind == "stop") OnStop();
    if (event_.kind == "event") Ask();
    if (event_.kind == "timer") OnTimer(std::string(Split(event_.data.StringOr("id", ""), ':')[0]));
    if (event_.kind == "effect") OnEffect(event_.data.StringOr("tag", ""));
    return {state_.With("run", run_), std::move(turn_)};
  }

 private:
  /// Parts of "glue/ACCOUNT/REGION/RUN".
  std::string Part(size_t index) const { return std::string(Split(id_, '/')[index]); }
  std::string JobName() const { return run_.StringOr("JobName", ""); }
  std::string RunId() const { return run_.StringOr("Id", ""); }
  std::string State() const { return run_.StringOr("JobRunState", ""); }
  std::string Attempt() const { return std::to_string(run_.IntOr("Attempt", 0)); }
  int64_t Order() const { return state_.IntOr("order", 0); }
  bool Is(std::string_view flag) const { return state_.BoolOr(flag, false); }
  void Mark(std::string_view flag, bool value = true) { state_ = state_.With(flag, value); }

  void OnStart() {
    run_ = event_.data["run"];
    state_ = Json::Object{
        {"job", event_.data["job"]}, {"order", event_.data["order"]}, {"open", Json::Array{}}};
    if (State() != "WAITING") return Begin();
    turn_.subscriptions.push_back({"ends", Pattern()});
    turn_.timers.push_back({"expire", event_.at + kWaitMax});
    Ask();
  }

  // --- waiting for a place
  Json Pattern() const {
    return Json::Object{{"source", Json::Array{"aws.glue"}},
                        {"detail-type", Json::Array{"Glue Job State Change"}},
                        {"detail", Json::Object{{"jobName", Json::Array{JobName()}}}}};
  }
  void Ask() {
    if (State() != "WAITING") return;
    if (Is("isAsking")) return Mark("isAskedAgain");
    const int64_t number = state_.IntOr("ask", 0) + 1;
    state_ = state_.With("ask", number);
    Mark("isAsking");
    const Json input = Json::Object{{"JobName", JobName()}, {"RunId", RunId()}};
    const Principal glue = ServicePrincipal("glue.amazonaws.com", Part(1));
    turn_.effects.push_back({"admit:" + std::to_string(number), "door",
                             DoorCall("glue", "AdmitJobRun", input, glue, Part(1), Part(2), true)});
  }
  void OnAdmit(const Json& output, const Json* error) {
    Mark("isAsking", false);
    if (error) return Finish("ERROR", error->StringOr("message", ""));
    if (Is("isStopped")) return Finish("STOPPED", "");
    const std::string answer = output.StringOr("state", "");
    if (answer == "gone")
      return Finish("ERROR", "The job " + JobName() + " was deleted while its run waited");
    if (answer == "waiting") {
      const bool is_again = Is("isAskedAgain");
      Mark("isAskedAgain", false);
      if (is_again) Ask();
      return;
    }
    turn_.unsubscriptions.push_back("ends");
    turn_.timer_cancels.push_back("expire");
    SetState("STARTING");
    Begin();
  }

  // --- one attempt
  void Begin() {
    Mark("isRunning", false);
    Perform("run");
  }

  void OnStop() {
    if (State() == "WAITING") {
      // Asked meanwhile: the answer may give it a place, which is given back at the end.
      if (!Is("isAsking")) return Finish("STOPPED", "");
      return Mark("isStopped");
    }
    if (State() != "STARTING" && State() != "RUNNING") return;
    Mark("isStopped");
    SetState("STOPPING");
    StopSandbox();  // or its waiting for room
  }

  void OnTimer(const std::string& timer) {
    if (timer == "expire" && State() == "WAITING") return Finish("EXPIRED", "Job run expired");
    if (timer == "notify" && State() == "RUNNING") {
      Json::Object detail = Detail("INFO", "Job is currently running");
      const Json delay = run_["NotificationProperty"]["NotifyDelayAfter"];
      const Json condition = Json::Object{{"NotifyDelayAfter", delay}};
      detail.Set("notificationCondition", condition);
      detail.Set("startedOn", FormatIso(TimeFromSeconds(run_["StartedOn"].AsDouble())));
      Tell("Glue Job Run Status", std::move(detail));
    }
    if (timer == "timeout" && State() == "RUNNING") {
      Mark("isTimedOut");
      StopSandbox();
    }
  }

  void OnEffect(const std::string& tag) {
    const Json output = event_.data["output"];
    const Json* error = event_.data.Find("error");
    const std::string what(Split(tag, ':')[0]);
    if (what == "admit") return OnAdmit(output, error);
    if (what == "stop") return;  // it was told
    Json::Array open;
    for (const Json& other : ItemsOf(state_["open"]))
      if (other != Json(tag)) open.push_back(other);
    state_ = state_.With("open", std::move(open));
    if (what == "run") OnRun(output, error);
    if (what == "end") OnEnd(output, error);
    if (what == "clean") return Finished();
    if (state_["open"].size() == 0) Conclude();
  }

  void OnRun(const Json& output, const Json* error) {
    if (error) return Fail("Internal service error: " + error->StringOr("message", ""));
    if (output.Has("failure")) return Fail(output.StringOr("failure", ""));
    Mark("isRunning");
    for (const char* what : {"out", "err", "end"}) Perform(what);
    if (Is("isStopped")) return StopSandbox();
    state_ = state_.With("runningSince", SecondsSinceEpoch(event_.at));
    SetState("RUNNING");
    const auto minutes = std::chrono::minutes(run_.IntOr("Timeout", 1));
    turn_.timers.push_back({"timeout:" + Attempt(), event_.at + minutes});
    const int64_t notify = run_["NotificationProperty"].IntOr("NotifyDelayAfter", 0);
    if (notify > 0)
      turn_.timers.push_back({"notify:" + Attempt(), event_.at + std::chrono::minutes(notify)});
  }

  void OnEnd(const Json& output, const Json* error) {
    for (const char* timer : {"timeout:", "notify:"})
      turn_.timer_cancels.push_back(timer + Attempt());
    if (error) return Fail("Internal service error: " + error->StringOr("message", ""));
    if (output.Has("failure")) Fail(output.StringOr("failure", ""));
  }

  void Fail(const std::string& why) {
    state_ = state_.With("failure", std::string(TruncateUtf8(why, kMessageMax)));
  }

  /// All of the attempt has ended, its log is put: what is it called?
  void Conclude() {
    if (state_.Has("runningSince")) {
      const double seconds = SecondsSinceEpoch(event_.at) - state_["runningSince"].AsDouble();
      run_ = run_.With("ExecutionTime", static_cast<int64_t>(seconds));
    }
    if (Is("isStopped")) return Close("STOPPED", "");
    if (Is("isTimedOut")) return Close("TIMEOUT", "Job run timed out");
    if (state_.Has("failure")) return Close("FAILED", state_.StringOr("failure", ""));
    Close("SUCCEEDED", "");
  }

  /// The sandbox goes before the run is over, so that nothing of it is left when that is seen.
  void Close(const std::string& end, const std::string& message) {
    state_ = state_.With("end", end).With("message", message);
    Perform("clean");
  }

  void Finished() {
    const std::string end = state_.StringOr("end", ""), message = state_.StringOr("message", "");
    // "Jobs that reach the timeout limit are not restarted."
    const bool is_retried =
        end == "FAILED" && run_.IntOr("Attempt", 0) < state_["job"].IntOr("MaxRetries", 0);
    if (!is_retried) return Finish(end, message);
    SetEnd(end, message);
    Retry();
  }

  void Retry() {
    const int64_t attempt = run_.IntOr("Attempt", 0) + 1;
    const std::string previous = RunId();
    run_ = run_.Without("ErrorMessage").Without("CompletedOn");
    run_ = run_.With("Id", Part(3) + "_attempt_" + std::to_string(attempt))
               .With("Attempt", attempt)
               .With("PreviousRunId", previous)
               .With("StartedOn", SecondsSinceEpoch(event_.at))
               .With("ExecutionTime", 0);
    for (const char* member : {"failure", "end", "message", "runningSince"})
      state_ = state_.Without(member);
    turn_.writes.PutDocument(StartedKey(Part(1), Part(2), run_, Order()),
                             Json::Object{{"Id", RunId()}});
    SetState("STARTING");
    Begin();
  }

  void Finish(const std::string& end, const std::string& message) {
    turn_.writes.Delete(ActiveKey(Part(1), Part(2), JobName(), Part(3)));
    if (state_.Has("ask") && run_.IntOr("Attempt", 0) == 0)
      turn_.writes.Delete(WaitingKey(Part(1), Part(2), run_, Order()));
    SetEnd(end, message);
    turn_.is_finished = true;
  }

  void SetEnd(const std::string& end, const std::string& message) {
    run_ = run_.With("CompletedOn", SecondsSinceEpoch(event_.at));
    if (!message.empty()) run_ = run_.With("ErrorMessage", message);
    SetState(end);
    if (end == "SUCCEEDED") Tell(kChanged, Detail("INFO", "Job run succeeded"));
    if (end == "STOPPED") Tell(kChanged, Detail("INFO", "Job run stopped"));
    if (end == "TIMEOUT") Tell(kChanged, Detail("WARN", "Job run timed out"));
    if (end == "FAILED" || end == "ERROR" || end == "EXPIRED")
      Tell(kChanged, Detail("ERROR", message));
  }

  void StopSandbox() {
    const int64_t round = state_.IntOr("stops", 0) + 1;
    state_ = state_.With("stops", round);
    turn_.effects.push_back(
        {"stop:" + Attempt() + ":" + std::to_string(round), "glue.stop", What()});
  }
  Json What() const {
    return Json::Object{
        {"run", run_}, {"job", state_["job"]}, {"account", Part(1)}, {"region", Part(2)}};
  }
  void Perform(const std::string& what) {
    const std::string tag = what + ":" + Attempt();
    state_ = state_.With("open", state_["open"].Push(tag));
    turn_.effects.push_back({tag, "glue." + what, What()});
  }
  void SetState(std::string_view state) {
    run_ = run_.With("JobRunState", state).With("LastModifiedOn", SecondsSinceEpoch(event_.at));
    turn_.writes.PutDocument(RunKey(Part(1), Part(2), JobName(), RunId()), run_);
  }
  Json::Object Detail(std::string_view severity, const std::string& message) const {
    return Json::Object{{"jobName", JobName()},
                        {"severity", severity},
                        {"state", State()},
                        {"jobRunId", RunId()},
                        {"message", message}};
  }
  void Tell(std::string_view type, Json::Object detail) {
    turn_.writes.events.push_back(
        MakeEvent("aws.glue", type, Part(1), Part(2), Json::Array{}, std::move(detail)));
  }

  static constexpr std::string_view kChanged = "Glue Job State Change";

  const std::string& id_;
  Json state_, run_;
  const Event& event_;
  Turn turn_;
};

}  // namespace

Step AdvanceRun(const std::string& instance_id, const Json& state, const Event& event) {
  return Machine(instance_id, state, event).Run();
}

}  // namespace stepmill::glue
