#pragma once

#include <string>

#include "gate/operation.h"
#include "task/task.h"

namespace stepmill {

/// The next number of the counter at `key` (its document: {"last"}), from 1. Calls that take the
/// same one conflict, so the door runs the second anew: numbers stand in the order of the commits,
/// which a clock's milliseconds do not. A call may take several.
Task<int64_t> NextNumber(Call& call, Key key);

/// Numbers and milliseconds as keys carry them, so that they stand in order.
std::string PaddedNumber(int64_t number);

}  // namespace stepmill
