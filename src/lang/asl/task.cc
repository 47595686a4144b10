#include <cmath>

#include "base/strings.h"
#include "lang/asl/http_task.h"
#include "lang/asl/interpreter.h"

namespace stepmill::asl {
namespace {

struct EventSet {
  EventType started, succeeded, failed, timed_out;
};

EventSet EventsOf(Resource::Kind kind) {
  switch (kind) {
    case Resource::Kind::kLambda:
      return {EventType::kLambdaFunctionStarted, EventType::kLambdaFunctionSucceeded,
              EventType::kLambdaFunctionFailed, EventType::kLambdaFunctionTimedOut};
    case Resource::Kind::kActivity:
      return {EventType::kActivityStarted, EventType::kActivitySucceeded,
              EventType::kActivityFailed, EventType::kActivityTimedOut};
    case Resource::Kind::kIntegration:
    case Resource::Kind::kSdk: break;
  }
  return {EventType::kTaskStarted, EventType::kTaskSucceeded, EventType::kTaskFailed,
          EventType::kTaskTimedOut};
}

Result<> CheckHttp(const Payload& parameters, bool is_jsonata) {
  const std::vector<std::string> problems = HttpProblems(parameters.value);
  if (problems.empty()) return {};
  std::string text;
  for (const std::string& problem : problems) text += (text.empty() ? "" : ", ") + problem;
  return Error{Code::kInvalid, "States.Runtime",
               std::string("The ") + (is_jsonata ? "Arguments" : "Parameters") + " '" +
                   parameters.value.Print() + "' could not be used to start the Task: [" + text +
                   "]"};
}

Json NotTruncated() { return Json::Object{{"truncated", false}}; }

}  // namespace

// The members that the events of an integration begin with.
Json Execution::Interpreter::TaskDetails(const State& state) const {
  const Resource& task = state.task;
  if (task.kind == Resource::Kind::kLambda || task.kind == Resource::Kind::kActivity)
    return Json::Object{};
  return Json::Object{{"resourceType", task.resource_type}, {"resource", task.resource}};
}

void Execution::Interpreter::RunTask(Flow& flow) {
  Result<ScheduleTask> task = Prepare(flow);
  if (!task) return FailState(flow, FailureOf(task.error(), flow));
  Schedule(flow, *std::move(task));
}

Result<ScheduleTask> Execution::Interpreter::Prepare(Flow& flow) {
  const State& state = *flow.state;
  ScheduleTask task;
  task.task = next_task_;
  task.resource = state.task;
  task.state_name = state.name;
  const bool has_token = state.task.is_sync() ||
                         state.task.pattern == Resource::Pattern::kWaitForTaskToken ||
                         state.task.kind == Resource::Kind::kActivity;
  if (has_token) task.token = MakeTaskToken(start_.execution_arn, task.task);
  const uint64_t token_task = has_token ? task.task : 0;
  MILL_TRY(const Payload in, Filter(state.input_path, flow.input, flow));
  See(flow, Seen::kInputPath, in.text);
  MILL_TRY(task.timeout_seconds, TaskSeconds(state.timeout_seconds, "TimeoutSeconds", flow, in));
  MILL_TRY(task.heartbeat_seconds,
           TaskSeconds(state.heartbeat_seconds, "HeartbeatSeconds", flow, in));
  if (state.is_jsonata && state.parameters) {
    MILL_TRY(Json arguments, Ask(*state.parameters, "Arguments", flow, {}, token_task));
    flow.effective = Payload::Of(std::move(arguments));
  } else {
    MILL_TRY(flow.effective, Fill(state.parameters, in, flow, token_task));
  }
  See(flow, Seen::kParameters, flow.effective.text);
  task.input = flow.effective.value;
  if (IsHttpTask(state.task)) MILL_CHECK(CheckHttp(flow.effective, state.is_jsonata));
  if (state.credentials) {
    Json credentials;
    if (state.is_jsonata) {
      MILL_TRY(credentials, Ask(*state.credentials, "Credentials", flow));
    } else {
      MILL_TRY(const Payload filled, Fill(state.credentials, in, flow));
      credentials = filled.value;
    }
    task.role_arn = credentials.StringOr("RoleArn", "");
  }
  MILL_CHECK(CheckSize(flow.effective, flow));
  ++next_task_;
  return task;
}

Result<std::optional<int64_t>> Execution::Interpreter::TaskSeconds(const NumberField& field,
                                                                   const char* name, Flow& flow,
                                                                   const Payload& in) {
  if (field.value) return std::optional<int64_t>(static_cast<int64_t>(*field.value));
  if (field.query) {
    MILL_TRY(const double seconds,
             AskNumber(*field.query, name, false, static_cast<double>(kTimeoutSecondsMax), flow));
    return std::optional<int64_t>(static_cast<int64_t>(seconds));
  }
  if (!field.path) return std::optional<int64_t>();
  const FlowContext context(*this, flow);
  const Scope scope = ScopeOf(in.value, flow, context);
  Result<Json> value = field.path->Evaluate(scope);
  if (!value) {
    if (value.error().name != "PathNotFound") return value.error();
    return Error{Code::kInvalid, "States.Runtime",
                 "Invalid path '" + field.path->text() + "' : " + value.error().message};
  }
  const std::optional<int64_t> seconds =
      value->is_string() ? ParseInt(value->AsString()) : ParseInt(value->Print());
  if (!seconds || *seconds <= 0 || *seconds > kTimeoutSecondsMax)
    return Error{Code::kInvalid, "States.Runtime",
                 "The " + std::string(name) + "Path field refers to value \"" +
                     (value->is_string() ? value->AsString() : value->Print()) +
                     "\" which is not a valid integer: " + field.path->text()};
  return seconds;
}

void Execution::Interpreter::Schedule(Flow& flow, ScheduleTask task) {
  const State& state = *flow.state;
  Json::Object details;
  EventType type = EventType::kTaskScheduled;
  if (state.task.kind == Resource::Kind::kIntegration || state.task.kind == Resource::Kind::kSdk) {
    details = Json::Object{{"resourceType", state.task.resource_type},
                           {"resource", state.task.resource},
                           {"region", start_.region},
                           {"parameters", flow.effective.text}};
  } else {
    type = state.task.kind == Resource::Kind::kLambda ? EventType::kLambdaFunctionScheduled
                                                      : EventType::kActivityScheduled;
    details = Json::Object{{"resource", state.task.arn},
                           {"input", flow.effective.text},
                           {"inputDetails", NotTruncated()}};
  }
  if (task.timeout_seconds) details.Add("timeoutInSeconds", *task.timeout_seconds);
  if (task.heartbeat_seconds && type != EventType::kLambdaFunctionScheduled)
    details.Add("heartbeatInSeconds", *task.heartbeat_seconds);
  if (task.role_arn) details.Add("taskCredentials", Json::Object{{"roleArn", *task.role_arn}});
  flow.timeout_seconds = task.timeout_seconds;
  flow.heartbeat_seconds = task.heartbeat_seconds;
  if (state.task.kind == Resource::Kind::kActivity) {
    // Only the world knows whether the activity is there, and one that is not leaves no event.
    flow.to_schedule = std::move(details);
  } else {
    flow.last = Emit(type, flow.last, std::move(details));
    if (is_history_full_) return;
    StartTaskTimers(flow);
    to_start_.push_back(&flow);
  }
  flow.task = task.task;
  flow.waiting = Flow::Waiting::kTask;
  tasks_[flow.task] = &flow;
  turn_.tasks.push_back(std::move(task));
}

void Execution::Interpreter::StartTaskTimers(Flow& flow) {
  if (flow.timeout_seconds)
    flow.timeout_timer =
        StartTimer(&flow, TimerKind::kTaskTimeout, now_ + Seconds(*flow.timeout_seconds));
  if (flow.heartbeat_seconds && flow.state->task.kind != Resource::Kind::kActivity)
    StartHeartbeat(flow);
}

void Execution::Interpreter::StartHeartbeat(Flow& flow) {
  flow.heartbeat_timer =
      StartTimer(&flow, TimerKind::kHeartbeat, now_ + Seconds(*flow.heartbeat_seconds));
}

// A worker has to come for it now: ActivityStarted waits for that.
void Execution::Interpreter::OnScheduled(Flow& flow) {
  if (flow.to_schedule.is_null()) return;
  flow.last = Emit(EventType::kActivityScheduled, flow.last, std::move(flow.to_schedule));
  flow.to_schedule = Json();
  if (!is_history_full_) StartTaskTimers(flow);
}

void Execution::Interpreter::EmitStarted(Flow& flow, const Json& details) {
  Json shown = TaskDetails(*flow.state);
  if (details.is_object())
    for (const Json::Member& member : details.members())
      shown = shown.With(member.name, member.value);
  flow.last = Emit(EventsOf(flow.state->task.kind).started, flow.last, std::move(shown));
  // States Language, "Task": a worker's heartbeats count from where it took the task.
  const bool is_activity = flow.state->task.kind == Resource::Kind::kActivity;
  if (is_activity && flow.heartbeat_seconds && flow.heartbeat_timer == 0) StartHeartbeat(flow);
}

void Execution::Interpreter::OnSubmitted(Flow& flow, const Event& event) {
  flow.last = Emit(EventType::kTaskSubmitted, flow.last,
                   TaskDetails(*flow.state)
                       .With("output", event.output.Print())
                       .With("outputDetails", NotTruncated()));
}

void Execution::Interpreter::OnSucceeded(Flow& flow, const Event& event) {
  const State& state = *flow.state;
  Payload result = Payload::Of(event.output);
  if (result.size_bytes() > kPayloadBytesMax) {
    const std::string what =
        state.task.kind == Resource::Kind::kLambda || state.task.kind == Resource::Kind::kActivity
            ? state.task.arn
            : state.task.resource_type.AsString();
    return OnFailed(flow, "States.DataLimitExceeded",
                    "The state/task '" + what +
                        "' returned a result with a size exceeding the maximum number of bytes "
                        "service limit.");
  }
  CloseTask(flow);
  See(flow, Seen::kResult, result.text);
  flow.last =
      Emit(EventsOf(state.task.kind).succeeded, flow.last,
           TaskDetails(state).With("output", result.text).With("outputDetails", NotTruncated()));
  Finish(flow, std::move(result));
}

void Execution::Interpreter::OnFailed(Flow& flow, std::optional<std::string> error,
                                      std::optional<std::string> cause) {
  CloseTask(flow);
  // Its parameters could not be used: it never ran. Those of an HTTP task have been checked.
  if (error == "States.Runtime" && !IsHttpTask(flow.state->task))
    return FailState(flow, FailureOf(Error{Code::kInvalid, *error, cause.value_or("")}, flow));
  Failure failure;
  failure.error = std::move(error);
  failure.cause = std::move(cause);
  if (failure.error) failure.error = std::string(TruncateUtf8(*failure.error, kErrorCharactersMax));
  if (failure.cause) failure.cause = std::string(TruncateUtf8(*failure.cause, kCauseCharactersMax));
  Json details = TaskDetails(*flow.state);
  if (failure.error) details = details.With("error", *failure.error);
  if (failure.cause) details = details.With("cause", *failure.cause);
  flow.last = Emit(EventsOf(flow.state->task.kind).failed, flow.last, std::move(details));
  FailState(flow, std::move(failure));
}

void Execution::Interpreter::OnTimeout(Flow& flow, bool is_heartbeat) {
  turn_.task_cancels.push_back(flow.task);
  CloseTask(flow);
  Failure failure;
  failure.error = "States.Timeout";
  failure.is_timeout = true;
  failure.is_heartbeat = is_heartbeat;
  flow.last = Emit(EventsOf(flow.state->task.kind).timed_out, flow.last,
                   TaskDetails(*flow.state).With("error", "States.Timeout"));
  FailState(flow, std::move(failure));
}

void Execution::Interpreter::CloseTask(Flow& flow) {
  tasks_.erase(flow.task);
  flow.task = 0;
  flow.to_schedule = Json();
  StopTimer(flow.timeout_timer);
  StopTimer(flow.heartbeat_timer);
}

}  // namespace stepmill::asl
