#include "lang/asl/probe.h"

#include <utility>

#include "lang/asl/child_inputs.h"
#include "lang/asl/interpreter.h"

namespace stepmill::asl {

void Execution::Interpreter::FinishProbed(Flow& flow) {
  const Probe::Children& children = *probe_->children;
  if (!children.is_failure) return Finish(flow, Payload::Of(children.result));
  Failure failure;
  failure.error = children.error;
  failure.cause = children.cause;
  failure.is_of_children = true;
  FailState(flow, std::move(failure));
}

bool Execution::Interpreter::RunProbedParallel(Flow& flow) {
  if (!probe_ || flow.parent || !probe_->children) return false;
  FinishProbed(flow);
  return true;
}

bool Execution::Interpreter::RunProbedMap(Flow& flow) {
  if (!probe_ || flow.parent || !probe_->children) return false;
  if (Result<> done = PrepareProbedMap(flow); !done)
    FailState(flow, FailureOf(done.error(), flow));
  else
    FinishProbed(flow);
  return true;
}

// The items, the numbers and the tolerated failures of a Map.
Result<> Execution::Interpreter::PrepareProbedMap(Flow& flow) {
  const State& state = *flow.state;
  if (probe_->items) {
    MILL_TRY(flow.effective, Filter(state.input_path, flow.input, flow));
    See(flow, Seen::kInputPath, flow.effective.text);
    flow.items = *probe_->items;
  } else {
    MILL_CHECK(PrepareMap(flow));
  }
  See(flow, Seen::kItemsPath, Json(flow.items.Print()));
  MILL_TRY(const std::optional<double> concurrency,
           MapNumber(state.concurrency_max, "MaxConcurrency", false, flow));
  See(flow, Seen::kMaxConcurrency, Json(concurrency.value_or(0)));
  MILL_CHECK(CheckTolerance(flow));
  MILL_TRY(const std::optional<double> count,
           MapNumber(state.tolerated_failure_count, "ToleratedFailureCount", false, flow));
  if (count) See(flow, Seen::kToleratedFailureCount, Json(*count));
  MILL_TRY(const std::optional<double> percentage,
           MapNumber(state.tolerated_failure_percentage, "ToleratedFailurePercentage", true, flow));
  if (percentage) See(flow, Seen::kToleratedFailurePercentage, Json(*percentage));
  MILL_CHECK(SeeInputs(flow));
  const auto failed = static_cast<double>(probe_->children->failed);
  const bool is_exceeded =
      (count && failed > *count) ||
      (percentage && failed * 100 > *percentage * static_cast<double>(flow.items.size()));
  if (!is_exceeded || probe_->children->is_failure) return {};
  return Error{Code::kInvalid, "States.ExceedToleratedFailureThreshold",
               "The specified tolerated failure threshold was exceeded"};
}

// What the iterations begin with, where the state makes it from the items.
Result<> Execution::Interpreter::SeeInputs(Flow& flow) {
  const State& state = *flow.state;
  Json::Array inputs;
  if (!state.distributed) {
    if (!state.parameters) return {};
    for (size_t i = 0; i < flow.items.size(); ++i) {
      MILL_TRY(const Payload input, IterationInput(flow, i, MapItem(flow.items, i)));
      inputs.push_back(input.value);
    }
    See(flow, Seen::kItemSelector, Json(Json(std::move(inputs)).Print()));
    return {};
  }
  MILL_TRY(Json plan, MapRunPlan(flow));
  plan = plan.With("prefix", "");
  if (plan.Has("selector")) {
    MILL_TRY(inputs, InputsOf(plan.Without("batcher"), flow));
    See(flow, Seen::kItemSelector, Json(Json(std::move(inputs)).Print()));
  }
  if (plan.Has("batcher")) {
    MILL_TRY(inputs, InputsOf(plan, flow));
    See(flow, Seen::kItemBatcher, Json(Json(std::move(inputs)).Print()));
  }
  return {};
}

Result<Json::Array> Execution::Interpreter::InputsOf(const Json& plan, const Flow& flow) {
  MILL_TRY(ChildInputs maker, ChildInputs::Make(plan));
  for (const Json& item : flow.items.items())
    MILL_CHECK(maker.Add(item, std::nullopt, "STATE_DATA", now_, chance_.Next()));
  Json::Array inputs;
  while (std::optional<ChildInputs::Input> input = maker.Next(true))
    inputs.push_back(std::move(input->value));
  return inputs;
}

}  // namespace stepmill::asl
