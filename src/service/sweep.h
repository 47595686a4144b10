#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "gate/operation.h"

namespace stepmill {

/// Takes away what something that was deleted has left behind: many documents, some in each
/// transaction, by an instance of the loop. A service adds AdvanceSweep as a machine of its own
/// name, and SweepLeftovers as an internal row.
///
/// `row` is that row, "SweepTable". All documents whose keys begin with one of `prefixes` go.
void StartSweep(Call& call, std::string_view service, std::string_view row,
                std::string_view machine, const std::string& id, const std::vector<Key>& prefixes);
Step AdvanceSweep(const std::string& instance_id, const Json& state, const Event& event);
/// Internal: {"prefixes"} -> {"isDone"}
Task<Json> SweepLeftovers(Call& call);

}  // namespace stepmill
