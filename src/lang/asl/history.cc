#include "lang/asl/history.h"

#include <array>

#include "lang/asl/definition.h"

namespace stepmill::asl {
namespace {

struct TypeRow {
  std::string_view name;
  std::string_view details;  // the detail member; empty: none
};

// In the order of EventType.
constexpr std::array<TypeRow, 41> kRows{{
    {"ExecutionStarted", "executionStartedEventDetails"},
    {"ExecutionSucceeded", "executionSucceededEventDetails"},
    {"ExecutionFailed", "executionFailedEventDetails"},
    {"ExecutionAborted", "executionAbortedEventDetails"},
    {"ExecutionTimedOut", "executionTimedOutEventDetails"},
    {"StateEntered", "stateEnteredEventDetails"},
    {"StateExited", "stateExitedEventDetails"},
    {"StateAborted", ""},
    {"ParallelStateStarted", ""},
    {"ParallelStateSucceeded", ""},
    {"ParallelStateFailed", ""},
    {"MapStateStarted", "mapStateStartedEventDetails"},
    {"MapStateSucceeded", ""},
    {"MapStateFailed", ""},
    {"MapIterationStarted", "mapIterationStartedEventDetails"},
    {"MapIterationSucceeded", "mapIterationSucceededEventDetails"},
    {"MapIterationFailed", "mapIterationFailedEventDetails"},
    {"MapIterationAborted", "mapIterationAbortedEventDetails"},
    {"MapRunStarted", "mapRunStartedEventDetails"},
    {"MapRunSucceeded", ""},
    {"MapRunFailed", "mapRunFailedEventDetails"},
    {"MapRunAborted", ""},
    {"MapRunRedriven", "mapRunRedrivenEventDetails"},
    {"TaskScheduled", "taskScheduledEventDetails"},
    {"TaskStarted", "taskStartedEventDetails"},
    {"TaskSubmitted", "taskSubmittedEventDetails"},
    {"TaskSucceeded", "taskSucceededEventDetails"},
    {"TaskFailed", "taskFailedEventDetails"},
    {"TaskTimedOut", "taskTimedOutEventDetails"},
    {"LambdaFunctionScheduled", "lambdaFunctionScheduledEventDetails"},
    {"LambdaFunctionStarted", ""},
    {"LambdaFunctionSucceeded", "lambdaFunctionSucceededEventDetails"},
    {"LambdaFunctionFailed", "lambdaFunctionFailedEventDetails"},
    {"LambdaFunctionTimedOut", "lambdaFunctionTimedOutEventDetails"},
    {"ActivityScheduled", "activityScheduledEventDetails"},
    {"ActivityStarted", "activityStartedEventDetails"},
    {"ActivitySucceeded", "activitySucceededEventDetails"},
    {"ActivityFailed", "activityFailedEventDetails"},
    {"ActivityTimedOut", "activityTimedOutEventDetails"},
    {"EvaluationFailed", "evaluationFailedEventDetails"},
    {"ExecutionRedriven", "executionRedrivenEventDetails"},
}};

bool IsStateEvent(EventType type) {
  return type == EventType::kStateEntered || type == EventType::kStateExited ||
         type == EventType::kStateAborted;
}

Json NotTruncated() { return Json::Object{{"truncated", false}}; }

}  // namespace

std::string HistoryTypeName(const HistoryEvent& event) {
  std::string name;
  if (IsStateEvent(event.type)) name = StateTypeName(static_cast<StateType>(event.state_type));
  return name += kRows[static_cast<size_t>(event.type)].name;
}

Json HistoryToJson(const HistoryEvent& event) {
  Json::Object out;
  out.Add("timestamp", SecondsSinceEpoch(event.at));
  out.Add("type", HistoryTypeName(event));
  out.Add("id", event.id);
  out.Add("previousEventId", event.previous_id);
  const std::string_view member = kRows[static_cast<size_t>(event.type)].details;
  if (event.type == EventType::kStateEntered) {
    out.Add(std::string(member),
            Json::Object{
                {"name", event.name}, {"input", event.payload}, {"inputDetails", NotTruncated()}});
  } else if (event.type == EventType::kStateExited) {
    Json::Object details{
        {"name", event.name}, {"output", event.payload}, {"outputDetails", NotTruncated()}};
    if (!event.details.is_null()) {
      details.Add("assignedVariables", event.details);
      details.Add("assignedVariablesDetails", NotTruncated());
    }
    out.Add(std::string(member), std::move(details));
  } else if (!member.empty()) {
    out.Add(std::string(member), event.details);
  }
  return out;
}

}  // namespace stepmill::asl
