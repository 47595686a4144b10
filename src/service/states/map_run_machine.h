#pragma once

#include <memory>

#include "engine/engine.h"

namespace stepmill::states {

/// The engine's machine that carries out Map Runs (map_run_documents.h says under which id).
inline constexpr char kMapRunMachineName[] = "states.map-run";

/// One Map Run: reads its items by the performer of map_items.h, starts a child execution for each
/// item or batch while MaxConcurrency allows, counts how they end, stops them when too many failed
/// or when its own execution ends, has the results written (map_results.h), and tells its
/// execution.
///
/// What it is told: "child" {"index", "document"} by a child at its end; "stop" when its execution
/// has ended; "update" {"maxConcurrency"?, "toleratedFailureCount"?,
/// "toleratedFailurePercentage"?}; "more" by itself, so that no turn starts more than
/// kStartsPerTurn children.
///
/// Items that do not fit into one record stand in a blob and come in portions; results are kept by
/// the children's documents. So the size of a run bounds neither a record nor the memory.
std::unique_ptr<Machine> MakeMapRunMachine();

}  // namespace stepmill::states
