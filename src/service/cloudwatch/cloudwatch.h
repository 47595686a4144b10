#pragma once

#include "gate/operation.h"

namespace stepmill::cloudwatch {

/// CloudWatch: metrics, metric math, alarms.
extern const Service kService;

}  // namespace stepmill::cloudwatch
