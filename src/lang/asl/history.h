#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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

/// What a turn keeps of its history, small: {"id", "at": of the first event, "e": numbers, "n":
/// names, "v": values}. Each event is eight to twenty bytes when it is stored: type * 16 + state
/// type; its id less that of the event before; id less previous id; milliseconds since the event
/// before; then for states the places of name and payload in "n" and "v", for all but kStateEntered
/// that of the details, 0: null. Null for no events.
Json PackHistory(const std::vector<HistoryEvent>& events);
/// What PackHistory took. Of a damaged value: as far as it reads.
std::vector<HistoryEvent> UnpackHistory(const Json& packed);

/// An entry of GetExecutionHistory's "events". `timestamp` is in seconds, as the API gives it.
Json HistoryToJson(const HistoryEvent& event);
/// "PassStateEntered".
std::string HistoryTypeName(const HistoryEvent& event);

}  // namespace stepmill::asl
