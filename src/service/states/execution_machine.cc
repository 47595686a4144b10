#include "service/states/execution_machine.h"

#include <deque>
#include <map>
#include <set>
#include <unordered_map>

#include "base/strings.h"
#include "engine/turns.h"
#include "lang/asl/definition.h"
#include "lang/asl/execution.h"
#include "service/states/activities.h"
#include "service/states/documents.h"
#include "service/states/execution_log.h"
#include "service/states/map_run_documents.h"
#include "service/states/sync_jobs.h"

namespace stepmill::states {
namespace {

constexpr char kNotValid[] = "The definition is not valid any more";
constexpr char kContinue[] = "continue";
constexpr size_t kCompiledMax = 256;  // definitions kept compiled

/// Compiled definitions by their revision, so that its executions share one. The oldest goes first;
/// whoever runs it keeps it alive. Loop thread only.
class CompiledDefinitions {
 public:
  std::shared_ptr<const asl::Definition> Get(const std::string& revision, const Json& text) {
    const auto known = by_revision_.find(revision);
    if (known != by_revision_.end()) return known->second;
    if (!text.is_string()) return nullptr;
    asl::Compiled compiled = asl::Compile(text.AsString());
    if (!compiled.definition) return nullptr;
    if (order_.size() >= kCompiledMax) {
      by_revision_.erase(order_.front());
      order_.pop_front();
    }
    order_.push_back(revision);
    by_revision_[revision] = compiled.definition;
    return compiled.definition;
  }

 private:
  std::unordered_map<std::string, std::shared_ptr<const asl::Definition>> by_revision_;
  std::deque<std::string> order_;
};

/// A task that is under way.
struct OpenTask {
  asl::ScheduleTask task;
  const SyncJob* job = nullptr;  ///< .sync
  Json prepared;                 ///< .sync: what was submitted
  Json submitted;                ///< .sync: the answer
  std::string in_flight;         ///< tag of its effect that has not ended; empty: none
  int describes = 0;
  bool is_submitted = false;
  bool is_dirty = false;  ///< an event came while a describe was under way: describe again
  bool has_token_document = false;
  Key offer;  ///< an activity's task: where it waits for a worker; empty: it does not
};

class ExecutionInstance : public Instance {
 public:
  ExecutionInstance(std::string arn, CompiledDefinitions& definitions)
      : arn_(std::move(arn)), definitions_(definitions) {}

  Turn Advance(const Event& event) override {
    turn_ = Turn{};
    now_ = event.at;
    entropy_ = event.entropy;
    if (event.kind == "start") {
      Begin(event.data, event.shared);
    } else if (event.kind == "redrive") {
      OnRedrive(event.data);
    } else if (!execution_) {
      // It never began: nothing can happen to it.
    } else if (event.kind == "effect") {
      OnEffect(event.data);
    } else if (event.kind == "event") {
      OnJobEvent(event.data);
    } else {
      asl::Event inner;
      if (Translate(event, inner)) Run(std::move(inner));
    }
    PutLog();
    turn_.is_finished =
        (!execution_ || execution_->is_finished()) && stopping_.empty() && log_tag_.empty();
    return std::move(turn_);
  }

 private:
  void Begin(const Json& data, const Json& revision) {
    document_ = data["document"];
    express_ = data.StringOr("express", "");
    key_ = data.StringOr("key", "");
    account_ = data.StringOr("account", "");
    region_ = data.StringOr("region", "");
    asl::StartInfo start;
    start.execution_arn = arn_;
    start.name = document_.StringOr("name", "");
    start.role_arn = revision.StringOr("roleArn", "");
    start.state_machine_arn = document_.StringOr("stateMachineArn", "");
    start.state_machine_name = revision.StringOr("name", "");
    start.version_arn = document_.StringOr("stateMachineVersionArn", "");
    start.alias_arn = document_.StringOr("stateMachineAliasArn", "");
    start.region = region_;
    start.started_at = TimeFromMillis(document_.IntOr("startDate", 0));
    start.input_text = document_.StringOr("input", "{}");
    start.is_express = !express_.empty();
    start.is_sync = express_ == "SYNC";
    if (const int64_t most = data.IntOr("transitionsMax", 0); most > 0)
      start.transitions_max = static_cast<int>(most);
    role_ = start.role_arn;
    log_ = ReadLogSettings(revision["loggingConfiguration"]);
    log_stream_ = LogStreamName(start.state_machine_name, start.started_at, arn_);
    machine_name_ = start.state_machine_name;
    logging_ = revision["loggingConfiguration"];
    run_ = data["mapRun"];
    std::shared_ptr<const asl::Definition> definition =
        definitions_.Get(document_.StringOr("revision", ""), revision["definition"]);
    if (!definition) {  // it was checked when the machine was made; a newer check may refuse it
      Close("FAILED", nullptr, "States.Runtime", kNotValid);
      return;
    }
    Announce();
    execution_ = std::make_unique<asl::Execution>(std::move(definition), std::move(start));
    asl::Event started;
    started.kind = asl::Event::Kind::kStarted;
    Run(std::move(started));
  }

  /// Express executions change their status in silence.
  void Announce() {
    if (express_.empty())
      turn_.writes.events.push_back(StatusChangeEvent(document_, account_, region_));
  }

  /// `data`: {"document"} as RedriveExecution left it; without it (a child of a Map Run) it is made
  /// here, {"redriveCount"}.
  void OnRedrive(const Json& data) {
    if (!is_closed_) return;
    is_closed_ = false;
    if (data.Has("document")) {
      document_ = data["document"];
    } else {
      document_ = document_.With("status", "RUNNING")
                      .With("redriveCount", data["redriveCount"])
                      .With("redriveDate", MillisSinceEpoch(now_));
      for (const char* member : {"stopDate", "error", "cause"})
        if (document_.Has(member)) document_ = document_.Without(member);
      turn_.writes.PutDocument(key_, document_);
    }
    if (!execution_) return Close("FAILED", nullptr, "States.Runtime", kNotValid);
    Announce();
    asl::Event event;
    event.kind = asl::Event::Kind::kRedrive;
    Run(std::move(event));
  }

  static bool Translate(const Event& event, asl::Event& out) {
    using Kind = asl::Event::Kind;
    const Json& data = event.data;
    out.task = static_cast<uint64_t>(data.IntOr("task", 0));
    if (data.Has("error")) out.error = data.StringOr("error", "");
    if (data.Has("cause")) out.cause = data.StringOr("cause", "");
    if (event.kind == "timer") {
      out.kind = Kind::kTimerFired;
      out.timer = static_cast<uint64_t>(ParseInt(data.StringOr("id", "T0").substr(1)).value_or(0));
    } else if (event.kind == "stop") {
      out.kind = Kind::kStop;
    } else if (event.kind == "task-started") {
      out.kind = Kind::kTaskStarted;
      out.output = data["details"];
    } else if (event.kind == "task-success") {
      out.kind = Kind::kTaskSucceeded;
      out.output = data["output"];
    } else if (event.kind == "task-failure") {
      out.kind = Kind::kTaskFailed;
    } else if (event.kind == kMapRunEnded) {
      out.kind =
          data.StringOr("status", "") == "SUCCEEDED" ? Kind::kMapRunSucceeded : Kind::kMapRunFailed;
      out.map_run = static_cast<uint64_t>(data.IntOr("mapRun", 0));
      out.output = data["output"];
    } else if (event.kind == kContinue) {
      out.kind = Kind::kContinue;
    } else if (event.kind == "task-heartbeat") {
      out.kind = Kind::kTaskHeartbeat;
    } else {
      return false;
    }
    return true;
  }

  // One put at a time, so that the lines keep their order; what comes meanwhile goes with the next.
  void PutLog() {
    if (log_lines_.empty() || !log_tag_.empty()) return;
    log_tag_ = "log." + std::to_string(++log_puts_);
    turn_.effects.push_back({log_tag_, kLogPerformerName,
                             Json::Object{{"group", log_.group},
                                          {"stream", log_stream_},
                                          {"lines", Json(std::move(log_lines_))},
                                          {"account", account_},
                                          {"region", region_}}});
    log_lines_ = Json::Array{};
  }

  void Log(const std::vector<asl::HistoryEvent>& events) {
    for (const asl::HistoryEvent& event : events) {
      const auto line =
          LogLine(log_, asl::HistoryToJson(event), arn_, document_.IntOr("redriveCount", 0));
      if (line) log_lines_.push_back(Json(*line));
    }
  }

  // Hands one event to the interpreter and carries its turn over.
  void Run(asl::Event event) {
    event.at = now_;
    event.entropy = entropy_;
    const asl::Turn turn = execution_->Advance(event);
    if (log_.is_on()) Log(turn.history);
    if (express_.empty()) turn_.history = asl::PackHistory(turn.history);
    for (const asl::ScheduleTask& task : turn.tasks) Schedule(task);
    for (const asl::StartMapRun& run : turn.map_runs) StartMapRun(run);
    for (const uint64_t id : turn.map_run_cancels) StopMapRun(id);
    if (event.map_run != 0) map_runs_.erase(event.map_run);
    for (const asl::Turn::Timer& timer : turn.timers)
      turn_.timers.push_back({"T" + std::to_string(timer.id), timer.at});
    for (const uint64_t id : turn.timer_cancels)
      turn_.timer_cancels.push_back("T" + std::to_string(id));
    for (const uint64_t id : turn.task_cancels) Cancel(id);
    if (turn.goes_on)
      AddPost(turn_.writes, arn_, kContinue, Json(Json::Object{}), now_,
              arn_ + "/continue/" + std::to_string(execution_->event_count()));
    // A task that ended by its token while its job was still being watched.
    if (event.task != 0 && (event.kind == asl::Event::Kind::kTaskSucceeded ||
                            event.kind == asl::Event::Kind::kTaskFailed))
      Forget(event.task);
    if (turn.status == asl::Status::kRunning || is_closed_) return;
    Close(std::string(asl::StatusName(turn.status)), &turn.output_text, turn.error, turn.cause);
  }

  void Close(const std::string& status, const Json* output, std::optional<std::string> error,
             std::optional<std::string> cause) {
    is_closed_ = true;
    document_ = document_.With("status", status).With("stopDate", MillisSinceEpoch(now_));
    if (status == "SUCCEEDED" && output) document_ = document_.With("output", *output);
    if (error) document_ = document_.With("error", *error);
    if (cause) document_ = document_.With("cause", *cause);
    turn_.writes.PutDocument(key_, document_);
    Announce();
    if (run_.is_null()) return;
    AddPost(turn_.writes, run_.StringOr("instance", ""), "child",
            Json::Object{{"index", run_["index"]}, {"document", document_}}, now_,
            arn_ + "/ended/" + std::to_string(document_.IntOr("redriveCount", 0)));
  }

  // -- Map Runs -----------------------------------------------------------------------------------
  void StartMapRun(const asl::StartMapRun& run) {
    MapRunParent parent{.execution_arn = arn_,
                        .execution_name = document_.StringOr("name", ""),
                        .machine_name = machine_name_,
                        .role_arn = role_,
                        .account = account_,
                        .region = region_,
                        .logging = logging_};
    AddMapRun(turn_.writes, parent, run, now_);
    map_runs_[run.map_run] = run.arn;
  }

  void StopMapRun(uint64_t id) {
    const auto found = map_runs_.find(id);
    if (found == map_runs_.end()) return;
    AddPost(turn_.writes, found->second, "stop", Json(Json::Object{}), now_,
            found->second + "/stop/" + std::to_string(id));
    map_runs_.erase(found);
  }

  // -- tasks --------------------------------------------------------------------------------------
  void Schedule(const asl::ScheduleTask& task) {
    OpenTask& open = open_[task.task];
    open.task = task;
    open.job = FindSyncJob(task.resource);
    if (task.resource.pattern == asl::Resource::Pattern::kWaitForTaskToken ||
        task.resource.is_sync()) {
      open.has_token_document = true;
      turn_.writes.PutDocument(
          TokenKey(account_, region_, task.token),
          Json::Object{{"arn", arn_}, {"task", static_cast<int64_t>(task.task)}});
    }
    Json::Object what{{"arn", task.resource.arn}, {"input", task.input}};
    if (task.resource.kind == asl::Resource::Kind::kIntegration &&
        task.resource.service == "events")
      what.Set("sources", Json::Array{document_["stateMachineArn"], document_["executionArn"]});
    if (open.job) {
      asl::Chance chance(entropy_ ^ task.task);
      const uint64_t high = chance.Next();
      open.prepared = open.job->prepare(task.input, Uuid(high, chance.Next()));
      what.Set("input", open.prepared);
      // Durable before the job is submitted: whatever it says from then on arrives.
      turn_.subscriptions.push_back({JobName(task.task), open.job->pattern(open.prepared)});
    }
    Perform(open, "task." + std::to_string(task.task), std::move(what));
  }

  static std::string JobName(uint64_t task) { return "job." + std::to_string(task); }

  void Perform(OpenTask& open, const std::string& tag, Json::Object what) {
    open.in_flight = tag;
    turn_.effects.push_back({tag, kPerformerName, WithCaller(open.task, std::move(what))});
  }

  Json WithCaller(const asl::ScheduleTask& task, Json::Object what) const {
    what.Set("role", task.role_arn.value_or(role_));
    what.Set("session", document_["name"]);
    what.Set("executionRole", role_);
    what.Set("account", account_);
    what.Set("region", region_);
    return Json(std::move(what));
  }

  void Describe(OpenTask& open) {
    open.is_dirty = false;
    const ServiceCall call = open.job->describe(open.prepared, open.submitted);
    const std::string tag =
        "describe." + std::to_string(open.task.task) + "." + std::to_string(++open.describes);
    Perform(open, tag,
            Json::Object{
                {"service", call.service}, {"operation", call.operation}, {"input", call.input}});
  }

  void OnEffect(const Json& data) {
    const std::string tag = data.StringOr("tag", "");
    if (stopping_.erase(tag) > 0) return;          // best effort: its result does not matter
    if (tag == log_tag_) return log_tag_.clear();  // a group that is gone stops no execution
    const auto parts = Split(tag, '.');
    const auto id = static_cast<uint64_t>(parts.size() > 1 ? ParseInt(parts[1]).value_or(0) : 0);
    const auto found = open_.find(id);
    if (found == open_.end() || found->second.in_flight != tag) return;
    OpenTask& open = found->second;
    open.in_flight.clear();
    asl::Event event;
    event.task = id;
    const Json& output = data["output"];
    if (data.Has("error") || output.Has("error")) {
      const Json& error = data.Has("error") ? data["error"] : output["error"];
      event.kind = asl::Event::Kind::kTaskFailed;
      event.error = error.StringOr("name", "");
      if (error.Has("message")) event.cause = error.StringOr("message", "");
      CloseTask(id);
      return Run(std::move(event));
    }
    const Json& value = output["output"];
    if (open.task.resource.kind == asl::Resource::Kind::kActivity) return Offer(open);
    if (parts[0] == "describe") return OnDescribed(open, value);
    const bool waits =
        open.job || open.task.resource.pattern == asl::Resource::Pattern::kWaitForTaskToken;
    if (!waits) {
      event.kind = asl::Event::Kind::kTaskSucceeded;
      event.output = value;
      CloseTask(id);
      return Run(std::move(event));
    }
    open.submitted = value;
    open.is_submitted = true;
    if (open.job) Describe(open);  // it may have ended before
    event.kind = asl::Event::Kind::kTaskSubmitted;
    event.output = value;
    Run(std::move(event));
  }

  // The activity is there: from this commit on its workers can take the task.
  void Offer(OpenTask& open) {
    const auto id = static_cast<int64_t>(open.task.task);
    const std::string& activity = open.task.resource.arn;
    const std::string name = activity.substr(activity.rfind(':') + 1);
    open.has_token_document = true;
    open.offer = OfferKey(account_, region_, name, now_, open.task.token);
    turn_.writes.PutDocument(TokenKey(account_, region_, open.task.token),
                             Json::Object{{"arn", arn_}, {"task", id}});
    turn_.writes.PutDocument(
        open.offer, Json::Object{{"token", open.task.token}, {"input", open.task.input.Print()}});
    turn_.writes.notices.push_back(ActivityTopic(activity));
    asl::Event event;
    event.task = open.task.task;
    event.kind = asl::Event::Kind::kTaskScheduled;
    Run(std::move(event));
  }

  void OnDescribed(OpenTask& open, const Json& described) {
    const bool is_parsed = open.task.resource.pattern == asl::Resource::Pattern::kSync2;
    const JobOutcome outcome = open.job->outcome(described, is_parsed);
    if (outcome.kind == JobOutcome::Kind::kRunning) {
      if (open.is_dirty) Describe(open);
      return;
    }
    asl::Event event;
    event.task = open.task.task;
    if (outcome.kind == JobOutcome::Kind::kSucceeded) {
      event.kind = asl::Event::Kind::kTaskSucceeded;
      event.output = outcome.result;
    } else {
      event.kind = asl::Event::Kind::kTaskFailed;
      event.error = "States.TaskFailed";
      event.cause = outcome.result.Print();
    }
    CloseTask(event.task);
    Run(std::move(event));
  }

  void OnJobEvent(const Json& data) {
    const auto parts = Split(data.StringOr("subscription", ""), '.');
    const std::string number(parts.size() > 1 ? parts[1] : std::string_view());
    const auto found = open_.find(static_cast<uint64_t>(ParseInt(number).value_or(0)));
    if (found == open_.end()) return;
    OpenTask& open = found->second;
    if (!open.in_flight.empty())
      open.is_dirty = true;  // what is under way may have looked before it changed
    else if (open.is_submitted)
      Describe(open);
  }

  /// The task is over for the interpreter's side; its watch ends.
  void CloseTask(uint64_t id) {
    const auto found = open_.find(id);
    if (found == open_.end()) return;
    OpenTask& open = found->second;
    if (open.job) turn_.unsubscriptions.push_back(JobName(id));
    if (open.has_token_document) turn_.writes.Delete(TokenKey(account_, region_, open.task.token));
    if (!open.offer.empty()) turn_.writes.Delete(open.offer);
    open_.erase(found);
  }

  void Forget(uint64_t id) {
    const auto found = open_.find(id);
    if (found == open_.end()) return;
    if (!found->second.in_flight.empty()) turn_.effect_cancels.push_back(found->second.in_flight);
    CloseTask(id);
  }

  // Stop, a timeout or a failing sibling: the job is stopped as well as it can be.
  void Cancel(uint64_t id) {
    const auto found = open_.find(id);
    if (found == open_.end()) return;
    const OpenTask& open = found->second;
    if (open.job) {
      if (const auto call = open.job->stop(open.prepared, open.submitted)) {
        const std::string tag = "stop." + std::to_string(id);
        stopping_.insert(tag);
        turn_.effects.push_back({tag, kPerformerName,
                                 WithCaller(open.task, Json::Object{{"service", call->service},
                                                                    {"operation", call->operation},
                                                                    {"input", call->input}})});
      }
    }
    Forget(id);
  }

  std::string arn_;
  CompiledDefinitions& definitions_;
  std::unique_ptr<asl::Execution> execution_;
  Json document_;
  std::string express_;  // "SYNC", "ASYNC"; empty: Standard
  Key key_;
  std::string account_, region_, role_, machine_name_;
  Json logging_;
  Json run_;  // of which this is a child: {"instance", "index"}; null: none
  std::map<uint64_t, std::string> map_runs_;  // open ones: instances of the engine
  std::map<uint64_t, OpenTask> open_;
  std::set<std::string> stopping_;  // effects that outlive the execution
  bool is_closed_ = false;
  LogSettings log_;
  std::string log_stream_;
  Json::Array log_lines_;  // not handed on yet
  std::string log_tag_;    // of the put under way; empty: none
  int log_puts_ = 0;

  // Of the event at hand.
  Time now_;
  uint64_t entropy_ = 0;
  Turn turn_;
};

class ExecutionMachine : public Machine {
 public:
  std::unique_ptr<Instance> Create(std::string instance_id) const override {
    return std::make_unique<ExecutionInstance>(std::move(instance_id), definitions_);
  }

 private:
  mutable CompiledDefinitions definitions_;  // a cache: what it gives does not depend on it
};

}  // namespace

std::unique_ptr<Machine> MakeExecutionMachine() { return std::make_unique<ExecutionMachine>(); }

}  // namespace stepmill::states
