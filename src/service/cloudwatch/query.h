#pragma once

#include <string>
#include <vector>

#include "gate/operation.h"
#include "lang/metric_math/metric_math.h"

namespace stepmill::cloudwatch {

/// What one of MetricDataQueries gives: one line, or several where an expression makes a list.
struct QueryResult {
  std::string id;
  std::vector<metric_math::Series> lines;
  bool is_returned = true;
};

/// Checks MetricDataQueries: ids, one of MetricStat and Expression each, statistics, periods,
/// expressions. Errors are CloudWatch's ValidationError. `name` is how the input calls the list.
Result<> CheckQueries(const Json& queries, const std::string& name);

/// Runs checked queries over [start_ms, end_ms). Spans are counted from a start that is rounded as
/// CloudWatch does; with `is_aligned` from multiples of the period (alarms).
Task<std::vector<QueryResult>> RunQueries(Call& call, Json queries, int64_t start_ms,
                                          int64_t end_ms, bool is_aligned);

/// The longest Period of the queries' metrics, in seconds.
int64_t PeriodOf(const Json& queries);

}  // namespace stepmill::cloudwatch
