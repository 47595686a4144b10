#pragma once

#include <memory>

#include "engine/engine.h"

namespace stepmill::states {

/// Name of the engine's machine that runs executions; an instance's id is the execution's ARN.
inline constexpr char kMachineName[] = "states.execution";
/// Name of the performer that carries out their tasks (task_performer.h).
inline constexpr char kPerformerName[] = "states.task";

/// The "start" event: data {"document", "key", "account", "region", "express": "SYNC" or "ASYNC"},
/// shared: the document of the revision. Its history is what GetExecutionHistory shows; the
/// document under "key" is written when it ends.
///
/// The adapter between the engine's events and effects and the interpreter of the States Language.
/// It decides nothing about the language; it knows how `.sync` tasks are submitted, watched and
/// stopped, and keeps the execution's document.
std::unique_ptr<Machine> MakeExecutionMachine();

}  // namespace stepmill::states
