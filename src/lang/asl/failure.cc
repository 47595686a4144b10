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
  if (probe_) {  // there is no history that its cause could point into
    failure.cause = error.message;
    return failure;
  }
  failure.cause = "An error occurred while executing the state '" + flow.state->name +
                  "' (entered at the event id #" + std::to_string(flow.entered_id) + "). " +
                  error.message;
  if (error.name == "States.DataLimitExceeded") failure.cause = error.message;  // names its state
  if (error.name == "States.QueryEvaluationError") {
    failure.is_query = true;
    for (const auto& [name, value] : error.fields)
      if (name == "location") failure.location = value;
  }
  return failure;
}

// States.QueryEvaluationError has an event of its own. While the state starts it points at what was
// before the state's "entered", save for Wait; afterwards at the newest event.
void Execution::Interpreter::EmitEvaluationFailed(Flow& flow, Failure& failure) {
  failure.is_query = false;
  const StateType type = flow.state->type;
  const bool is_start = flow.last == flow.entered_id;
  Json::Object details{{"error", *failure.error}, {"cause", *failure.cause}};
  if (failure.location) details.Add("location", *failure.location);
  details.Add("state", flow.state->name_json);
  flow.last = Emit(EventType::kEvaluationFailed,
                   is_start && type != StateType::kWait ? flow.entered_previous : flow.last,
                   std::move(details));
  failure.fails_state = is_start && (type == StateType::kMap || type == StateType::kParallel);
}

void Execution::Interpreter::FailState(Flow& flow, Failure failure) {
  if (failure.is_query) EmitEvaluationFailed(flow, failure);
  const bool is_runtime = failure.error && *failure.error == "States.Runtime";
  if (HasRetryAndCatch(*flow.state) && !failure.is_final && !is_runtime) {
    if (Retry(flow, failure)) return;
    if (Catch(flow, failure)) return;
  }
  if (failure.is_of_children || failure.fails_state)
    flow.last = Emit(flow.state->type == StateType::kMap ? EventType::kMapStateFailed
                                                         : EventType::kParallelStateFailed,
                     flow.last);
  failure.fails_state = false;
  FailFlow(flow, std::move(failure));
}

bool Execution::Interpreter::Retry(Flow& flow, const Failure& failure) {
  const std::vector<Retrier>& retriers = flow.state->retriers;
  flow.attempts.resize(retriers.size());
  for (size_t i = 0; i < retriers.size(); ++i) {
    const Retrier& retrier = retriers[i];
    if (!Matches(retrier.errors, failure, *flow.state)) continue;
    if (probe_ && !flow.parent) {
      probe_->retrier = i;
      flow.attempts[i] = probe_->retries;
    }
    if (flow.attempts[i] >= retrier.attempts_max) return false;
    double seconds = retrier.interval_seconds *
                     std::pow(retrier.backoff_rate, static_cast<double>(flow.attempts[i]));
    seconds = std::min(seconds, retrier.delay_max_seconds.value_or(kTimeoutSecondsMax));
    if (retrier.has_jitter) seconds *= chance_.NextUnit();
    if (probe_ && !flow.parent) {
      probe_->retry_delay_seconds = seconds;
      FailExecution(flow.last, failure);
      return true;
    }
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
  const State& state = *flow.state;
  for (size_t i = 0; i < state.catchers.size(); ++i) {
    const Catcher& catcher = state.catchers[i];
    if (!Matches(catcher.errors, failure, state)) continue;
    if (probe_ && !flow.parent) {
      probe_->catcher = i;
      probe_->caught_error = failure.error;
      probe_->caught_cause = failure.cause;
    }
    Json cause = failure.cause ? Json(*failure.cause) : Json();
    if (!failure.cause && failure.error) cause = Json("");
    const Json output = Json::Object{{"Error", failure.error ? Json(*failure.error) : Json()},
                                     {"Cause", std::move(cause)}};
    if (failure.is_of_children || failure.fails_state)
      flow.last = Emit(state.type == StateType::kMap ? EventType::kMapStateFailed
                                                     : EventType::kParallelStateFailed,
                       flow.last);
    DropChildren(flow);
    const std::string place = "Catch[" + std::to_string(i) + "]/";
    Result<Json> assigned = CatchAssign(catcher, output, place, flow);
    Result<Json> placed = assigned ? CatchOutput(catcher, output, place, flow) : assigned;
    if (placed) {
      Leave(flow, Payload::Of(*std::move(placed)), *assigned, catcher.next);
      return true;
    }
    Failure other = FailureOf(placed.error(), flow);
    if (other.is_query) EmitEvaluationFailed(flow, other);
    other.is_final = true;
    FailFlow(flow, other);
    return true;
  }
  return false;
}

Result<Json> Execution::Interpreter::CatchAssign(const Catcher& catcher, const Json& output,
                                                 const std::string& place, Flow& flow) {
  if (!flow.state->is_jsonata || !catcher.assign) return Assign(catcher.assign, output, flow);
  return Ask(*catcher.assign, place + "Assign", flow, QueryValues{.error_output = &output});
}

Result<Json> Execution::Interpreter::CatchOutput(const Catcher& catcher, const Json& output,
                                                 const std::string& place, Flow& flow) {
  if (!flow.state->is_jsonata) return Place(catcher.result, flow.input.value, output);
  if (!catcher.output) return output;
  return Ask(*catcher.output, place + "Output", flow, QueryValues{.error_output = &output});
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
  // They stay where they stood: a redrive goes on from there.
  for (const std::unique_ptr<Flow>& child : parent.children)
    if (child) Kill(*child);
  parent.last = failing;
  failure.is_of_children = true;
  FailState(parent, std::move(failure));
}

// `has_failed`: the state has had its own "failed" event.
void Execution::Interpreter::EmitAborts(const Flow& flow, int64_t previous, bool has_failed) {
  const StateType type = flow.state->type;
  if (!has_failed && (type == StateType::kTask || type == StateType::kWait ||
                      type == StateType::kParallel || type == StateType::kMap)) {
    if (flow.map_run != 0) Emit(EventType::kMapRunAborted, previous);
    EmitState(EventType::kStateAborted, flow, previous);
  }
  for (const std::unique_ptr<Flow>& child : flow.children) {
    if (!child || child->is_dead) continue;
    if (type == StateType::kMap)
      EmitIteration(EventType::kMapIterationAborted, flow, child->index, previous);
    EmitAborts(*child, previous, false);
  }
}

void Execution::Interpreter::ForgetVariables(Flow& flow) {
  variable_bytes_ -= std::min(variable_bytes_, flow.variable_bytes);
  flow.variable_bytes = 0;
  for (const std::unique_ptr<Flow>& child : flow.children)
    if (child) ForgetVariables(*child);
}

void Execution::Interpreter::DropChildren(Flow& flow) {
  for (std::unique_ptr<Flow>& child : flow.children) {
    if (!child) continue;
    Kill(*child);
    ForgetVariables(*child);
    Bury(std::move(child));
  }
  flow.children.clear();
  flow.results.clear();
  flow.items = Json();
  flow.running = 0;
}

}  // namespace stepmill::asl
