#pragma once

#include "gate/operation.h"

namespace stepmill::cloudwatch {

/// Sees to it that old data points are joined and go (metrics.h): from the first metric on,
/// SweepMetrics runs each hour, a slice of the metrics in each transaction.
Task<> BeginSweeps(Call& call);

}  // namespace stepmill::cloudwatch
