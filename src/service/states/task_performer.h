#pragma once

#include "engine/engine.h"
#include "service/ports.h"

namespace stepmill::states {

/// Carries out the tasks of executions: asks the door as the execution's role. `what` has either
/// {"arn", "input"} (a task's resource and parameters) or {"service", "operation", "input"} (a call
/// that a .sync task needs), and who asks {"role", "session", "executionRole", "account",
/// "region"}.
///
/// The output is {"output": result} or {"error": {"name", "message"}} in Step Functions' spelling;
/// an Error of kUnavailable is tried again by the engine.
Engine::Performer MakeTaskPerformer(Ports& ports);

}  // namespace stepmill::states
