#pragma once

#include <string>
#include <vector>

#include "engine/engine.h"
#include "gate/door.h"
#include "lang/asl/definition.h"
#include "service/ports.h"

namespace stepmill::states {

/// Carries out the tasks of executions: asks the door as the execution's role. `what` has either
/// {"arn", "input"} (a task's resource and parameters; of an activity: whether it is there) or
/// {"service", "operation", "input"} (a call that a .sync task needs), and who asks {"role",
/// "session", "executionRole", "account", "region"}.
///
/// The output is {"output": result} or {"error": {"name", "message"}} in Step Functions' spelling;
/// an Error of kUnavailable is tried again by the engine.
Engine::Performer MakeTaskPerformer(Ports& ports);
Task<Json> PerformTask(Ports& ports, Engine::Performance performance);

/// A service's error as the output of a task: its name and cause as Step Functions spells them.
Json FailureOfCall(const Door& door, const std::string& service, bool is_sdk, const Error& error,
                   const std::string& request_id);

/// What is wrong with a task's literal parameters, in AWS's words; nothing for services that are
/// not there (their tasks fail when they run).
std::vector<std::string> CheckTaskParameters(const Door& door, const asl::Resource& resource,
                                             const Json& parameters);

}  // namespace stepmill::states
