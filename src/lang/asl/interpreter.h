#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "lang/asl/distributed.h"
#include "lang/asl/execution.h"
#include "lang/asl/limits.h"
#include "lang/asl/probe.h"

// Inside this folder only: how an Execution works. execution.cc has the loop, states.cc the plain
// states, queries.cc what JSONata states do otherwise, task.cc tasks, fan_out.cc Parallel and Map,
// failure.cc Retry, Catch and what a failure takes with it, redrive.cc how one goes on after its
// end.

namespace stepmill::asl {

/// A value that flows between states, with its JSON text. Both are shared: passing one on costs two
/// references, prints nothing, and keeps the caller's own spelling.
struct Payload {
  Json value;
  Json text;  ///< a JSON string
  static Payload Of(Json value) {
    Json text(value.Print());
    return {std::move(value), std::move(text)};
  }
  size_t size_bytes() const { return text.AsString().size(); }
};

/// Why a state failed.
struct Failure {
  std::optional<std::string> error, cause;
  std::optional<std::string> location;  ///< JSONata: the field at fault
  bool is_query = false;                ///< JSONata: EvaluationFailed comes first
  bool fails_state = false;     ///< a Map or Parallel has its "failed" event although none began
  bool is_timeout = false;      ///< Catch shows an empty Cause
  bool is_heartbeat = false;    ///< also matched by States.HeartbeatTimeout
  bool is_final = false;        ///< no Retry or Catch applies
  bool is_of_children = false;  ///< a branch or an iteration failed
};

/// What $states has in a field besides input and context.
struct QueryValues {
  const Json* result = nullptr;
  const Json* error_output = nullptr;
};

/// One line of control: the machine itself, a branch, an iteration.
struct Flow {
  enum class Waiting { kNothing, kWait, kRetry, kTask, kChildren, kMapRun };

  const StateMachine* machine = nullptr;
  Flow* parent = nullptr;
  int index = 0;  ///< branch or iteration number in the parent
  const State* state = nullptr;
  int64_t last = 0;  ///< id of the newest event of this flow
  int64_t entered_id = 0, entered_previous = 0;
  Time entered_at;
  Payload input;      ///< raw
  Payload effective;  ///< after InputPath, and for Task, Pass and Parallel after Parameters
  Variables variables;
  std::vector<int64_t> attempts;  ///< by retrier
  int64_t retry_count = 0;
  Waiting waiting = Waiting::kNothing;
  uint64_t timer = 0, timeout_timer = 0, heartbeat_timer = 0;
  std::optional<int64_t> heartbeat_seconds;
  uint64_t task = 0;
  Json to_schedule;  ///< an activity's task that may not be there: details of ActivityScheduled
  std::optional<int64_t> timeout_seconds;  ///< of that task
  size_t variable_bytes = 0;               ///< of its own variables
  bool is_dead = false;
  bool is_redriven = false;  ///< goes on in its state without entering it again

  // A Parallel or Map at work.
  std::vector<std::unique_ptr<Flow>> children;  ///< by index; null when it has not begun or ended
  Json::Array results;
  Json items;
  size_t next_item = 0;
  size_t running = 0;
  int64_t children_last = 0;
  uint64_t map_run = 0;  ///< mode DISTRIBUTED; 0: none
  /// The newest run of the state while it has not succeeded: a redrive goes on with it. Of this
  /// flow alone; behind a pointer since few flows have one.
  std::shared_ptr<StartMapRun> kept_run;
  bool redrives_run = false;

  Json map_item;              ///< the context's "Map" while ItemSelector is evaluated
  bool is_iteration = false;  ///< then `item` is its item; "Map" is made of it when asked for
  Json item;
};

class Execution::Interpreter {
 public:
  Interpreter(std::shared_ptr<const Definition> definition, StartInfo start, Probe* probe);
  Turn Advance(const Event& event);
  bool is_finished() const { return status_ != Status::kRunning; }
  const StartInfo& start() const { return start_; }
  int64_t event_count() const { return next_event_ - 1; }
  int redrive_count() const { return redrive_count_; }

 private:
  enum class TimerKind { kWait, kRetry, kTaskTimeout, kHeartbeat, kExecution };
  struct TimerOwner {
    Flow* flow = nullptr;
    TimerKind kind = TimerKind::kWait;
  };
  class FlowContext;

  // execution.cc: the loop.
  void Begin();
  void RunReady();
  void Enter(Flow& flow);
  void RunState(Flow& flow);
  void StartClock(Time from);
  void MakeContext();
  void Ready(Flow& flow) { ready_.push_back(&flow); }
  void Handle(const Event& event);
  void OnTimer(uint64_t id);
  int64_t Emit(EventType type, int64_t previous, Json details = {});
  int64_t EmitState(EventType type, const Flow& flow, int64_t previous, Json text = {},
                    Json details = {});
  void End(Status status);
  void Succeed(const Flow& flow, const Payload& output);
  void FailExecution(int64_t previous, const Failure& failure);
  uint64_t StartTimer(Flow* flow, TimerKind kind, Time at);
  void StopTimer(uint64_t& id);
  void Kill(Flow& flow);
  void Bury(std::unique_ptr<Flow> flow);
  Json Context(const Flow& flow, uint64_t token_task) const;
  /// Tells a probe what became of its state's value.
  void See(const Flow& flow, Seen what, const Json& value) {
    if (probe_ && !flow.parent) probe_->seen[static_cast<size_t>(what)] = value;
  }

  // states.cc
  void RunPass(Flow& flow);
  void RunWait(Flow& flow);
  void RunChoice(Flow& flow);
  void RunSucceed(Flow& flow);
  void RunFail(Flow& flow);
  Result<Payload> Filter(const std::optional<PathField>& field, const Payload& in, Flow& flow);
  Result<Payload> Fill(const std::optional<Template>& parameters, const Payload& in, Flow& flow,
                       uint64_t token_task = 0);
  Result<Json> Assign(const std::optional<Template>& assign, const Json& input, Flow& flow);
  Result<Json> Place(const ResultPlace& place, const Json& raw, Json result) const;
  Scope ScopeOf(const Json& input, const Flow& flow, const ContextSource& context);
  /// Result in hand: Assign, ResultSelector, ResultPath, OutputPath, Exited, on to the next state.
  void Finish(Flow& flow, Payload result);
  void Leave(Flow& flow, const Payload& output, const Json& assigned, int next);
  void MoveOn(Flow& flow, const Payload& output, int next);
  bool Store(const Json& assigned, Flow& flow, Json& shown);
  Result<Time> WaitEnd(Flow& flow);
  Result<std::optional<std::string>> FailText(Flow& flow, const char* field,
                                              const std::optional<std::string>& text,
                                              const std::optional<Expression>& path);

  // queries.cc: the same with JSONata.
  Result<Json> Ask(const Template& field, const std::string& name, Flow& flow,
                   const QueryValues& values = {}, uint64_t token_task = 0);
  Result<std::string> AskText(const Template& field, const std::string& name, Flow& flow);
  Result<double> AskNumber(const Template& field, const std::string& name, bool is_float,
                           double max, Flow& flow);
  Result<Json> AskItems(Flow& flow);
  Result<Time> AskWaitEnd(Flow& flow);
  void RunQueryChoice(Flow& flow);
  void RunQueryFail(Flow& flow);
  void FinishQueries(Flow& flow, const Payload& result);

  // task.cc
  void RunTask(Flow& flow);
  Result<ScheduleTask> Prepare(Flow& flow);
  Result<std::optional<int64_t>> TaskSeconds(const NumberField& field, const char* name, Flow& flow,
                                             const Payload& in);
  void Schedule(Flow& flow, ScheduleTask task);
  void StartTaskTimers(Flow& flow);
  void StartHeartbeat(Flow& flow);
  void OnScheduled(Flow& flow);
  void EmitStarted(Flow& flow, const Json& details);
  void OnSubmitted(Flow& flow, const Event& event);
  void OnSucceeded(Flow& flow, const Event& event);
  void OnFailed(Flow& flow, std::optional<std::string> error, std::optional<std::string> cause);
  void OnTimeout(Flow& flow, bool is_heartbeat);
  void CloseTask(Flow& flow);
  Json TaskDetails(const State& state) const;

  // fan_out.cc
  void RunParallel(Flow& flow);
  void RunMap(Flow& flow);
  Result<> PrepareMap(Flow& flow);
  Result<> CheckTolerance(Flow& flow);
  Result<std::optional<double>> MapNumber(const NumberField& field, const char* name, bool is_float,
                                          Flow& flow, const char* place = "");
  Result<Payload> Select(Flow& flow);
  Result<> StartIteration(Flow& flow, int64_t previous);
  Result<Payload> IterationInput(Flow& flow, size_t index, const Json& map_item);
  static Json MapItem(const Json& items, size_t index);
  static Json ItemContext(int64_t index, const Json& item);
  Flow& StartChild(Flow& parent, int index, const StateMachine& machine, Payload input);
  void OnChildEnded(Flow& child, const Payload& output);
  void FinishChildren(Flow& flow);
  Result<> CheckSize(const Payload& parameters, const Flow& flow) const;
  int64_t EmitIteration(EventType type, const Flow& flow, int index, int64_t previous);

  // probe.cc: true when a probe stands in for the children, and the state has ended.
  bool RunProbedParallel(Flow& flow);
  bool RunProbedMap(Flow& flow);
  Result<> PrepareProbedMap(Flow& flow);
  Result<> SeeInputs(Flow& flow);
  Result<Json::Array> InputsOf(const Json& plan, const Flow& flow);
  void FinishProbed(Flow& flow);
  // distributed_map.cc: a Map that hands its items to a Map Run.
  void BeginMapRun(Flow& flow, std::optional<Json> plan);
  void OnMapRunEnded(const Event& event);
  void RedriveMapRun(Flow& flow);
  void EnterMapRun(Flow& flow, EventType type, Json details);
  Result<Json> MapRunPlan(Flow& flow);
  Result<Json> FillField(const std::optional<Template>& field, const char* name, Flow& flow);
  Result<Json> ReaderPlan(Flow& flow, const DistributedMap::Reader& reader);

  // failure.cc
  Failure FailureOf(const Error& error, const Flow& flow) const;
  void EmitEvaluationFailed(Flow& flow, Failure& failure);
  void FailState(Flow& flow, Failure failure);
  bool Retry(Flow& flow, const Failure& failure);
  bool Catch(Flow& flow, const Failure& failure);
  Result<Json> CatchAssign(const Catcher& catcher, const Json& output, const std::string& place,
                           Flow& flow);
  Result<Json> CatchOutput(const Catcher& catcher, const Json& output, const std::string& place,
                           Flow& flow);
  void FailFlow(Flow& flow, Failure failure);
  void EmitAborts(const Flow& flow, int64_t previous, bool has_failed);
  void DropChildren(Flow& flow);
  void ForgetVariables(Flow& flow);

  // redrive.cc
  void Redrive();
  void Revive(Flow& flow, int64_t previous);

  std::shared_ptr<const Definition> definition_;  // shared by all executions of the revision
  StartInfo start_;
  Probe* probe_ = nullptr;  // null in all but tests of one state
  Json execution_context_, machine_context_;
  Payload input_;

  Status status_ = Status::kRunning;
  std::unique_ptr<Flow> root_;
  std::deque<Flow*> ready_;
  Flow* running_ = nullptr;                    // being run by the loop: needs no place in ready_
  std::vector<Flow*> to_start_;                // scheduled in this turn: "started" comes behind
  std::vector<std::unique_ptr<Flow>> buried_;  // ended in this turn; may still be on the stack
  std::unordered_map<uint64_t, TimerOwner> timers_;
  std::unordered_map<uint64_t, Flow*> tasks_;
  std::unordered_map<uint64_t, Flow*> map_runs_;
  uint64_t next_timer_ = 1;
  uint64_t next_task_ = 1;
  uint64_t next_map_run_ = 1;
  int64_t next_event_ = 1;
  int redrive_count_ = 0;
  Time redriven_at_;
  size_t variable_bytes_ = 0;  // of all scopes that live
  bool is_history_full_ = false;
  int64_t last_event_of_full_ = 0;

  // Of the event at hand.
  Time now_;
  Chance chance_;
  Turn turn_;
};

/// Makes the context object of a flow when it is asked for.
class Execution::Interpreter::FlowContext final : public ContextSource {
 public:
  FlowContext(const Interpreter& interpreter, const Flow& flow, uint64_t token_task = 0)
      : interpreter_(interpreter), flow_(flow), token_task_(token_task) {}
  const Json& Context() const override {
    if (!made_) made_ = interpreter_.Context(flow_, token_task_);
    return *made_;
  }

 private:
  const Interpreter& interpreter_;
  const Flow& flow_;
  uint64_t token_task_;
  mutable std::optional<Json> made_;  // made once for one evaluation
};

}  // namespace stepmill::asl
