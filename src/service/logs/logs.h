#pragma once

#include "gate/operation.h"

namespace stepmill::logs {

/// CloudWatch Logs: groups, streams, events, filters.
extern const Service kService;

}  // namespace stepmill::logs
