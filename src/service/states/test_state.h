#pragma once

#include "gate/operation.h"

namespace stepmill::states {

/// Runs one state: what a mock says, or in truth. A Task without a mock is asked for through the
/// door as the role, with a transaction of its own; the test itself keeps nothing. Ends after five
/// minutes with States.Timeout, as AWS documents.
Task<Json> TestState(Call& call);

}  // namespace stepmill::states
