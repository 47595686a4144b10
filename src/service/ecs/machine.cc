#include "service/ecs/machine.h"

#include "base/strings.h"
#include "json/each.h"
#include "service/container_host.h"
#include "service/ecs/records.h"
#include "store/events.h"

namespace stepmill::ecs {

namespace {

constexpr std::chrono::hours kKept{1};
constexpr int64_t kGraceS = 30;

/// Times of a task that its events carry as text.
constexpr const char* kTimes[] = {"createdAt",      "startedAt",         "stoppingAt",
                                  "stoppedAt",      "pullStartedAt",     "pullStoppedAt",
                                  "connectivityAt", "executionStoppedAt"};

class Machine {
 public:
  Machine(const std::string& instance_id, const Json& state, const Event& event)
      : id_(instance_id), state_(state), task_(state["task"]), event_(event) {}

  Step Run() {
    if (event_.kind == "start") OnStart();
    if (event_.kind == "stop" && !Is("isStopping"))
      BeginStop("UserInitiated", event_.data.StringOr("reason", ""));
    if (event_.kind == "timer") OnTimer();
    if (event_.kind == "effect") OnEffect();
    return {state_.With("task", task_), std::move(turn_)};
  }

 private:
  /// Parts of "ecs/ACCOUNT/REGION/CLUSTER/TASK".
  std::string Part(size_t index) const { return std::string(Split(id_, '/')[index]); }
  bool Is(std::string_view flag) const { return state_.BoolOr(flag, false); }
  void Mark(std::string_view flag) { state_ = state_.With(flag, true); }
  double Now() const { return SecondsSinceEpoch(event_.at); }

  // --- containers: state_["phase"][NAME] is absent (waits), "starting", "up", "over" or "clean"
  std::string Phase(const std::string& name) const { return state_["phase"].StringOr(name, ""); }
  void SetPhase(const std::string& name, std::string_view phase) {
    state_ = state_.With("phase", state_["phase"].With(name, phase));
  }
  Json Definition(const std::string& name) const {
    for (const Json& one : ItemsOf(state_["containers"]))
      if (one.StringOr("name", "") == name) return one;
    return Json();
  }
  Json Shown(const std::string& name) const {
    for (const Json& one : ItemsOf(task_["containers"]))
      if (one.StringOr("name", "") == name) return one;
    return Json();
  }
  void Show(const std::string& name, const Json& members) {
    Json::Array all;
    for (Json one : ItemsOf(task_["containers"])) {
      if (one.StringOr("name", "") == name)
        for (const Json::Member& member : members.members())
          one = one.With(member.name, member.value);
      all.push_back(one);
    }
    task_ = task_.With("containers", std::move(all));
  }

  void OnStart() {
    task_ = event_.data["task"];
    state_ = Json::Object{{"containers", event_.data["containers"]},
                          {"role", event_.data["role"]},
                          {"phase", Json::Object{}},
                          {"open", 0}};
    SetStatus("PENDING");
    StartReady();
  }

  /// Starts what waits for nothing any more. What can never start ends the task.
  void StartReady() {
    if (Is("isStopping")) return;
    bool has_any = false;
    for (const Json& container : ItemsOf(state_["containers"])) {
      const std::string name = container.StringOr("name", "");
      const std::string phase = Phase(name);
      has_any |= phase == "starting" || phase == "up";
      if (!phase.empty()) continue;
      bool is_ready = true, is_never = false;
      for (const Json& need : ItemsOf(container["dependsOn"])) {
        const std::string other = need.StringOr("containerName", "");
        const std::string condition = need.StringOr("condition", "");
        const std::string how = Phase(other);
        const bool is_over = how == "over" || how == "clean";
        if (condition == "START") is_ready &= how == "up" || is_over;
        if (condition == "COMPLETE" || condition == "SUCCESS") is_ready &= is_over;
        is_never |= condition == "SUCCESS" && is_over && Shown(other).IntOr("exitCode", 1) != 0;
      }
      if (is_never)
        return BeginStop("TaskFailedToStart",
                         "Container " + name + " depends on one that did not succeed");
      if (!is_ready) continue;
      has_any = true;
      SetPhase(name, "starting");
      Perform("run", name);
    }
    if (!has_any && state_.IntOr("open", 0) == 0) Close();
  }

  void OnEffect() {
    const std::string tag = event_.data.StringOr("tag", "");
    const auto parts = Split(tag, ':');
    const std::string what(parts[0]), name(parts[1]);
    if (what == "stop") return;  // it was told
    state_ = state_.With("open", state_.IntOr("open", 1) - 1);
    const Json& output = event_.data["output"];
    const Json* error = event_.data.Find("error");
    if (what == "run") OnRun(name, output, error);
    if (what == "end") OnEnd(name, output, error);
    if (what == "clean") SetPhase(name, "clean");
    if (state_.IntOr("open", 0) > 0) return;
    // Nothing runs: either all is over, or what waits can start.
    if (!Is("isStopping")) StartReady();
    if (Is("isStopping") && state_.IntOr("open", 0) == 0) Close();
  }
  void OnRun(const std::string& name, const Json& output, const Json* error) {
    if (error) return Fail(name, error->StringOr("message", ""));
    if (output.Has("failure")) return Fail(name, output.StringOr("failure", ""));
    SetPhase(name, "up");
    Show(name, Json::Object{{"lastStatus", "RUNNING"},
                            {"runtimeId", ContainerIdOf("ecs", id_ + "/" + name)}});
    Perform("log", name);
    Perform("end", name);
    if (Is("isStopping")) return Stop(name);
    StartReady();
    bool is_all_up = true;
    for (const Json& container : ItemsOf(state_["containers"]))
      is_all_up &= !Phase(container.StringOr("name", "")).empty() &&
                   Phase(container.StringOr("name", "")) != "starting";
    if (is_all_up && !task_.Has("startedAt")) {
      task_ = task_.With("startedAt", Now())
                  .With("connectivity", "CONNECTED")
                  .With("connectivityAt", Now());
      SetStatus("RUNNING");
    }
  }
  void OnEnd(const std::string& name, const Json& output, const Json* error) {
    if (error) return Fail(name, error->StringOr("message", ""));
    if (output.Has("failure")) return Fail(name, output.StringOr("failure", ""));
    SetPhase(name, "over");
    Json::Object shown{{"lastStatus", "STOPPED"}, {"exitCode", output["exitCode"]}};
    if (output.BoolOr("isOutOfMemory", false))
      shown.Set("reason", "OutOfMemoryError: Container killed due to memory usage");
    Show(name, Json(std::move(shown)));
    if (Is("isStopping")) return;
    if (Definition(name).BoolOr("essential", true))
      return BeginStop("EssentialContainerExited", "Essential container in task exited");
    Save();
    StartReady();
  }
  void Fail(const std::string& name, const std::string& why) {
    const std::string reason = "CannotPullContainerError: " + why;
    SetPhase(name, "over");
    Show(name, Json::Object{{"lastStatus", "STOPPED"}, {"reason", reason}});
    if (!Is("isStopping")) BeginStop("TaskFailedToStart", reason);
  }

  // --- the end
  void BeginStop(const std::string& code, const std::string& reason) {
    if (Is("isClosing")) return;
    Mark("isStopping");
    task_ = task_.With("desiredStatus", "STOPPED")
                .With("stopCode", code)
                .With("stoppedReason", reason)
                .With("stoppingAt", Now())
                .With("executionStoppedAt", Now());
    SetStatus(task_.Has("startedAt") ? "DEACTIVATING" : "STOPPING");
    for (const Json& container : ItemsOf(state_["containers"]))
      if (Phase(container.StringOr("name", "")) == "up") Stop(container.StringOr("name", ""));
    if (state_.IntOr("open", 0) == 0) Close();
  }
  void Stop(const std::string& name) {
    turn_.effects.push_back({"stop:" + name, "ecs.stop", Json::Object{{"plan", Plan(name)}}});
  }
  /// The containers go before the task is STOPPED, so that nothing of it is left when that is seen.
  void Close() {
    bool is_clean = true;
    for (const Json& container : ItemsOf(state_["containers"])) {
      const std::string name = container.StringOr("name", "");
      const std::string phase = Phase(name);
      if (phase == "clean" || phase.empty()) continue;
      is_clean = false;
      Perform("clean", name);
    }
    Mark("isClosing");
    if (!is_clean || task_.Has("stoppedAt")) return;
    Json::Array all;
    for (const Json& one : ItemsOf(task_["containers"]))
      all.push_back(one.With("lastStatus", "STOPPED"));
    task_ = task_.With("containers", std::move(all)).With("stoppedAt", Now());
    if (!task_.Has("stopCode"))
      task_ = task_.With("stopCode", "EssentialContainerExited")
                  .With("stoppedReason", "Essential container in task exited")
                  .With("desiredStatus", "STOPPED");
    SetStatus("STOPPED");
    turn_.timers.push_back({"forget", event_.at + kKept});
  }
  void OnTimer() {
    turn_.writes.Delete(TaskKey(Part(1), Part(2), Part(3), Part(4)));
    turn_.is_finished = true;
  }

  void Save() { turn_.writes.PutDocument(TaskKey(Part(1), Part(2), Part(3), Part(4)), task_); }
  void SetStatus(std::string_view status) {
    task_ = task_.With("lastStatus", status).With("version", task_.IntOr("version", 0) + 1);
    Save();
    Json detail = task_;
    for (const char* time : kTimes)
      if (detail[time].is_number())
        detail = detail.With(time, FormatIso(TimeFromSeconds(detail[time].AsDouble())));
    turn_.writes.events.push_back(MakeEvent("aws.ecs", kTaskEvent, Part(1), Part(2),
                                            Json::Array{task_["taskArn"]}, std::move(detail)));
  }

  void Perform(const std::string& what, const std::string& name) {
    state_ = state_.With("open", state_.IntOr("open", 0) + 1);
    turn_.effects.push_back({what + ":" + name, "ecs." + what, Json::Object{{"plan", Plan(name)}}});
  }
  Json Plan(const std::string& name) const {
    const Json container = Definition(name);
    Json::Object env;
    for (const Json& one : ItemsOf(container["environment"]))
      env.Set(one.StringOr("name", ""), one.StringOr("value", ""));
    const int64_t whole = ParseInt(task_.StringOr("memory", "")).value_or(0);
    const int64_t memory = container.IntOr("memory", whole);
    const double units = static_cast<double>(container.IntOr("cpu", 0));
    Json::Object plan{{"id", ContainerIdOf("ecs", id_ + "/" + name)},
                      {"image", container["image"]},
                      {"command", container["command"]},
                      {"env", std::move(env)},
                      {"workingDir", container.StringOr("workingDirectory", "")},
                      {"memoryMib", memory},
                      {"cpus", units / 1024},
                      {"account", Part(1)},
                      {"region", Part(2)},
                      {"service", kHost},
                      {"grace", container.IntOr("stopTimeout", kGraceS)}};
    if (container["entryPoint"].size() > 0) plan.Set("entrypoint", container["entryPoint"]);
    if (state_["role"].is_string()) plan.Set("roleArn", state_["role"]);
    const Json& options = container["logConfiguration"]["options"];
    if (options.Has("awslogs-group")) {
      plan.Set("logGroup", options["awslogs-group"]);
      const std::string prefix = options.StringOr("awslogs-stream-prefix", "");
      plan.Set("logStream", (prefix.empty() ? "" : prefix + "/" + name + "/") + Part(4));
    }
    return Json(std::move(plan));
  }

  const std::string& id_;
  Json state_, task_;
  const Event& event_;
  Turn turn_;
};

}  // namespace

Step AdvanceTask(const std::string& instance_id, const Json& state, const Event& event) {
  return Machine(instance_id, state, event).Run();
}

}  // namespace stepmill::ecs
