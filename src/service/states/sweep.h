#pragma once

#include "engine/engine.h"
#include "service/ports.h"

namespace stepmill::states {

/// Name of the performer that ends the executions of a state machine that was deleted.
inline constexpr char kSweepPerformerName[] = "states.sweep";
/// `what`: {"prefix": of the index of starts, "machine", "account", "region", "deletedAt"}. Those
/// that started later (the name was used again) go on.
Engine::Performer MakeSweepPerformer(Ports& ports);

}  // namespace stepmill::states
