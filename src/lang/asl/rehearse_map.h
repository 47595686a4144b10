#pragma once

#include "lang/asl/rehearsal.h"

// Inside this folder only.

namespace stepmill::asl {

/// A Map Run of a rehearsed execution: its children one after the other, each on a clock of its
/// own, as if as many ran at the same time as MaxConcurrency allows. Fills `ended` with the run's
/// end and returns when that is. There are no objects: a run with an ItemReader fails.
Time RehearseMapRun(const StartMapRun& run, const StartInfo& parent, Time start, uint64_t entropy,
                    const RehearsalHooks& hooks, Event& ended);

}  // namespace stepmill::asl
