#pragma once

#include "gate/operation.h"
#include "service/lambda/fleet.h"
#include "service/lambda/records.h"

namespace stepmill::lambda {

/// Runs what a name was resolved to. AWS's errors; what the function itself did wrong is in the
/// outcome.
Task<Outcome> RunFunction(Call& call, Resolved found, Work work);

}  // namespace stepmill::lambda
