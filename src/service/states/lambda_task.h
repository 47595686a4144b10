#pragma once

#include "engine/engine.h"
#include "lang/asl/definition.h"
#include "service/ports.h"

namespace stepmill::states {

/// A task whose resource is a function's ARN, arn:aws:states:::lambda:invoke or
/// aws-sdk:lambda:invoke.
bool IsFunctionTask(const asl::Resource& resource);

/// Carries it out as PerformTask does. What the function itself did wrong is the task's error (its
/// errorType) but for the SDK's form, which gives the answer as it is.
Task<Json> PerformFunctionTask(Ports& ports, Engine::Performance performance,
                               asl::Resource resource);

}  // namespace stepmill::states
