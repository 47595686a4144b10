#include "history_check.h"

#include <algorithm>

namespace stepmill::sim {
namespace {

bool IsEnd(const std::string& type) {
  return type == "ExecutionSucceeded" || type == "ExecutionFailed" || type == "ExecutionAborted" ||
         type == "ExecutionTimedOut";
}

std::string EndOf(const std::string& status) {
  if (status == "SUCCEEDED") return "ExecutionSucceeded";
  if (status == "FAILED") return "ExecutionFailed";
  if (status == "ABORTED") return "ExecutionAborted";
  return "ExecutionTimedOut";
}

class Check {
 public:
  Check(const std::vector<Json>& events, const Expected& expected)
      : events_(events), expected_(expected) {}

  std::vector<std::string> Run() {
    if (events_.empty()) return {"there is no history"};
    CheckOrder();
    CheckEnds();
    CheckStates();
    for (const auto& [type, count] : expected_.counts)
      if (counts_[type] != count)
        Wrong(std::to_string(counts_[type]) + " events " + type + ", expected " +
              std::to_string(count));
    return std::move(wrong_);
  }

 private:
  void Wrong(std::string what) { wrong_.push_back(std::move(what)); }

  void CheckOrder() {
    int64_t id = 0;
    double last = 0;
    for (const Json& event : events_) {
      const int64_t before = event.IntOr("previousEventId", -1);
      if (event.IntOr("id", 0) != ++id)
        Wrong("event " + std::to_string(id) + " has the id " + event["id"].Print());
      if (before < 0 || before >= id)
        Wrong("event " + std::to_string(id) + " follows event " + std::to_string(before));
      const double at = event["timestamp"].is_number() ? event["timestamp"].AsDouble() : -1;
      if (at < last) Wrong("the time goes back at event " + std::to_string(id));
      last = at;
      ++counts_[event.StringOr("type", "")];
    }
    if (events_[0].StringOr("type", "") != "ExecutionStarted") Wrong("it does not begin");
  }

  void CheckEnds() {
    bool is_open = true;
    for (const Json& event : events_) {
      const std::string type = event.StringOr("type", "");
      if (type == "ExecutionRedriven") {
        if (is_open) Wrong("it is redriven before its end");
        is_open = true;
      } else if (!is_open) {
        Wrong(type + " comes after the end");
      }
      if (IsEnd(type)) is_open = false;
    }
    const std::string last = events_.back().StringOr("type", "");
    if (last != EndOf(expected_.status))
      Wrong("it is " + expected_.status + " and its history ends with " + last);
  }

  void CheckStates() {
    if (expected_.status != "SUCCEEDED" || counts_["ExecutionRedriven"] > 0) return;
    for (const auto& [type, count] : counts_) {
      constexpr std::string_view kEntered = "StateEntered";
      if (!type.ends_with(kEntered)) continue;
      const std::string kind = type.substr(0, type.size() - kEntered.size());
      if (const int left = counts_[kind + "StateExited"]; left != count)
        Wrong(std::to_string(count) + " states " + kind + " are entered, " + std::to_string(left) +
              " left");
    }
    const int tasks = counts_["TaskScheduled"];
    const int ends = counts_["TaskSucceeded"] + counts_["TaskFailed"] + counts_["TaskTimedOut"] +
                     counts_["TaskStartFailed"] + counts_["TaskSubmitFailed"];
    if (tasks != ends)
      Wrong(std::to_string(tasks) + " tasks begin, " + std::to_string(ends) + " end");
  }

  const std::vector<Json>& events_;
  const Expected& expected_;
  std::map<std::string, int> counts_;
  std::vector<std::string> wrong_;
};

}  // namespace

std::vector<std::string> CheckHistory(const std::vector<Json>& events, const Expected& expected) {
  return Check(events, expected).Run();
}

}  // namespace stepmill::sim
