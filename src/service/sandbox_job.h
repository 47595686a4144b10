#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "compute/backend.h"
#include "service/log_pump.h"

namespace stepmill {

/// What builds and workflow jobs do alike with their sandbox: a container that takes commands one
/// by one. Each may be repeated after a crash.

/// Starts it and runs an empty command as step 1: its exit status says whether there is a shell.
Task<int> StartSandbox(Ports& ports, JobSpec spec);
/// Ends it; one that never came up has nothing to end.
Task<> StopSandbox(Ports& ports, JobId job, std::chrono::seconds grace);
/// Takes it away; one that never came up has nothing to take away.
Task<> RemoveJob(Ports& ports, JobId job);
/// Puts the last lines into its log (best effort: a role that may not write is shown by the log),
/// takes it away and forgets its log's pump.
Task<> RemoveSandbox(Asker asker, JobId job, LogTarget target, std::vector<std::string> lines,
                     std::string effect_id);

}  // namespace stepmill
