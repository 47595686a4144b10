#pragma once

#include "engine/engine.h"
#include "service/ports.h"

namespace stepmill::states {

/// Runs Express children of Map Runs, in memory.
inline constexpr char kMapChildName[] = "states.map-child";

/// `what`: {"data", "revision"} as for asynchronous Express executions (express.h), or {"again",
/// "redriveCount", "revision"}: the same without the document, which is read and begins anew. The
/// output is the execution's document as it ended.
Engine::Performer MakeMapChildPerformer(Ports& ports);

}  // namespace stepmill::states
