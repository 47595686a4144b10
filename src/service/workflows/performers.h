#pragma once

#include "engine/engine.h"
#include "lang/workflow/output.h"
#include "service/ask.h"

namespace stepmill::workflows {

/// Registers what runs do outside. Each may be called again after a crash.
void AddPerformers(Ports& ports);

inline constexpr char kWorkFolder[] = "/home/runner/work";

/// The repository's secrets: /stepmill/workflows/REPOSITORY/secrets/NAME.
Task<std::map<std::string, Secret>> ReadSecrets(Asker asker, std::string repository);
/// One step of a job; see lang/workflow/run.h for the result.
Task<Json> PerformStep(Ports& ports, Json what);

}  // namespace stepmill::workflows
