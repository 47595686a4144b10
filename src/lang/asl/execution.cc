#include "lang/asl/execution.h"

#include <algorithm>

#include "base/strings.h"
#include "lang/asl/interpreter.h"

namespace stepmill::asl {

std::string_view StatusName(Status status) {
  switch (status) {
    case Status::kRunning: return "RUNNING";
    case Status::kSucceeded: return "SUCCEEDED";
    case Status::kFailed: return "FAILED";
    case Status::kTimedOut: return "TIMED_OUT";
    case Status::kAborted: return "ABORTED";
  }
  return "";
}

std::string MakeTaskToken(const std::string& execution_arn, uint64_t task) {
  return Base64("1:" + std::to_string(task) + ":" + execution_arn);
}

std::optional<TaskToken> ReadTaskToken(std::string_view token) {
  const std::optional<std::string> plain = Unbase64(token);
  if (!plain || !plain->starts_with("1:")) return std::nullopt;
  const size_t colon = plain->find(':', 2);
  if (colon == std::string::npos) return std::nullopt;
  const std::optional<int64_t> task = ParseInt(std::string_view(*plain).substr(2, colon - 2));
  if (!task || *task <= 0) return std::nullopt;
  return TaskToken{plain->substr(colon + 1), static_cast<uint64_t>(*task)};
}

Execution::Execution(std::shared_ptr<const Definition> definition, StartInfo start, Probe* probe)
    : interpreter_(std::make_unique<Interpreter>(std::move(definition), std::move(start), probe)) {}
Execution::~Execution() = default;
Turn Execution::Advance(const Event& event) { return interpreter_->Advance(event); }
bool Execution::is_finished() const { return interpreter_->is_finished(); }
const StartInfo& Execution::start() const { return interpreter_->start(); }
int64_t Execution::event_count() const { return interpreter_->event_count(); }
int Execution::redrive_count() const { return interpreter_->redrive_count(); }

Execution::Interpreter::Interpreter(std::shared_ptr<const Definition> definition, StartInfo start,
                                    Probe* probe)
    : definition_(std::move(definition)), start_(std::move(start)), probe_(probe) {
  input_.value = ParseJson(start_.input_text).value_or(Json());
  input_.text = Json(start_.input_text);
  MakeContext();
  machine_context_ =
      Json::Object{{"Id", start_.state_machine_arn}, {"Name", start_.state_machine_name}};
}

// The order of the members is AWS's.
void Execution::Interpreter::MakeContext() {
  Json::Object execution{{"Id", start_.execution_arn}, {"Input", input_.value}};
  const Json started(FormatIso(start_.started_at));
  if (!start_.is_express) execution.Add("StartTime", started);
  execution.Add("Name", start_.name);
  execution.Add("RoleArn", start_.role_arn);
  if (start_.is_express) execution.Add("StartTime", started);
  if (!start_.is_sync) execution.Add("RedriveCount", redrive_count_);
  if (redrive_count_ > 0) execution.Add("RedriveTime", FormatIso(redriven_at_));
  execution_context_ = std::move(execution);
}

Turn Execution::Interpreter::Advance(const Event& event) {
  turn_ = Turn{};
  now_ = event.at;
  chance_ = Chance(event.entropy);
  if (event.kind == Event::Kind::kRedrive) Redrive();
  if (!is_finished()) {
    Handle(event);
    RunReady();
  }
  if (is_history_full_ && !is_finished()) {
    Failure failure;
    failure.error = "States.Runtime";
    failure.cause = "The execution reached the maximum number of history events (" +
                    std::to_string(kHistoryEventsMax) + ").";
    FailExecution(last_event_of_full_, failure);
  }
  buried_.clear();
  turn_.status = status_;
  return std::move(turn_);
}

void Execution::Interpreter::Handle(const Event& event) {
  if (event.kind == Event::Kind::kStarted) {
    if (!root_) Begin();
    return;
  }
  if (!root_) return;
  if (event.kind == Event::Kind::kTimerFired) return OnTimer(event.timer);
  if (event.kind == Event::Kind::kMapRunSucceeded || event.kind == Event::Kind::kMapRunFailed)
    return OnMapRunEnded(event);
  if (event.kind == Event::Kind::kStop) {
    Json::Object details;
    if (event.error) details.Add("error", *event.error);
    if (event.cause) details.Add("cause", *event.cause);
    Emit(EventType::kExecutionAborted, 0, std::move(details));
    turn_.error = event.error;
    turn_.cause = event.cause;
    return End(Status::kAborted);
  }
  if (event.kind == Event::Kind::kContinue) return;
  const auto found = tasks_.find(event.task);
  if (found == tasks_.end()) return;  // closed meanwhile: a late result changes nothing
  Flow& flow = *found->second;
  switch (event.kind) {
    case Event::Kind::kTaskScheduled: return OnScheduled(flow);
    case Event::Kind::kTaskStarted: return EmitStarted(flow, event.output);
    case Event::Kind::kTaskSubmitted: return OnSubmitted(flow, event);
    case Event::Kind::kTaskSucceeded: return OnSucceeded(flow, event);
    case Event::Kind::kTaskFailed: return OnFailed(flow, event.error, event.cause);
    case Event::Kind::kTaskHeartbeat:
      if (flow.heartbeat_timer != 0) {
        StopTimer(flow.heartbeat_timer);
        flow.heartbeat_timer =
            StartTimer(&flow, TimerKind::kHeartbeat, now_ + Seconds(*flow.heartbeat_seconds));
      }
      return;
    default:  // the kinds that name no task were handled above
      return;
  }
}

void Execution::Interpreter::Begin() {
  Json::Object details{{"input", input_.text},
                       {"inputDetails", Json::Object{{"truncated", false}}},
                       {"roleArn", start_.role_arn}};
  if (!start_.alias_arn.empty()) details.Add("stateMachineAliasArn", start_.alias_arn);
  if (!start_.version_arn.empty()) details.Add("stateMachineVersionArn", start_.version_arn);
  Emit(EventType::kExecutionStarted, 0, std::move(details));
  root_ = std::make_unique<Flow>();
  root_->machine = &definition_->root;
  root_->state = &definition_->root.states[static_cast<size_t>(definition_->root.start)];
  root_->input = input_;
  if (probe_) {
    root_->machine = probe_->machine;
    root_->state = probe_->state;
    root_->variables.own = probe_->variables;
  } else {
    StartClock(start_.started_at);
  }
  Ready(*root_);
}

void Execution::Interpreter::StartClock(Time from) {
  std::optional<int64_t> timeout = definition_->timeout_seconds;
  if (start_.is_express)
    timeout = std::min(timeout.value_or(kExpressSecondsMax), kExpressSecondsMax);
  if (timeout) StartTimer(nullptr, TimerKind::kExecution, from + Seconds(*timeout));
}

// Flows run one after the other, each until it waits. What was scheduled on the way counts as
// started when all of them wait: the order in which AWS's histories have it.
void Execution::Interpreter::RunReady() {
  int left = start_.transitions_max;
  while (!is_finished() && !is_history_full_) {
    if (left <= 0) {
      turn_.goes_on = true;
      return;
    }
    if (!ready_.empty()) {
      Flow& flow = *ready_.front();
      ready_.pop_front();
      running_ = &flow;
      while (!flow.is_dead && flow.waiting == Flow::Waiting::kNothing && !is_finished() &&
             !is_history_full_) {
        if (left-- <= 0) {
          ready_.push_front(&flow);
          break;
        }
        if (flow.is_redriven) {
          flow.is_redriven = false;
          RunState(flow);
        } else {
          Enter(flow);
        }
      }
      running_ = nullptr;
    } else if (!to_start_.empty()) {
      const std::vector<Flow*> flows = std::move(to_start_);
      to_start_.clear();
      for (Flow* flow : flows)
        if (!flow->is_dead && flow->task != 0) EmitStarted(*flow, Json());
    } else {
      break;
    }
  }
}

void Execution::Interpreter::Enter(Flow& flow) {
  flow.entered_previous = flow.last;
  flow.entered_id = EmitState(EventType::kStateEntered, flow, flow.last, flow.input.text);
  flow.last = flow.entered_id;
  flow.entered_at = now_;
  flow.retry_count = 0;
  flow.attempts.clear();
  RunState(flow);
}

void Execution::Interpreter::RunState(Flow& flow) {
  switch (flow.state->type) {
    case StateType::kPass: return RunPass(flow);
    case StateType::kChoice: return RunChoice(flow);
    case StateType::kWait: return RunWait(flow);
    case StateType::kSucceed: return RunSucceed(flow);
    case StateType::kFail: return RunFail(flow);
    case StateType::kTask: return RunTask(flow);
    case StateType::kParallel: return RunParallel(flow);
    case StateType::kMap: return RunMap(flow);
  }
}

void Execution::Interpreter::OnTimer(uint64_t id) {
  const auto found = timers_.find(id);
  if (found == timers_.end()) return;  // cancelled meanwhile
  const TimerOwner owner = found->second;
  timers_.erase(found);
  if (owner.kind == TimerKind::kExecution) {
    Emit(EventType::kExecutionTimedOut, 0, Json::Object{{"error", "States.Timeout"}});
    return End(Status::kTimedOut);
  }
  Flow& flow = *owner.flow;
  switch (owner.kind) {
    case TimerKind::kWait:
      flow.timer = 0;
      flow.waiting = Flow::Waiting::kNothing;
      Finish(flow, flow.effective);
      break;
    case TimerKind::kRetry:
      flow.timer = 0;
      flow.waiting = Flow::Waiting::kNothing;
      DropChildren(flow);  // it runs as a whole again
      return RunState(flow);
    case TimerKind::kTaskTimeout:
      flow.timeout_timer = 0;
      OnTimeout(flow, false);
      break;
    case TimerKind::kHeartbeat:
      flow.heartbeat_timer = 0;
      OnTimeout(flow, true);
      break;
    case TimerKind::kExecution: break;
  }
}

int64_t Execution::Interpreter::Emit(EventType type, int64_t previous, Json details) {
  const bool is_last =
      type == EventType::kExecutionSucceeded || type == EventType::kExecutionFailed ||
      type == EventType::kExecutionAborted || type == EventType::kExecutionTimedOut;
  if (next_event_ >= kHistoryEventsMax && !is_last && !start_.is_express) {
    if (!is_history_full_) last_event_of_full_ = previous;
    is_history_full_ = true;
    return previous;
  }
  HistoryEvent& event = turn_.history.emplace_back();
  event.type = type;
  event.id = next_event_++;
  event.previous_id = previous;
  event.at = now_;
  event.details = std::move(details);
  return event.id;
}

int64_t Execution::Interpreter::EmitState(EventType type, const Flow& flow, int64_t previous,
                                          Json text, Json details) {
  const int64_t id = Emit(type, previous, std::move(details));
  if (is_history_full_) return id;
  HistoryEvent& event = turn_.history.back();
  event.state_type = static_cast<uint8_t>(flow.state->type);
  event.name = flow.state->name_json;
  event.payload = std::move(text);
  return id;
}

void Execution::Interpreter::End(Status status) {
  status_ = status;
  if (root_) Kill(*root_);
  for (const auto& [id, owner] : timers_) turn_.timer_cancels.push_back(id);
  timers_.clear();
  ready_.clear();
  to_start_.clear();
}

void Execution::Interpreter::Succeed(const Flow& flow, const Payload& output) {
  Emit(
      EventType::kExecutionSucceeded, flow.last,
      Json::Object{{"output", output.text}, {"outputDetails", Json::Object{{"truncated", false}}}});
  turn_.output_text = output.text;
  End(Status::kSucceeded);
}

void Execution::Interpreter::FailExecution(int64_t previous, const Failure& failure) {
  Json::Object details;
  if (failure.error) details.Add("error", *failure.error);
  if (failure.cause) details.Add("cause", *failure.cause);
  Emit(EventType::kExecutionFailed, previous, std::move(details));
  turn_.error = failure.error;
  turn_.cause = failure.cause;
  End(Status::kFailed);
}

uint64_t Execution::Interpreter::StartTimer(Flow* flow, TimerKind kind, Time at) {
  const uint64_t id = next_timer_++;
  timers_[id] = TimerOwner{flow, kind};
  turn_.timers.push_back({id, at});
  return id;
}

void Execution::Interpreter::StopTimer(uint64_t& id) {
  if (id == 0) return;
  timers_.erase(id);
  turn_.timer_cancels.push_back(id);
  id = 0;
}

void Execution::Interpreter::Kill(Flow& flow) {
  flow.is_dead = true;
  StopTimer(flow.timer);
  if (flow.task != 0) {
    turn_.task_cancels.push_back(flow.task);
    CloseTask(flow);
  }
  if (flow.map_run != 0) {
    turn_.map_run_cancels.push_back(flow.map_run);
    map_runs_.erase(flow.map_run);
    flow.map_run = 0;
  }
  for (const std::unique_ptr<Flow>& child : flow.children)
    if (child) Kill(*child);
}

void Execution::Interpreter::Bury(std::unique_ptr<Flow> flow) {
  if (!flow) return;
  flow->is_dead = true;
  buried_.push_back(std::move(flow));
}

Json Execution::Interpreter::Context(const Flow& flow, uint64_t token_task) const {
  if (probe_) {
    Json context = probe_->context;
    if (token_task != 0 && probe_->adds_task_token)
      context = context.With(
          "Task", Json::Object{{"Token", MakeTaskToken(start_.execution_arn, token_task)}});
    return flow.map_item.is_null() ? context : context.With("Map", flow.map_item);
  }
  Json::Object state{{"Name", flow.state->name_json}, {"EnteredTime", FormatIso(flow.entered_at)}};
  const StateType type = flow.state->type;
  if (type == StateType::kTask || type == StateType::kParallel || type == StateType::kMap)
    state.Add("RetryCount", flow.retry_count);
  Json::Object context{{"Execution", execution_context_},
                       {"StateMachine", machine_context_},
                       {"State", std::move(state)}};
  if (token_task != 0)
    context.Add("Task", Json::Object{{"Token", MakeTaskToken(start_.execution_arn, token_task)}});
  for (const Flow* at = &flow; at; at = at->parent) {
    if (at->map_item.is_null() && !at->is_iteration) continue;
    context.Add("Map", at->map_item.is_null() ? ItemContext(at->index, at->item) : at->map_item);
    break;
  }
  return context;
}

}  // namespace stepmill::asl
