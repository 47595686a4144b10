#include <algorithm>
#include <cmath>

#include "lang/asl/interpreter.h"

namespace stepmill::asl {
namespace {

bool HasRetryAndCatch(const State& state) {
  return state.type == StateType::kTask || state.type == StateType::kParallel ||
         state.type == StateType::kMap;
}

// States Language: "Errors". States.Runtime is never matched, not by its own name either.
bool Matches(const std::vector<std::string>& names, const Failure& failure, const State& state) {
  for (const std::string& name : names) {
    if (name == "States.ALL") return true;
    if (name == "States.TaskFailed" && failure.error != "States.Timeout") return true;
    if (name == "States.HeartbeatTimeout" && failure.is_heartbeat) return true;
    if (name == "States.BranchFailed" && failure.is_of_children &&
        state.type == StateType::kParallel)
      return true;
    if (failure.error && *failure.error == name) return true;
  }
  return false;
}

}  // namespace

Failure Execution::Interpreter::FailureOf(const Error& error, const Flow& flow) const {
  Failure failure;
  failure.error = error.name;
  failure.cause = "An error occurred while executing the state '" + flow.state->name +
                  "' (entered at the event id #" + std::to_string(flow.entered_id) + "). " +
                  error.message;
  return failure;
}

void Execution::Interpreter::FailState(Flow& flow, Failure failure) {
  const bool is_runtime = failure.error && *failure.error == "States.Runtime";
  if (HasRetryAndCatch(*flow.state) && !failure.is_final && !is_runtime) {
    if (Retry(flow, failure)) return;
    if (Catch(flow, failure)) return;
  }
  if (failure.is_of_children)
    flow.last = Emit(flow.state->type == StateType::kMap ? EventType::kMapStateFailed
                                                         : EventType::kParallelStateFailed,
                     flow.last);
  FailFlow(flow, std::move(failure));
}

bool Execution::Interpreter::Retry(Flow& flow, const Failure& failure) {
  const std::vector<Retrier>& retriers = flow.state->retriers;
  flow.attempts.resize(retriers.size());
  for (size_t i = 0; i < retriers.size(); ++i) {
    const Retrier& retrier = retriers[i];
    if (!Matches(retrier.errors, failure, *flow.state)) continue;
    if (flow.attempts[i] >= retrier.attempts_max) return false;
    double seconds = retrier.interval_seconds *
                     std::pow(retrier.backoff_rate, static_cast<double>(flow.attempts[i]));
    seconds = std::min(seconds, retrier.delay_max_seconds.value_or(kTimeoutSecondsMax));
    if (retrier.has_jitter) seconds *= chance_.NextUnit();
    ++flow.attempts[i];
    ++flow.retry_count;
    flow.waiting = Flow::Waiting::kRetry;
    flow.timer = StartTimer(&flow, TimerKind::kRetry,
                            now_ + Millis(static_cast<int64_t>(std::llround(seconds * 1000))));
    return true;
  }
  return false;
}

bool Execution::Interpreter::Catch(Flow& flow, const Failure& failure) {
  for (const Catcher& catcher : flow.state->catchers) {
    if (!Matches(catcher.errors, failure, *flow.state)) continue;
    Json cause = failure.cause ? Json(*failure.cause) : Json();
    if (!failure.cause && failure.error) cause = Json("");
    const Json output = Json::Object{{"Error", failure.error ? Json(*failure.error) : Json()},
                                     {"Cause", std::move(cause)}};
    if (failure.is_of_children)
      flow.last = Emit(flow.state->type == StateType::kMap ? EventType::kMapStateFailed
                                                           : EventType::kParallelStateFailed,
                       flow.last);
    Result<Json> assigned = Assign(catcher.assign, output, flow);
    Result<Json> placed = assigned ? Place(catcher.result, flow.input.value, output) : assigned;
    if (!placed) {
      Failure other = FailureOf(placed.error(), flow);
      other.is_final = true;
      FailFlow(flow, other);
      return true;
    }
    Leave(flow, Payload::Of(*std::move(placed)), *assigned, catcher.next);
    return true;
  }
  return false;
}

// A branch or an iteration takes its state down with it; the others are aborted, and everything of
// the abort points at the failing event.
void Execution::Interpreter::FailFlow(Flow& flow, Failure failure) {
  if (is_history_full_) return;
  if (!flow.parent) return FailExecution(flow.last, failure);
  Flow& parent = *flow.parent;
  const int64_t failing = flow.last;
  const bool is_map = parent.state->type == StateType::kMap;
  for (const std::unique_ptr<Flow>& child : parent.children) {
    if (!child) continue;
    const bool is_failing = child.get() == &flow;
    if (is_map)
      EmitIteration(is_failing ? EventType::kMapIterationFailed : EventType::kMapIterationAborted,
                    parent, child->index, failing);
    EmitAborts(*child, failing, is_failing && failure.is_of_children);
  }
  DropChildren(parent);
  parent.last = failing;
  failure.is_of_children = true;
  FailState(parent, std::move(failure));
}

// `has_failed`: the state has had its own "failed" event.
void Execution::Interpreter::EmitAborts(const Flow& flow, int64_t previous, bool has_failed) {
  const StateType type = flow.state->type;
  if (!has_failed && (type == StateType::kTask || type == StateType::kWait ||
                      type == StateType::kParallel || type == StateType::kMap))
    EmitState(EventType::kStateAborted, flow, previous);
  for (const std::unique_ptr<Flow>& child : flow.children) {
    if (!child) continue;
    if (type == StateType::kMap)
      EmitIteration(EventType::kMapIterationAborted, flow, child->index, previous);
    EmitAborts(*child, previous, false);
  }
}

void Execution::Interpreter::DropChildren(Flow& flow) {
  for (std::unique_ptr<Flow>& child : flow.children) {
    if (child) Kill(*child);
    Bury(std::move(child));
  }
  flow.children.clear();
  flow.results.clear();
  flow.items = Json();
  flow.running = 0;
}

}  // namespace stepmill::asl
