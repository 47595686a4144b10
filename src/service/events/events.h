#pragma once

#include "gate/operation.h"

namespace stepmill::events {

/// EventBridge: buses, rules with patterns and schedules, targets, PutEvents.
extern const Service kService;

}  // namespace stepmill::events
