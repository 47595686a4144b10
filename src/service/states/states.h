#pragma once

#include "gate/operation.h"

namespace stepmill::states {

/// The table of Step Functions: state machines and their executions.
extern const Service kService;

}  // namespace stepmill::states
