#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "json/json.h"
#include "lang/asl/definition.h"
#include "lang/asl/history.h"
#include "lang/asl/limits.h"
#include "lang/asl/map_run.h"

namespace stepmill::asl {

/// What an execution knows of itself from its start.
struct StartInfo {
  std::string execution_arn, name, role_arn;
  std::string state_machine_arn, state_machine_name;  ///< without version
  std::string version_arn, alias_arn;                 ///< empty: started without one
  std::string region;
  Time started_at;
  std::string input_text;  ///< JSON as the caller wrote it: history and passed-on values keep it
  bool is_express = false;
  bool is_sync = false;  ///< Express, run while its caller waits
  /// Of one turn. Part of what is recorded: with another number the same events come to other
  /// turns.
  int transitions_max = kTurnTransitionsMax;
};

/// Something that happened outside. `at` and `entropy` are stamped once by the loop; the
/// interpreter has no other clock and no other chance.
struct Event {
  enum class Kind {
    kStarted,
    kTaskScheduled,  ///< task: its activity is there (one that is not: kTaskFailed, States.Runtime)
    kTaskStarted,    ///< task (an activity's worker took it); output: its details, or null
    kTaskSubmitted,  ///< task, output: the answer to the submission of a .sync or callback task
    kTaskSucceeded,  ///< task, output
    kTaskFailed,     ///< task, error, cause
    kTaskHeartbeat,  ///< task
    kTimerFired,     ///< timer
    kMapRunSucceeded,  ///< map_run, output; error and cause where the output is too large
    kMapRunFailed,     ///< map_run, error, cause
    kStop,             ///< error, cause
    kContinue,         ///< after a turn that goes on
    kRedrive,          ///< of one that failed, was aborted or timed out: goes on where it stopped
  };
  Kind kind = Kind::kStarted;
  Time at;
  uint64_t entropy = 0;
  uint64_t task = 0;
  uint64_t timer = 0;
  uint64_t map_run = 0;
  Json output;
  std::optional<std::string> error, cause;
};

/// A task to be done outside, once or more often, under this id.
struct ScheduleTask {
  uint64_t task = 0;
  Resource resource;
  Json input;                           ///< evaluated parameters, or the effective input
  std::optional<std::string> role_arn;  ///< Credentials; otherwise the execution's role
  std::string token;                    ///< .waitForTaskToken, .sync and activities
  std::optional<int64_t> timeout_seconds, heartbeat_seconds;
  std::string state_name;
};

enum class Status { kRunning, kSucceeded, kFailed, kTimedOut, kAborted };
std::string_view StatusName(Status status);

/// What follows from one event.
struct Turn {
  struct Timer {
    uint64_t id = 0;
    Time at;
  };
  std::vector<HistoryEvent> history;
  std::vector<ScheduleTask> tasks;
  std::vector<StartMapRun> map_runs;
  std::vector<uint64_t> map_run_cancels;  ///< what they say at their end is not waited for
  std::vector<uint64_t> task_cancels;     ///< best effort: a result that still comes is ignored
  std::vector<Timer> timers;
  std::vector<uint64_t> timer_cancels;
  bool goes_on = false;  ///< it has used up its transitions: kContinue, and nothing is waited for
  Status status = Status::kRunning;
  Json output_text;  ///< kSucceeded: JSON text
  std::optional<std::string> error, cause;
};

struct Probe;

/// One execution: a pure function from events to turns over a compiled definition. The same events
/// give the same turns; an event that fits nothing (a timer or task that is gone) gives an empty
/// one. One Advance runs every transition up to where everything waits, or as many as a turn may
/// have.
///
/// An execution that ended without success keeps where it stood: kRedrive (Step Functions:
/// "Restarting state machine executions with redrive") makes it run again from there, under the
/// same ids: the failed state anew, of a Parallel or Map only what failed or was aborted, with
/// attempts, timeouts and the execution's own timeout begun again. kRedrive of any other is
/// dropped.
///
/// Not copied, not shared between threads.
class Execution {
 public:
  /// `probe`: runs its state alone (probe.h); outlives the execution.
  Execution(std::shared_ptr<const Definition> definition, StartInfo start, Probe* probe = nullptr);
  ~Execution();
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  Turn Advance(const Event& event);
  bool is_finished() const;
  const StartInfo& start() const;
  int64_t event_count() const;  ///< events of history so far
  int redrive_count() const;

 private:
  class Interpreter;
  std::unique_ptr<Interpreter> interpreter_;
};

/// A task's token: opaque to clients, read back by ReadTaskToken.
std::string MakeTaskToken(const std::string& execution_arn, uint64_t task);
struct TaskToken {
  std::string execution_arn;
  uint64_t task = 0;
};
std::optional<TaskToken> ReadTaskToken(std::string_view token);

}  // namespace stepmill::asl
