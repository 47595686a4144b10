#pragma once

#include <string>

namespace stepmill::sandbox {

/// The entry point of a stepped job, usually process 1 of its container: runs the commands that
/// appear in `folder` (see steps.h) until TERM or INT, which it hands on to everything that runs;
/// then it ends with 143 as soon as its children have. Adopts and reaps orphans.
///
/// A step gets /dev/null as input, the log as output and errors, and a session of its own. What a
/// step leaves running in the background goes on. When a step's time is over its session's group
/// gets TERM and, ten seconds later, KILL. A program that cannot be run is exit code 127 (not
/// there) or 126, with a line in the log.
///
/// Returns the exit code of the process.
int RunSteps(const std::string& folder);

}  // namespace stepmill::sandbox
