#pragma once

#include "gate/operation.h"

namespace stepmill::batch {

/// AWS Batch: compute environments, job queues, job definitions, jobs.
extern const Service kService;

}  // namespace stepmill::batch
