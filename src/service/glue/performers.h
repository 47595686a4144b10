#pragma once

#include "service/ports.h"

namespace stepmill::glue {

/// Registers what a job run does outside. Each performer may be called again after a crash and then
/// does nothing twice.
///
///     glue.run    stages script, modules and files, starts the sandbox: {} or {"failure"}
///     glue.out    copies the standard output until the end
///     glue.err    copies the standard errors until the end
///     glue.end    waits for the end: {} or {"failure"}
///     glue.stop   TERM, 10 s, KILL
///     glue.clean  takes the sandbox away
void AddPerformers(Ports& ports);

}  // namespace stepmill::glue
