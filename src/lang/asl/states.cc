#include <algorithm>

#include "base/strings.h"
#include "lang/asl/interpreter.h"

namespace stepmill::asl {
namespace {

Error Runtime(std::string message) {
  return Error{Code::kInvalid, "States.Runtime", std::move(message)};
}

// The words of a text; other values as JSON.
std::string Shown(const Json& value) {
  return value.is_string() ? value.AsString() : value.Print();
}

}  // namespace

Result<Payload> Execution::Interpreter::Filter(const std::optional<PathField>& field,
                                               const Payload& in, Flow& flow) {
  if (!field) return in;
  if (field->is_null) return Payload::Of(Json(Json::Object{}));
  if (field->expression.is_whole_input()) return in;
  const FlowContext context(*this, flow);
  const Scope scope = ScopeOf(in.value, flow, context);
  Result<Json> value = field->expression.Evaluate(scope);
  if (!value) {
    if (value.error().name != "PathNotFound") return value.error();
    return Runtime("Invalid path '" + field->expression.text() + "' : " + value.error().message);
  }
  return Payload::Of(*std::move(value));
}

Result<Payload> Execution::Interpreter::Fill(const std::optional<Template>& parameters,
                                             const Payload& in, Flow& flow, uint64_t token_task) {
  if (!parameters) return in;
  const FlowContext context(*this, flow, token_task);
  const Scope scope = ScopeOf(in.value, flow, context);
  MILL_TRY(Json value, parameters->Evaluate(scope));
  return Payload::Of(std::move(value));
}

Result<Json> Execution::Interpreter::Assign(const std::optional<Template>& assign,
                                            const Json& input, Flow& flow) {
  if (!assign) return Json();
  const FlowContext context(*this, flow);
  const Scope scope = ScopeOf(input, flow, context);
  return assign->Evaluate(scope);
}

Result<Json> Execution::Interpreter::Place(const ResultPlace& place, const Json& raw,
                                           Json result) const {
  switch (place.kind) {
    case ResultPlace::Kind::kReplace: return result;
    case ResultPlace::Kind::kDiscard: return raw;
    case ResultPlace::Kind::kPut: break;
  }
  Result<Json> put = place.path.Put(raw, std::move(result));
  if (!put)
    return Runtime(put.error().message + " (state input: '" +
                   std::string(TruncateUtf8(raw.Print(), 1000)) + "')");
  return put;
}

// States Language: "Input and Output Processing". All paths see the variables from before Assign.
void Execution::Interpreter::Finish(Flow& flow, Payload result) {
  const State& state = *flow.state;
  if (state.is_jsonata) return FinishQueries(flow, result);
  Result<Json> assigned = Assign(state.assign, result.value, flow);
  if (!assigned) return FailState(flow, FailureOf(assigned.error(), flow));
  const bool has_place = state.type == StateType::kPass || state.type == StateType::kTask ||
                         state.type == StateType::kParallel || state.type == StateType::kMap;
  if (has_place) {
    if (state.result_place.kind == ResultPlace::Kind::kDiscard) {
      See(flow, Seen::kResultSelector, result.text);
      result = flow.input;
    } else {
      Result<Payload> selected = Fill(state.result_selector, result, flow);
      if (!selected) return FailState(flow, FailureOf(selected.error(), flow));
      result = *std::move(selected);
      See(flow, Seen::kResultSelector, result.text);
      if (state.result_place.kind == ResultPlace::Kind::kPut) {
        Result<Json> placed = Place(state.result_place, flow.input.value, result.value);
        if (!placed) return FailState(flow, FailureOf(placed.error(), flow));
        result = Payload::Of(*std::move(placed));
      }
    }
    See(flow, Seen::kResultPath, result.text);
  }
  Result<Payload> output = Filter(state.output_path, result, flow);
  if (!output) return FailState(flow, FailureOf(output.error(), flow));
  Leave(flow, *output, *assigned, state.next);
}

void Execution::Interpreter::Leave(Flow& flow, const Payload& output, const Json& assigned,
                                   int next) {
  const auto fail = [&](std::string_view what) {
    Failure failure;
    failure.error = "States.DataLimitExceeded";
    failure.cause = "The state/task '" + flow.state->name + "' " + std::string(what) +
                    " with a size exceeding the maximum number of bytes service limit.";
    failure.is_final = true;
    FailState(flow, failure);
  };
  if (output.size_bytes() > kPayloadBytesMax) return fail("returned a result");
  Json shown;
  if (!Store(assigned, flow, shown)) return fail("assigned variables");
  flow.last = EmitState(EventType::kStateExited, flow, flow.last, output.text, std::move(shown));
  MoveOn(flow, output, next);
}

// Takes the variables over, and what history shows of them. False: they are too large together.
bool Execution::Interpreter::Store(const Json& assigned, Flow& flow, Json& shown) {
  if (!assigned.is_object() || assigned.size() == 0) return true;
  Json::Object texts;
  size_t added = 0, dropped = 0;
  for (const Json::Member& member : assigned.members()) {
    std::string text = member.value.Print();
    added += text.size();
    if (const Json* old = flow.variables.own.Find(member.name)) dropped += old->PrintedSize();
    texts.Add(member.name, Json(text));
  }
  if (added > kVariableBytesMax) return false;
  if (variable_bytes_ + added > kVariablesBytesMax + dropped) return false;
  // PrintedSize is about right: never count below nothing.
  dropped = std::min(dropped, flow.variable_bytes);
  flow.variable_bytes += added - dropped;
  variable_bytes_ += added;
  variable_bytes_ -= std::min(variable_bytes_, dropped);
  if (flow.variables.own.is_null()) flow.variables.own = Json(Json::Object{});
  for (const Json::Member& member : assigned.members())
    flow.variables.own = flow.variables.own.With(member.name, member.value);
  shown = std::move(texts);
  return true;
}

void Execution::Interpreter::MoveOn(Flow& flow, const Payload& output, int next) {
  if (is_history_full_) return;
  if (probe_ && !flow.parent) {
    probe_->variables = flow.variables.own;
    if (next >= 0) probe_->next_state = flow.machine->states[static_cast<size_t>(next)].name;
    return Succeed(flow, output);
  }
  if (next < 0) {
    if (!flow.parent) return Succeed(flow, output);
    return OnChildEnded(flow, output);
  }
  flow.state = &flow.machine->states[static_cast<size_t>(next)];
  flow.input = output;
  flow.effective = Payload{};
  flow.entered_id = 0;
  flow.kept_run.reset();
  flow.waiting = Flow::Waiting::kNothing;
  if (&flow != running_) Ready(flow);
}

void Execution::Interpreter::RunPass(Flow& flow) {
  const State& state = *flow.state;
  if (state.is_jsonata) return Finish(flow, flow.input);
  if (state.result) {
    Payload result = Payload::Of(*state.result);
    See(flow, Seen::kResult, result.text);
    return Finish(flow, std::move(result));
  }
  Result<Payload> in = Filter(state.input_path, flow.input, flow);
  if (in) See(flow, Seen::kInputPath, in->text);
  if (in) in = Fill(state.parameters, *in, flow);
  if (!in) return FailState(flow, FailureOf(in.error(), flow));
  See(flow, Seen::kParameters, in->text);
  Finish(flow, *std::move(in));
}

void Execution::Interpreter::RunSucceed(Flow& flow) {
  Result<Payload> in = Filter(flow.state->input_path, flow.input, flow);
  if (!in) return FailState(flow, FailureOf(in.error(), flow));
  See(flow, Seen::kInputPath, in->text);
  Finish(flow, *std::move(in));
}

void Execution::Interpreter::RunChoice(Flow& flow) {
  const State& state = *flow.state;
  if (state.is_jsonata) return RunQueryChoice(flow);
  Result<Payload> in = Filter(state.input_path, flow.input, flow);
  if (!in) return FailState(flow, FailureOf(in.error(), flow));
  See(flow, Seen::kInputPath, in->text);
  const FlowContext context(*this, flow);
  const Scope scope = ScopeOf(in->value, flow, context);
  const std::optional<Template>* assign = &state.assign;
  int next = state.default_next;
  for (const ChoiceRule& rule : state.choices) {
    Result<bool> holds = rule.test.Holds(scope);
    if (!holds) return FailState(flow, FailureOf(holds.error(), flow));
    if (!*holds) continue;
    next = rule.next;
    assign = &rule.assign;
    break;
  }
  if (next < 0)
    return FailState(flow, FailureOf(Error{Code::kInvalid, "States.NoChoiceMatched",
                                           "Failed to transition out of the state. The state does "
                                           "not point to a next state."},
                                     flow));
  Result<Json> assigned = Assign(*assign, in->value, flow);
  if (!assigned) return FailState(flow, FailureOf(assigned.error(), flow));
  Result<Payload> output = Filter(state.output_path, *in, flow);
  if (!output) return FailState(flow, FailureOf(output.error(), flow));
  Leave(flow, *output, *assigned, next);
}

void Execution::Interpreter::RunWait(Flow& flow) {
  Result<Payload> in = Filter(flow.state->input_path, flow.input, flow);
  if (!in) return FailState(flow, FailureOf(in.error(), flow));
  See(flow, Seen::kInputPath, in->text);
  flow.effective = *std::move(in);
  Result<Time> end = WaitEnd(flow);
  if (!end) return FailState(flow, FailureOf(end.error(), flow));
  if (*end - now_ > Seconds(kWaitSecondsMax))
    return FailState(flow, FailureOf(Runtime("Wait state delay is too long."), flow));
  if (*end <= now_) return Finish(flow, flow.effective);
  flow.waiting = Flow::Waiting::kWait;
  flow.timer = StartTimer(&flow, TimerKind::kWait, *end);
}

Result<Time> Execution::Interpreter::WaitEnd(Flow& flow) {
  const State& state = *flow.state;
  if (state.wait_until) return *state.wait_until;
  if (state.wait_seconds.query || state.wait_until_query) return AskWaitEnd(flow);
  if (state.wait_seconds.value)
    return now_ + Seconds(static_cast<int64_t>(*state.wait_seconds.value));
  const FlowContext context(*this, flow);
  const Scope scope = ScopeOf(flow.effective.value, flow, context);
  if (state.wait_until_path) {
    const std::string& path = state.wait_until_path->text();
    Result<Json> value = state.wait_until_path->Evaluate(scope);
    if (!value)
      return Runtime("The TimestampPath parameter does not reference an input value: " + path);
    Result<Time> time = value->is_string() && value->AsString().find('T') != std::string::npos
                            ? ParseIso(value->AsString())
                            : Result<Time>(Error{});
    if (!time)
      return Runtime(
          "The TimestampPath parameter does not reference a valid ISO-8601 extended offset "
          "date-time format string: " +
          path + " == " + Shown(*value));
    return time;
  }
  const std::string& path = state.wait_seconds.path->text();
  Result<Json> value = state.wait_seconds.path->Evaluate(scope);
  if (!value || value->is_null())
    return Runtime("The SecondsPath parameter does not reference an input value: " + path);
  const std::string shown = Shown(*value);
  std::optional<int64_t> seconds = ParseInt(shown);
  if (!seconds)
    return Runtime("The SecondsPath parameter cannot be parsed as a long value: " + path +
                   " == " + shown);
  if (*seconds < 0)
    return Runtime("The SecondsPath parameter references a negative value: " + path +
                   " == " + shown);
  return now_ + Seconds(std::min<int64_t>(*seconds, kWaitSecondsMax + 1));
}

Result<std::optional<std::string>> Execution::Interpreter::FailText(
    Flow& flow, const char* field, const std::optional<std::string>& text,
    const std::optional<Expression>& path) {
  if (!path) return text;
  const FlowContext context(*this, flow);
  const Scope scope = ScopeOf(flow.input.value, flow, context);
  Result<Json> value = path->Evaluate(scope);
  if (!value && value.error().name == "PathNotFound")
    return Runtime("The JSONPath '" + path->text() + "' specified for the field '" + field +
                   "' could not be found in the input '" + flow.input.value.Print() + "'");
  if (!value) return value.error();
  if (!value->is_string())
    return Runtime("The " + std::string(field) + " field must reference a string: " + path->text() +
                   " == " + value->Print());
  return std::optional<std::string>(value->AsString());
}

void Execution::Interpreter::RunFail(Flow& flow) {
  const State& state = *flow.state;
  if (state.is_jsonata) return RunQueryFail(flow);
  See(flow, Seen::kInputPath, flow.input.text);
  Result<std::optional<std::string>> error =
      FailText(flow, "ErrorPath", state.error, state.error_path);
  if (!error) return FailState(flow, FailureOf(error.error(), flow));
  Result<std::optional<std::string>> cause =
      FailText(flow, "CausePath", state.cause, state.cause_path);
  if (!cause) return FailState(flow, FailureOf(cause.error(), flow));
  Failure failure;
  failure.error = *error;
  failure.cause = *cause;
  FailFlow(flow, failure);
}

}  // namespace stepmill::asl
