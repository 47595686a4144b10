#pragma once

#include "engine/engine.h"
#include "service/ports.h"

namespace stepmill::states {

/// Name of the performer that runs asynchronous Express executions.
inline constexpr char kExpressPerformerName[] = "states.express";

/// Runs one execution from its start to its end in memory: nothing of it is durable but what its
/// tasks do and its log lines. `data` is what an instance is started with (execution_machine.h),
/// `revision` the revision's document. Returns the execution's document as it ended.
Task<Json> RunExpress(Ports& ports, Json data, Json revision);

/// `what`: {"data", "revision": key of its document}.
Engine::Performer MakeExpressPerformer(Ports& ports);

}  // namespace stepmill::states
