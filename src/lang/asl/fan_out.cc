#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/strings.h"
#include "lang/asl/interpreter.h"

namespace stepmill::asl {
namespace {

Error Runtime(std::string message) {
  return Error{Code::kInvalid, "States.Runtime", std::move(message)};
}

// A number, or a text that holds one.
std::optional<double> NumberIn(const Json& value, bool is_float) {
  if (value.is_number()) {
    const double number = value.AsDouble();
    return is_float || number == std::floor(number) ? std::optional<double>(number) : std::nullopt;
  }
  if (!value.is_string() || value.AsString().empty()) return std::nullopt;
  if (!is_float) {
    const std::optional<int64_t> number = ParseInt(value.AsString());
    return number ? std::optional<double>(static_cast<double>(*number)) : std::nullopt;
  }
  char* end = nullptr;
  const double number = std::strtod(value.AsString().c_str(), &end);
  return *end == '\0' && std::isfinite(number) ? std::optional<double>(number) : std::nullopt;
}

}  // namespace

Flow& Execution::Interpreter::StartChild(Flow& parent, int index, const StateMachine& machine,
                                         Payload input) {
  auto child = std::make_unique<Flow>();
  child->machine = &machine;
  child->parent = &parent;
  child->index = index;
  child->state = &machine.states[static_cast<size_t>(machine.start)];
  child->variables.outer = &parent.variables;
  child->input = std::move(input);
  Flow& started = *child;
  parent.children[static_cast<size_t>(index)] = std::move(child);
  ++parent.running;
  Ready(started);
  return started;
}

void Execution::Interpreter::RunParallel(Flow& flow) {
  const State& state = *flow.state;
  Result<Payload> in = Filter(state.input_path, flow.input, flow);
  if (in && state.is_jsonata && state.parameters) {
    Result<Json> arguments = Ask(*state.parameters, "Arguments", flow);
    in = arguments ? Result<Payload>(Payload::Of(*std::move(arguments)))
                   : Result<Payload>(arguments.error());
  } else if (in) {
    in = Fill(state.parameters, *in, flow);
  }
  if (!in) return FailState(flow, FailureOf(in.error(), flow));
  flow.effective = *std::move(in);
  if (Result<> fits = CheckSize(flow.effective, flow); !fits)
    return FailState(flow, FailureOf(fits.error(), flow));
  if (RunProbedParallel(flow)) return;
  flow.last = Emit(EventType::kParallelStateStarted, flow.last);
  if (is_history_full_) return;
  flow.waiting = Flow::Waiting::kChildren;
  flow.running = 0;
  flow.children.clear();
  flow.children.resize(state.branches.size());
  flow.results.assign(state.branches.size(), Json());
  flow.children_last = flow.last;
  for (size_t i = 0; i < state.branches.size(); ++i)
    StartChild(flow, static_cast<int>(i), *state.branches[i], flow.effective).last = flow.last;
}

void Execution::Interpreter::RunMap(Flow& flow) {
  if (RunProbedMap(flow)) return;
  if (std::exchange(flow.redrives_run, false)) return RedriveMapRun(flow);
  if (Result<> prepared = PrepareMap(flow); !prepared)
    return FailState(flow, FailureOf(prepared.error(), flow));
  // A JSONata state evaluates its fields as it starts; JSONPath's further ones are read behind the
  // event.
  const bool is_jsonata = flow.state->is_jsonata;
  std::optional<Json> plan;
  if (is_jsonata) {
    if (Result<> checked = CheckTolerance(flow); !checked)
      return FailState(flow, FailureOf(checked.error(), flow));
    if (flow.state->distributed) {
      Result<Json> made = MapRunPlan(flow);
      if (!made) return FailState(flow, FailureOf(made.error(), flow));
      plan = *std::move(made);
    }
  }
  flow.last = Emit(EventType::kMapStateStarted, flow.last,
                   Json::Object{{"length", static_cast<int64_t>(flow.items.size())}});
  if (is_history_full_) return;
  if (!is_jsonata) {
    if (Result<> checked = CheckTolerance(flow); !checked)
      return FailState(flow, FailureOf(checked.error(), flow));
  }
  if (flow.state->distributed) return BeginMapRun(flow, std::move(plan));
  flow.waiting = Flow::Waiting::kChildren;
  flow.running = 0;
  flow.next_item = 0;
  flow.children.clear();
  flow.children.resize(flow.items.size());
  flow.results.assign(flow.items.size(), Json());
  flow.children_last = flow.last;
  if (flow.items.size() == 0) return FinishChildren(flow);
  Result<std::optional<double>> limit =
      MapNumber(flow.state->concurrency_max, "MaxConcurrency", false, flow);
  const double wanted = limit && *limit ? **limit : 0;
  const size_t concurrent = wanted >= 1 && wanted < kInlineConcurrencyMax
                                ? static_cast<size_t>(wanted)
                                : static_cast<size_t>(kInlineConcurrencyMax);
  const int64_t started = flow.last;
  while (flow.next_item < flow.items.size() && flow.running < concurrent) {
    if (Result<> begun = StartIteration(flow, started); !begun) {
      DropChildren(flow);
      return FailState(flow, FailureOf(begun.error(), flow));
    }
  }
}

// Items and MaxConcurrency, which fail before the state counts as started.
Result<> Execution::Interpreter::PrepareMap(Flow& flow) {
  const State& state = *flow.state;
  MILL_TRY(flow.effective, Filter(state.input_path, flow.input, flow));
  See(flow, Seen::kInputPath, flow.effective.text);
  MILL_TRY(const std::optional<double> concurrency,
           MapNumber(state.concurrency_max, "MaxConcurrency", false, flow));
  if (concurrency && *concurrency < 0) return Runtime("MaxConcurrency cannot be negative.");
  if (state.distributed && state.distributed->reader) {
    flow.items = Json();  // they come from elsewhere
    return {};
  }
  if (state.is_jsonata) {
    MILL_TRY(flow.items, AskItems(flow));
    return {};
  }
  flow.items = flow.effective.value;
  std::string path = "$";
  if (state.items_path) {
    path = state.items_path->text();
    const FlowContext context(*this, flow);
    const Scope scope = ScopeOf(flow.effective.value, flow, context);
    Result<Json> items = state.items_path->Evaluate(scope);
    if (!items) {
      if (items.error().name != "PathNotFound") return items.error();
      return Runtime("Invalid path '" + path + "' : " + items.error().message);
    }
    flow.items = *std::move(items);
    if (path.starts_with("$$")) path.erase(0, 1);
  }
  if (!flow.items.is_array())
    return Runtime("Reference path \"" + path + "\" must point to array.");
  return {};
}

Result<> Execution::Interpreter::CheckTolerance(Flow& flow) {
  const State& state = *flow.state;
  MILL_TRY(const std::optional<double> count,
           MapNumber(state.tolerated_failure_count, "ToleratedFailureCount", false, flow));
  if (count && *count < 0) return Runtime("ToleratedFailureCount cannot be negative.");
  MILL_TRY(const std::optional<double> percentage,
           MapNumber(state.tolerated_failure_percentage, "ToleratedFailurePercentage", true, flow));
  if (percentage && (*percentage < 0 || *percentage > 100))
    return Runtime("ToleratedFailurePercentage must be between 0 and 100.");
  return {};
}

Result<std::optional<double>> Execution::Interpreter::MapNumber(const NumberField& field,
                                                                const char* name, bool is_float,
                                                                Flow& flow, const char* place) {
  if (field.query) {
    MILL_TRY(const double number, AskNumber(*field.query, std::string(place) + name, is_float,
                                            is_float ? 100 : 1e9, flow));
    return std::optional<double>(number);
  }
  if (field.value || !field.path) return field.value;
  const FlowContext context(*this, flow);
  const Scope scope = ScopeOf(flow.effective.value, flow, context);
  Result<Json> value = field.path->Evaluate(scope);
  if (!value) {
    if (value.error().name != "PathNotFound") return value.error();
    return Runtime("Invalid path '" + field.path->text() + "' : " + value.error().message);
  }
  const std::optional<double> number = NumberIn(*value, is_float);
  if (!number)
    return Runtime("The " + std::string(name) + "Path field refers to value \"" +
                   (value->is_string() ? value->AsString() : value->Print()) +
                   "\" which is not a valid " + (is_float ? "float" : "integer") + ": " +
                   field.path->text());
  return number;
}

Result<> Execution::Interpreter::StartIteration(Flow& flow, int64_t previous) {
  const State& state = *flow.state;
  const size_t index = flow.next_item++;
  const int64_t started =
      EmitIteration(EventType::kMapIterationStarted, flow, static_cast<int>(index), previous);
  const Json map_item = state.parameters ? MapItem(flow.items, index) : Json();
  MILL_TRY(Payload input, IterationInput(flow, index, map_item));
  Flow& child = StartChild(flow, static_cast<int>(index), *state.branches[0], std::move(input));
  child.last = started;
  child.is_iteration = true;
  child.item = flow.items.At(index);
  return {};
}

Result<Payload> Execution::Interpreter::Select(Flow& flow) {
  const State& state = *flow.state;
  if (!state.is_jsonata) return Fill(state.parameters, flow.effective, flow);
  MILL_TRY(Json value, Ask(*state.parameters, "ItemSelector", flow));
  return Payload::Of(std::move(value));
}

Json Execution::Interpreter::MapItem(const Json& items, size_t index) {
  return ItemContext(static_cast<int64_t>(index), items.At(index));
}

Json Execution::Interpreter::ItemContext(int64_t index, const Json& item) {
  return Json::Object{{"Item", Json::Object{{"Index", index}, {"Value", item}}}};
}

// What the iteration begins with: the item, or what ItemSelector makes of it.
Result<Payload> Execution::Interpreter::IterationInput(Flow& flow, size_t index,
                                                       const Json& map_item) {
  if (!flow.state->parameters) return Payload::Of(flow.items.At(index));
  // ItemSelector sees the item by the context object of its own evaluation.
  const Json outer = flow.map_item;
  flow.map_item = map_item;
  Result<Payload> selected = Select(flow);
  flow.map_item = outer;
  if (selected) MILL_CHECK(CheckSize(*selected, flow));
  return selected;
}

int64_t Execution::Interpreter::EmitIteration(EventType type, const Flow& flow, int index,
                                              int64_t previous) {
  return Emit(type, previous, Json::Object{{"name", flow.state->name_json}, {"index", index}});
}

void Execution::Interpreter::OnChildEnded(Flow& child, const Payload& output) {
  Flow& parent = *child.parent;
  const auto index = static_cast<size_t>(child.index);
  const int64_t last = child.last;
  parent.results[index] = output.value;
  --parent.running;
  variable_bytes_ -= std::min(variable_bytes_, child.variable_bytes);
  Bury(std::move(parent.children[index]));
  if (parent.state->type == StateType::kMap) {
    parent.children_last =
        EmitIteration(EventType::kMapIterationSucceeded, parent, static_cast<int>(index), last);
    if (is_history_full_) return;
    if (parent.next_item < parent.items.size()) {
      if (Result<> begun = StartIteration(parent, last); !begun) {
        parent.last = parent.children_last;
        DropChildren(parent);
        return FailState(parent, FailureOf(begun.error(), parent));
      }
    }
  } else {
    parent.children_last = std::max(parent.children_last, last);
  }
  if (parent.running == 0) FinishChildren(parent);
}

// "Succeeded" stands between the last event of the children and "Exited", which both point there.
void Execution::Interpreter::FinishChildren(Flow& flow) {
  flow.last = flow.children_last;
  flow.children.clear();
  flow.items = Json();
  Payload result = Payload::Of(Json(std::move(flow.results)));
  flow.results.clear();
  flow.waiting = Flow::Waiting::kNothing;
  const bool is_map = flow.state->type == StateType::kMap;
  if (result.size_bytes() > kPayloadBytesMax) {
    Failure failure;
    failure.error = "States.DataLimitExceeded";
    failure.cause = "The state/task '" + flow.state->name +
                    "' returned a result with a size exceeding the maximum number of bytes service "
                    "limit.";
    failure.fails_state = true;
    return FailState(flow, std::move(failure));
  }
  Emit(is_map ? EventType::kMapStateSucceeded : EventType::kParallelStateSucceeded,
       flow.children_last);
  Finish(flow, std::move(result));
}

// What a state hands on to its task, its branches or an iteration.
Result<> Execution::Interpreter::CheckSize(const Payload& parameters, const Flow& flow) const {
  if (parameters.size_bytes() <= kPayloadBytesMax) return {};
  return Error{Code::kLimit, "States.DataLimitExceeded",
               "The state/task '" + flow.state->name +
                   "' provided parameters with a size exceeding the maximum number of bytes "
                   "service limit."};
}

}  // namespace stepmill::asl
