#include "service/batch/machine.h"

#include "base/strings.h"
#include "gate/door.h"
#include "json/each.h"
#include "service/batch/records.h"
#include "service/container_host.h"
#include "store/events.h"

namespace stepmill::batch {

namespace {

constexpr char kLogGroup[] = "/aws/batch/job";
constexpr char kExited[] = "Essential container in task exited";
constexpr char kTimedOut[] = "Job attempt duration exceeded timeout";
constexpr int64_t kGraceS = 30;

/// A text against a glob whose last character may be '*'.
bool Fits(const Json& pattern, const std::string& text) {
  if (!pattern.is_string()) return true;
  const std::string& glob = pattern.AsString();
  if (glob.ends_with('*'))
    return ToLower(text).starts_with(ToLower(glob.substr(0, glob.size() - 1)));
  return EqualsIgnoreCase(text, glob);
}

class Machine {
 public:
  Machine(const std::string& instance_id, const Json& state, const Event& event)
      : id_(instance_id), state_(state), job_(state["job"]), event_(event) {}

  Step Run() {
    if (event_.kind == "start") OnStart();
    if (event_.kind == "event") Look();
    if (event_.kind == "placed" && Status() == "RUNNABLE") Begin();
    if (event_.kind == "child") OnChild();
    if (event_.kind == "terminate" || event_.kind == "cancel") OnStop(event_.kind == "terminate");
    if (event_.kind == "timer" && Status() == "RUNNING" && Tag(event_.data, "id") == Attempt())
      OnTimeout();
    if (event_.kind == "effect") OnEffect();
    return {state_.With("job", job_), std::move(turn_)};
  }

 private:
  /// Parts of "batch/ACCOUNT/REGION/JOB".
  std::string Part(size_t index) const { return std::string(Split(id_, '/')[index]); }
  std::string Status() const { return job_.StringOr("status", ""); }
  std::string Queue() const { return NameOf(job_.StringOr("jobQueue", "")); }
  int64_t Tries() const { return state_.IntOr("attempt", 1); }
  std::string Attempt() const { return std::to_string(Tries()); }
  bool Is(std::string_view flag) const { return state_.BoolOr(flag, false); }
  void Mark(std::string_view flag, bool value = true) { state_ = state_.With(flag, value); }
  int64_t Now() const { return MillisSinceEpoch(event_.at); }
  /// What stands behind the colon of "run:2".
  static std::string Tag(const Json& data, const char* member) {
    const std::string text = data.StringOr(member, "");
    return text.substr(std::min(text.size(), text.find(':') + 1));
  }

  void OnStart() {
    job_ = event_.data["job"];
    state_ = Json::Object{{"needs", event_.data["needs"]},
                          {"parent", event_.data["parent"]},
                          {"attempt", 1},
                          {"open", Json::Array{}}};
    Save();
    if (job_["arrayProperties"].Has("size")) {
      state_ = state_.With("left", job_["arrayProperties"]["size"]);
      return SetStatus("PENDING");
    }
    if (state_["needs"].size() == 0) return Claim();
    SetStatus("PENDING");
    turn_.subscriptions.push_back(
        {"needs",
         Json::Object{{"source", Json::Array{"aws.batch"}},
                      {"detail-type", Json::Array{kJobEvent}},
                      {"detail", Json::Object{{"jobId", state_["needs"]},
                                              {"status", Json::Array{"SUCCEEDED", "FAILED"}}}}}});
    Look();
  }

  // --- dependencies
  void Look() {
    if (Status() != "PENDING" || state_["needs"].size() == 0) return;
    if (Is("isLooking")) return Mark("looksAgain");
    Mark("isLooking");
    Ask("needs", "DescribeJobs", Json::Object{{"jobs", state_["needs"]}}, false);
  }
  void OnNeeds(const Json& output) {
    Mark("isLooking", false);
    if (Status() != "PENDING") return;
    int64_t done = 0;
    for (const Json& need : ItemsOf(output["jobs"])) {
      const std::string status = need.StringOr("status", "");
      if (status == "FAILED") return Finish("FAILED", "Dependent Job failed");
      done += status == "SUCCEEDED";
    }
    if (done == static_cast<int64_t>(state_["needs"].size())) {
      turn_.unsubscriptions.push_back("needs");
      return Claim();
    }
    const bool is_again = Is("looksAgain");
    Mark("looksAgain", false);
    if (is_again) Look();
  }

  // --- a place
  void Claim() {
    SetStatus("RUNNABLE");
    Mark("isClaiming");
    Ask("claim", "ClaimPlace",
        Json::Object{
            {"jobId", job_["jobId"]}, {"queue", Queue()}, {"vcpus", VcpusOf(job_["container"])}},
        true);
  }
  void OnClaim(const Json& output) {
    Mark("isClaiming", false);
    if (output.Has("number")) state_ = state_.With("number", output["number"]);
    if (Is("isStopped")) return Finish("FAILED", state_.StringOr("why", ""));
    // Its turn may have come before this answer did.
    if (output.BoolOr("isPlaced", false) && Status() == "RUNNABLE") Begin();
  }

  // --- one attempt
  void Begin() {
    state_ = state_.Without("failure").Without("exitCode").Without("startedAt");
    SetStatus("STARTING");
    Perform("run");
  }
  void OnRun(const Json& output, const Json* error) {
    if (error) return Fail(error->StringOr("message", ""));
    if (output.Has("failure")) return Fail(output.StringOr("failure", ""));
    Mark("isUp");
    Perform("log");
    Perform("end");
    const int64_t seconds = job_["timeout"].IntOr("attemptDurationSeconds", 0);
    if (seconds > 0)
      turn_.timers.push_back({"timeout:" + Attempt(), event_.at + std::chrono::seconds(seconds)});
    state_ = state_.With("startedAt", Now());
    job_ =
        job_.With("startedAt", Now())
            .With("container",
                  job_["container"].With("logStreamName", LogStream()).With("taskArn", TaskArn()));
    SetStatus("RUNNING");
    if (Is("isStopped")) Stop();
  }
  void OnEnd(const Json& output, const Json* error) {
    turn_.timer_cancels.push_back("timeout:" + Attempt());
    if (error) return Fail(error->StringOr("message", ""));
    if (output.Has("failure")) return Fail(output.StringOr("failure", ""));
    state_ = state_.With("exitCode", output["exitCode"]);
    if (output.BoolOr("isOutOfMemory", false))
      state_ = state_.With("reason", "OutOfMemoryError: Container killed due to memory usage");
  }
  void Fail(const std::string& why) {
    state_ = state_.With("failure", "CannotPullContainerError: " + why);
  }
  void OnTimeout() {
    Mark("isTimedOut");
    Stop();
  }
  void Stop() {
    const int64_t round = state_.IntOr("stops", 0) + 1;
    state_ = state_.With("stops", round);
    turn_.effects.push_back({"stop:" + Attempt() + ":" + std::to_string(round), "batch.stop",
                             Json::Object{{"plan", Plan()}}});
  }

  void OnEffect() {
    const std::string tag = event_.data.StringOr("tag", "");
    const std::string what(Split(tag, ':')[0]);
    const Json& output = event_.data["output"];
    const Json* error = event_.data.Find("error");
    if (what == "needs") return error ? Mark("isLooking", false) : OnNeeds(output);
    if (what == "claim") {
      if (error) return Finish("FAILED", error->StringOr("message", ""));
      return OnClaim(output);
    }
    if (what == "release") {
      turn_.is_finished = true;
      return;
    }
    if (what == "stop") return;  // it was told
    Json::Array open;
    for (const Json& other : ItemsOf(state_["open"]))
      if (other != Json(tag)) open.push_back(other);
    state_ = state_.With("open", std::move(open));
    if (what == "run") OnRun(output, error);
    if (what == "end") OnEnd(output, error);
    if (what == "clean") return Conclude();
    if (state_["open"].size() == 0) Perform("clean");
  }

  /// The attempt is over, its container gone.
  void Conclude() {
    Json::Object container{{"taskArn", TaskArn()}, {"networkInterfaces", Json::Array{}}};
    std::string why = kExited;
    if (state_.Has("failure")) {
      container.Set("reason", state_["failure"]);
      why = "Task failed to start";
    } else {
      container.Set("exitCode", state_["exitCode"]);
      container.Set("logStreamName", LogStream());
      if (state_.Has("reason")) container.Set("reason", state_["reason"]);
    }
    if (Is("isTimedOut")) why = kTimedOut;
    if (Is("isStopped")) why = state_.StringOr("why", "");
    Json::Object attempt{{"container", Json(container)}, {"statusReason", why}};
    attempt.SetIf("startedAt", state_.Find("startedAt"));
    attempt.Set("stoppedAt", Now());
    job_ = job_.With("attempts", job_["attempts"].Push(Json(std::move(attempt))));
    Json shown = job_["container"];
    for (const Json::Member& member : container.members)
      shown = shown.With(member.name, member.value);
    job_ = job_.With("container", shown).With("stoppedAt", Now());
    const bool has_succeeded =
        !state_.Has("failure") && state_.IntOr("exitCode", 1) == 0 && !Is("isTimedOut");
    if (has_succeeded && !Is("isStopped")) return Finish("SUCCEEDED", why);
    if (Is("isStopped") || Is("isTimedOut") || !IsRetried(why)) return Finish("FAILED", why);
    state_ = state_.With("attempt", Tries() + 1).Without("reason");
    Mark("isUp", false);
    job_ = job_.Without("stoppedAt").Without("startedAt");
    SetStatus("RUNNABLE");
    Begin();
  }
  bool IsRetried(const std::string& why) const {
    const Json& strategy = job_["retryStrategy"];
    if (Tries() >= strategy.IntOr("attempts", 1)) return false;
    const std::string code =
        state_.Has("exitCode") ? std::to_string(state_.IntOr("exitCode", 0)) : "";
    const std::string reason =
        state_.Has("failure") ? state_.StringOr("failure", "") : state_.StringOr("reason", "");
    for (const Json& rule : ItemsOf(strategy["evaluateOnExit"])) {
      if (rule.Has("onExitCode") && (code.empty() || !Fits(rule["onExitCode"], code))) continue;
      if (!Fits(rule["onReason"], reason) || !Fits(rule["onStatusReason"], why)) continue;
      return EqualsIgnoreCase(rule.StringOr("action", ""), "RETRY");
    }
    return true;
  }

  // --- the end
  void OnStop(bool is_terminated) {
    if (IsOver(Status()) || Is("isStopped")) return;
    const bool has_container = Status() == "STARTING" || Status() == "RUNNING";
    if (has_container && !is_terminated) return;      // CancelJob leaves these alone
    if (job_["arrayProperties"].Has("size")) return;  // its children hear it, and it follows them
    job_ = job_.With(is_terminated ? "isTerminated" : "isCancelled", true);
    state_ = state_.With("why", event_.data["reason"]);
    if (Is("isClaiming")) return Mark("isStopped");
    if (!has_container) return Finish("FAILED", state_.StringOr("why", ""));
    Mark("isStopped");
    Save();
    if (Is("isUp")) Stop();
  }
  void OnChild() {
    if (IsOver(Status())) return;
    const int64_t left = state_.IntOr("left", 1) - 1;
    state_ = state_.With("left", left);
    if (event_.data.StringOr("status", "") == "FAILED") Mark("hasFailed");
    if (left > 0) return;
    job_ = job_.With("stoppedAt", Now());
    Finish(Is("hasFailed") ? "FAILED" : "SUCCEEDED",
           Is("hasFailed") ? "Array Child Job failed" : "Array Child Jobs succeeded");
  }
  void Finish(const std::string& status, const std::string& why) {
    if (!job_.Has("stoppedAt")) job_ = job_.With("stoppedAt", Now());
    job_ = job_.With("statusReason", why);
    SetStatus(status);
    if (job_["arrayProperties"].Has("size")) {
      turn_.is_finished = true;
      return;
    }
    Json::Object input{{"jobId", job_["jobId"]},
                       {"queue", Queue()},
                       {"parent", state_["parent"]},
                       {"status", status}};
    input.SetIf("number", state_.Find("number"));
    Ask("release", "ReleasePlace", Json(std::move(input)), true);
  }

  void Save() { turn_.writes.PutDocument(JobKey(Part(1), Part(2), Part(3)), job_); }
  void SetStatus(std::string_view status) {
    job_ = job_.With("status", status);
    Save();
    turn_.writes.events.push_back(
        MakeEvent("aws.batch", kJobEvent, Part(1), Part(2), Json::Array{job_["jobArn"]}, job_));
  }

  // --- effects
  void Ask(const std::string& tag, const char* operation, Json input, bool is_internal) {
    const int64_t round = state_.IntOr("asks", 0) + 1;
    state_ = state_.With("asks", round);
    turn_.effects.push_back(
        {tag + ":" + std::to_string(round), "door",
         DoorCall("batch", operation, std::move(input), ServicePrincipal(kHost, Part(1)), Part(1),
                  Part(2), is_internal)});
  }
  void Perform(const std::string& what) {
    const std::string tag = what + ":" + Attempt();
    if (what != "clean") state_ = state_.With("open", state_["open"].Push(tag));
    turn_.effects.push_back({tag, "batch." + what, Json::Object{{"plan", Plan()}}});
  }
  std::string TaskId() const { return ContainerIdOf("batch", id_ + "/" + Attempt()).substr(6, 32); }
  std::string TaskArn() const {
    return "arn:aws:ecs:" + Part(2) + ":" + Part(1) + ":task/AWSBatch-" + Queue() + "/" + TaskId();
  }
  std::string DefinitionName() const {
    const std::string name = NameOf(job_.StringOr("jobDefinition", ""));
    return name.substr(0, name.find(':'));
  }
  std::string LogStream() const {
    const Json& options = job_["container"]["logConfiguration"]["options"];
    return options.StringOr("awslogs-stream-prefix", DefinitionName()) + "/default/" + TaskId();
  }
  Json Plan() const {
    const Json& container = job_["container"];
    Json::Object env;
    for (const Json& one : ItemsOf(container["environment"]))
      env.Set(one.StringOr("name", ""), one.StringOr("value", ""));
    env.Set("AWS_BATCH_JOB_ID", job_["jobId"]);
    env.Set("AWS_BATCH_JOB_ATTEMPT", Attempt());
    env.Set("AWS_BATCH_JQ_NAME", Queue());
    env.Set("AWS_BATCH_CE_NAME", Queue());
    if (job_["arrayProperties"].Has("index"))
      env.Set("AWS_BATCH_JOB_ARRAY_INDEX",
              std::to_string(job_["arrayProperties"].IntOr("index", 0)));
    const Json& options = container["logConfiguration"]["options"];
    Json::Object plan{{"id", ContainerIdOf("batch", id_ + "/" + Attempt())},
                      {"image", container["image"]},
                      {"command", container["command"]},
                      {"env", std::move(env)},
                      {"memoryMib", MemoryOf(container)},
                      {"cpus", VcpusOf(container)},
                      {"account", Part(1)},
                      {"region", Part(2)},
                      {"service", kHost},
                      {"logGroup", options.StringOr("awslogs-group", kLogGroup)},
                      {"logStream", LogStream()},
                      {"grace", kGraceS}};
    if (container.Has("jobRoleArn")) plan.Set("roleArn", container["jobRoleArn"]);
    return Json(std::move(plan));
  }

  const std::string& id_;
  Json state_, job_;
  const Event& event_;
  Turn turn_;
};

}  // namespace

Step AdvanceJob(const std::string& instance_id, const Json& state, const Event& event) {
  return Machine(instance_id, state, event).Run();
}

}  // namespace stepmill::batch
