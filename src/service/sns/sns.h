#pragma once

#include "gate/operation.h"

namespace stepmill::sns {

/// SNS: topics, subscriptions, and what is published to them.
extern const Service kService;

}  // namespace stepmill::sns
