#pragma once

#include "gate/operation.h"

namespace stepmill::ecs {

/// Elastic Container Service: clusters, task definitions, tasks.
extern const Service kService;

}  // namespace stepmill::ecs
