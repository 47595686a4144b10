#include "lang/asl/history.h"

#include <array>
#include <unordered_map>

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

/// The values of a pack, each once. A name is the definition's, a payload often that of the event
/// before: they are known by where their text stands.
class Values {
 public:
  int64_t PlaceOf(const Json& value) {
    if (value.is_null()) return 0;
    if (!value.is_string()) return Add(value);
    const std::string* const address = &value.AsString();
    if (address == last_) return last_place_;
    const auto [found, is_new] = places_.try_emplace(address, 0);
    if (is_new) found->second = Add(value);
    last_ = address;
    return last_place_ = found->second;
  }
  Json Take() { return Json(std::move(values_)); }

 private:
  int64_t Add(const Json& value) {
    values_.push_back(value);
    return static_cast<int64_t>(values_.size());
  }
  Json::Array values_;
  std::unordered_map<const std::string*, int64_t> places_;
  const std::string* last_ = nullptr;
  int64_t last_place_ = 0;
};

}  // namespace

Json PackHistory(const std::vector<HistoryEvent>& events) {
  if (events.empty()) return Json();
  Json::Array numbers;
  numbers.reserve(events.size() * 6);
  Values names, values;
  int64_t id = events.front().id - 1;
  Time at = events.front().at;
  for (const HistoryEvent& event : events) {
    numbers.push_back(static_cast<int>(event.type) * 16 + event.state_type);
    numbers.push_back(event.id - id);
    numbers.push_back(event.id - event.previous_id);
    numbers.push_back(MillisSinceEpoch(event.at) - MillisSinceEpoch(at));
    id = event.id;
    at = event.at;
    if (event.type == EventType::kStateEntered || event.type == EventType::kStateExited) {
      numbers.push_back(names.PlaceOf(event.name));
      numbers.push_back(values.PlaceOf(event.payload));
    }
    if (event.type != EventType::kStateEntered) numbers.push_back(values.PlaceOf(event.details));
  }
  return Json::Object{{"id", events.front().id},
                      {"at", MillisSinceEpoch(events.front().at)},
                      {"e", Json(std::move(numbers))},
                      {"n", names.Take()},
                      {"v", values.Take()}};
}

std::vector<HistoryEvent> UnpackHistory(const Json& packed) {
  std::vector<HistoryEvent> events;
  if (!packed.is_object() || !packed["e"].is_array()) return events;
  const Json::Array& numbers = packed["e"].items();
  size_t next = 0;
  const auto number = [&]() -> int64_t {
    if (next >= numbers.size() || !numbers[next].is_integer()) return next = SIZE_MAX / 2, 0;
    return numbers[next++].AsInteger();
  };
  const auto value = [&](const char* table) -> Json {
    const auto place = static_cast<size_t>(number());
    return place == 0 || place > packed[table].size() ? Json() : packed[table].At(place - 1);
  };
  int64_t id = packed.IntOr("id", 1) - 1;
  int64_t at = packed.IntOr("at", 0);
  while (next < numbers.size()) {
    HistoryEvent event;
    const int64_t code = number();
    event.type = static_cast<EventType>(code / 16);
    event.state_type = static_cast<uint8_t>(code % 16);
    event.id = id += number();
    event.previous_id = event.id - number();
    event.at = TimeFromMillis(at += number());
    if (event.type == EventType::kStateEntered || event.type == EventType::kStateExited) {
      event.name = value("n");
      event.payload = value("v");
    }
    if (event.type != EventType::kStateEntered) event.details = value("v");
    if (next > numbers.size() || code / 16 >= static_cast<int64_t>(kRows.size())) break;
    events.push_back(std::move(event));
  }
  return events;
}

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
