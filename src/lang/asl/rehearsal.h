#pragma once

#include <functional>
#include <vector>

#include "lang/asl/execution.h"

namespace stepmill::asl {

/// How a rehearsed task ends. `after`: how long it takes; the task's own timeout may come first.
struct TaskAnswer {
  Millis after{0};
  bool is_failure = false;
  Json output;                    ///< success
  std::optional<Json> submitted;  ///< .sync and callback tasks: the answer to the submission
  std::optional<std::string> error, cause;
};

struct RehearsalHooks {
  std::function<TaskAnswer(const ScheduleTask&)> answer;
  /// Every event of the history, as it comes.
  std::function<void(const HistoryEvent&)> on_history;
  /// Called with the moment up to which nothing happens; a fast-forwarded run returns at once.
  std::function<void(Time)> wait_until;
  int redrives = 0;  ///< how often it is redriven at the moment at which it ends without success
};

struct RehearsalResult {
  Status status = Status::kRunning;  ///< kRunning: nothing was left to happen
  Json output_text;
  std::optional<std::string> error, cause;
  std::vector<Millis> waits;  ///< the time between two moments at which something happened
};

/// Runs one execution from its start to its end on a clock of its own, without a server. Pure apart
/// from the hooks.
RehearsalResult Rehearse(Execution& execution, Time start, uint64_t entropy,
                         const RehearsalHooks& hooks);

}  // namespace stepmill::asl
