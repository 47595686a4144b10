#include "lang/asl/interpreter.h"

namespace stepmill::asl {

// Step Functions: "Restarting state machine executions with redrive". Flows that ended with the
// execution stand where they stood: End only stopped their timers and tasks.
void Execution::Interpreter::Redrive() {
  if (!root_ || !root_->state || status_ == Status::kRunning || status_ == Status::kSucceeded)
    return;
  status_ = Status::kRunning;
  ++redrive_count_;
  redriven_at_ = now_;
  is_history_full_ = false;
  MakeContext();
  const int64_t redriven = Emit(EventType::kExecutionRedriven, next_event_ - 1,
                                Json::Object{{"redriveCount", redrive_count_}});
  StartClock(now_);
  Revive(*root_, redriven);
}

void Execution::Interpreter::Revive(Flow& flow, int64_t previous) {
  flow.is_dead = false;
  flow.last = previous;
  flow.attempts.clear();
  flow.retry_count = 0;
  flow.waiting = Flow::Waiting::kNothing;
  const bool is_fan_out =
      flow.state->type == StateType::kParallel || flow.state->type == StateType::kMap;
  if (!is_fan_out || flow.children.empty()) {
    // What entered its state and did not leave it goes on there; a Fail state is entered again.
    flow.redrives_run = flow.kept_run != nullptr;
    flow.is_redriven = flow.entered_id != 0 && flow.state->type != StateType::kFail;
    return Ready(flow);
  }
  flow.waiting = Flow::Waiting::kChildren;
  flow.running = 0;
  for (const std::unique_ptr<Flow>& child : flow.children) {
    if (!child) continue;
    ++flow.running;
    Revive(*child, previous);
  }
}

}  // namespace stepmill::asl
