#pragma once

#include <cstdint>
#include <string_view>

#include "base/time.h"
#include "json/json.h"

namespace stepmill::asl {

/// The types of history events that this interpreter writes, named as AWS names them.
enum class EventType : uint8_t {
  kExecutionStarted,
  kExecutionSucceeded,
  kExecutionFailed,
  kExecutionAborted,
  kExecutionTimedOut,
  kStateEntered,  ///< with the state's type: "PassStateEntered"
  kStateExited,
  kStateAborted,
  kParallelStateStarted,
  kParallelStateSucceeded,
  kParallelStateFailed,
  kMapStateStarted,
  kMapStateSucceeded,
  kMapStateFailed,
  kMapIterationStarted,
  kMapIterationSucceeded,
  kMapIterationFailed,
  kMapIterationAborted,
  kMapRunStarted,
  kMapRunSucceeded,
  kMapRunFailed,
  kMapRunAborted,
  kMapRunRedriven,
  kTaskScheduled,
  kTaskStarted,
  kTaskSubmitted,
  kTaskSucceeded,
  kTaskFailed,
  kTaskTimedOut,
  kLambdaFunctionScheduled,
  kLambdaFunctionStarted,
  kLambdaFunctionSucceeded,
  kLambdaFunctionFailed,
  kLambdaFunctionTimedOut,
  kActivityScheduled,
  kActivityStarted,
  kActivitySucceeded,
  kActivityFailed,
  kActivityTimedOut,
  kEvaluationFailed,
  kExecutionRedriven,
};

/// One event of an execution's history, small: AWS's JSON is made when it is asked for.
struct HistoryEvent {
  EventType type = EventType::kExecutionStarted;
  uint8_t state_type = 0;  ///< StateType, for kStateEntered, -Exited, -Aborted
  int64_t id = 0;
  int64_t previous_id = 0;
  Time at;
  Json name;     ///< kStateEntered, kStateExited: the state's name
  Json payload;  ///< the same: input or output as JSON text
  Json details;  ///< other types: the detail member; kStateExited: assigned variables, or null
};

/// An entry of GetExecutionHistory's "events". `timestamp` is in seconds, as the API gives it.
Json HistoryToJson(const HistoryEvent& event);
/// "PassStateEntered".
std::string HistoryTypeName(const HistoryEvent& event);

}  // namespace stepmill::asl
