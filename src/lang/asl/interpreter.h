#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "lang/asl/execution.h"
#include "lang/asl/limits.h"

// Inside this folder only: how an Execution works. execution.cc has the loop, states.cc the plain
// states, task.cc tasks, fan_out.cc Parallel and Map, failure.cc Retry, Catch and what a failure
// takes with it.

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
  bool is_timeout = false;      ///< Catch shows an empty Cause
  bool is_heartbeat = false;    ///< also matched by States.HeartbeatTimeout
  bool is_final = false;        ///< no Retry or Catch applies
  bool is_of_children = false;  ///< a branch or an iteration failed
};

/// One line of control: the machine itself, a branch, an iteration.
struct Flow {
  enum class Waiting { kNothing, kWait, kRetry, kTask, kChildren };

  const StateMachine* machine = nullptr;
  Flow* parent = nullptr;
  int index = 0;  ///< branch or iteration number in the parent
  const State* state = nullptr;
  int64_t last = 0;  ///< id of the newest event of this flow
  int64_t entered_id = 0;
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
  bool is_dead = false;

  // A Parallel or Map at work.
  std::vector<std::unique_ptr<Flow>> children;  ///< by index; null when it has not begun or ended
  Json::Array results;
  Json items;
  size_t next_item = 0;
  size_t running = 0;
  int64_t children_last = 0;

  Json map_item;  ///< an iteration: the context's "Map" object
};

class Execution::Interpreter {
 public:
  Interpreter(std::shared_ptr<const Definition> definition, StartInfo start);
  Turn Advance(const Event& event);
  bool is_finished() const { return status_ != Status::kRunning; }
  const StartInfo& start() const { return start_; }

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
  /// Result in hand: Assign, ResultSelector, ResultPath, OutputPath, Exited, on to the next state.
  void Finish(Flow& flow, Payload result);
  void Leave(Flow& flow, const Payload& output, const Json& assigned, int next);
  void MoveOn(Flow& flow, const Payload& output, int next);
  Result<Time> WaitEnd(Flow& flow);
  Result<std::optional<std::string>> FailText(Flow& flow, const char* field,
                                              const std::optional<std::string>& text,
                                              const std::optional<Expression>& path);

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
                                          Flow& flow);
  Result<> StartIteration(Flow& flow, int64_t previous);
  Flow& StartChild(Flow& parent, int index, const StateMachine& machine, Payload input);
  void OnChildEnded(Flow& child, const Payload& output);
  void FinishChildren(Flow& flow);
  int64_t EmitIteration(EventType type, const Flow& flow, int index, int64_t previous);

  // failure.cc
  Failure FailureOf(const Error& error, const Flow& flow) const;
  void FailState(Flow& flow, Failure failure);
  bool Retry(Flow& flow, const Failure& failure);
  bool Catch(Flow& flow, const Failure& failure);
  void FailFlow(Flow& flow, Failure failure);
  void EmitAborts(const Flow& flow, int64_t previous, bool has_failed);
  void DropChildren(Flow& flow);

  std::shared_ptr<const Definition> definition_;  // shared by all executions of the revision
  StartInfo start_;
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
  uint64_t next_timer_ = 1;
  uint64_t next_task_ = 1;
  int64_t next_event_ = 1;
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
