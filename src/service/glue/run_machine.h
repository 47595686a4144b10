#pragma once

#include <string>

#include "engine/engine.h"

/// The machine of one job run and of its retries, one after the other (Glue: "Job run statuses").
namespace stepmill::glue {

inline constexpr char kMachine[] = "glue.run";

/// Events: "start" {"run", "job"}; effects "admit:N" (may a waiting run begin?), and of attempt A
/// "run:A" "out:A" "err:A" "end:A" "stop:A:N" "clean:A"; timers "timeout:A" "notify:A" "expire";
/// the event of another run's end while it waits; posted "stop". State:
///
///     {"run": the document of the attempt, "job": the definition at the start,
///      "open": tags of the attempt's effects that have not ended,
///      "ask": number of the last admission asked for, "isAsking", "isAskedAgain": bool,
///      "stops": number, "isRunning", "isStopped", "isTimedOut": bool, "failure": ErrorMessage,
///      "runningSince": seconds}
Step AdvanceRun(const std::string& instance_id, const Json& state, const Event& event);

}  // namespace stepmill::glue
