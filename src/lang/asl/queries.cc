#include <cmath>

#include "lang/asl/interpreter.h"
#include "lang/asl/query.h"

namespace stepmill::asl {

Scope Execution::Interpreter::ScopeOf(const Json& input, const Flow& flow,
                                      const ContextSource& context) {
  Scope scope{input, flow.variables, context, chance_};
  scope.now = now_;
  return scope;
}

Result<Json> Execution::Interpreter::Ask(const Template& field, const std::string& name, Flow& flow,
                                         const QueryValues& values, uint64_t token_task) {
  const FlowContext context(*this, flow, token_task);
  Scope scope = ScopeOf(flow.input.value, flow, context);
  scope.result = values.result;
  scope.error_output = values.error_output;
  Result<Json> value = field.Evaluate(scope);
  if (!value) return QueryError(value.error(), name);
  return value;
}

Result<std::string> Execution::Interpreter::AskText(const Template& field, const std::string& name,
                                                    Flow& flow) {
  MILL_TRY(const Json value, Ask(field, name, flow));
  if (!value.is_string()) return UnexpectedType(field.ShownExpression(), name, "string", value);
  return value.AsString();
}

Result<double> Execution::Interpreter::AskNumber(const Template& field, const std::string& name,
                                                 bool is_float, double max, Flow& flow) {
  MILL_TRY(const Json value, Ask(field, name, flow));
  if (!value.is_number()) return UnexpectedType(field.ShownExpression(), name, "number", value);
  const double number = value.AsDouble();
  if (!is_float && number != std::floor(number))
    return QueryValueError(
        name, "The " + name + " field cannot be parsed as an integer: " + value.Print());
  if (number < 0 || number > max)
    return QueryValueError(name, name + " must be between 0 and " +
                                     std::to_string(static_cast<int64_t>(max)) +
                                     " but was: " + value.Print());
  return number;
}

Result<Json> Execution::Interpreter::AskItems(Flow& flow) {
  const std::optional<Template>& items = flow.state->items;
  if (!items) {
    if (flow.input.value.is_array()) return flow.input.value;
    return QueryValueError(
        "", "Map state input must be an array but was: " + flow.input.text.AsString());
  }
  MILL_TRY(Json value, Ask(*items, "Items", flow));
  if (!value.is_array()) return UnexpectedType(items->ShownExpression(), "Items", "array", value);
  return value;
}

Result<Time> Execution::Interpreter::AskWaitEnd(Flow& flow) {
  const State& state = *flow.state;
  if (state.wait_seconds.query) {
    MILL_TRY(const double seconds, AskNumber(*state.wait_seconds.query, "Seconds", false,
                                             static_cast<double>(kTimeoutSecondsMax), flow));
    return now_ + Seconds(static_cast<int64_t>(seconds));
  }
  MILL_TRY(const std::string text, AskText(*state.wait_until_query, "Timestamp", flow));
  Result<Time> time = text.find('T') != std::string::npos ? ParseIso(text) : Result<Time>(Error{});
  if (!time)
    return QueryValueError("Timestamp",
                           "The Timestamp field cannot be parsed as an ISO-8601 extended offset "
                           "date-time format string: " +
                               text);
  return time;
}

void Execution::Interpreter::RunQueryChoice(Flow& flow) {
  const State& state = *flow.state;
  const ChoiceRule* chosen = nullptr;
  std::string place;
  for (size_t i = 0; i < state.choices.size() && !chosen; ++i) {
    place = "Choices[" + std::to_string(i) + "]/";
    const Template& condition = *state.choices[i].condition;
    Result<Json> holds = Ask(condition, place + "Condition", flow);
    if (holds && !holds->is_bool())
      holds = UnexpectedType(condition.ShownExpression(), place + "Condition", "boolean", *holds);
    if (!holds) return FailState(flow, FailureOf(holds.error(), flow));
    if (holds->AsBool()) chosen = &state.choices[i];
  }
  if (!chosen) place.clear();
  const int next = chosen ? chosen->next : state.default_next;
  if (next < 0)
    return FailState(flow, FailureOf(Error{Code::kInvalid, "States.NoChoiceMatched",
                                           "Failed to transition out of the state. The state does "
                                           "not point to a next state."},
                                     flow));
  const std::optional<Template>& assign = chosen ? chosen->assign : state.assign;
  const std::optional<Template>& output = chosen ? chosen->output : state.output;
  Json assigned;
  if (assign) {
    Result<Json> made = Ask(*assign, place + "Assign", flow);
    if (!made) return FailState(flow, FailureOf(made.error(), flow));
    assigned = *std::move(made);
  }
  if (!output) return Leave(flow, flow.input, assigned, next);
  Result<Json> made = Ask(*output, place + "Output", flow);
  if (!made) return FailState(flow, FailureOf(made.error(), flow));
  Leave(flow, Payload::Of(*std::move(made)), assigned, next);
}

void Execution::Interpreter::RunQueryFail(Flow& flow) {
  const State& state = *flow.state;
  Failure failure;
  if (state.error_query) {
    Result<std::string> error = AskText(*state.error_query, "Error", flow);
    if (!error) return FailState(flow, FailureOf(error.error(), flow));
    failure.error = *std::move(error);
  }
  if (state.cause_query) {
    Result<std::string> cause = AskText(*state.cause_query, "Cause", flow);
    if (!cause) return FailState(flow, FailureOf(cause.error(), flow));
    failure.cause = *std::move(cause);
  }
  FailFlow(flow, std::move(failure));
}

// Both fields see the variables from before the assignment.
void Execution::Interpreter::FinishQueries(Flow& flow, const Payload& result) {
  const State& state = *flow.state;
  const bool has_result = state.type == StateType::kTask || state.type == StateType::kParallel ||
                          state.type == StateType::kMap;
  const QueryValues values{.result = has_result ? &result.value : nullptr};
  Json assigned;
  if (state.assign) {
    Result<Json> made = Ask(*state.assign, "Assign", flow, values);
    if (!made) return FailState(flow, FailureOf(made.error(), flow));
    assigned = *std::move(made);
  }
  if (!state.output) return Leave(flow, has_result ? result : flow.input, assigned, state.next);
  Result<Json> made = Ask(*state.output, "Output", flow, values);
  if (!made) return FailState(flow, FailureOf(made.error(), flow));
  Leave(flow, Payload::Of(*std::move(made)), assigned, state.next);
}

}  // namespace stepmill::asl
