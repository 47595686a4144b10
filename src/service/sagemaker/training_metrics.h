#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "json/json.h"

namespace stepmill::sagemaker {

/// Regular expressions that cannot be read: ValidationException that names the metric.
Result<> CheckMetricDefinitions(const Json& definitions);
/// Those that AWS has for the built-in XGBoost algorithm.
Json XgboostMetricDefinitions();

/// A line as CloudWatch Logs gets it: control characters as "#ooo" (octal; a tab is #011).
std::string EscapeLogLine(const std::string& line);

struct MetricPoint {
  std::string name;
  double value = 0;
};

/// Finds metrics in log lines: each definition's expression is looked for in each line, its first
/// group is the value. NaN and infinities are no values.
class MetricMatcher {
 public:
  explicit MetricMatcher(const Json& definitions);
  ~MetricMatcher();
  std::vector<MetricPoint> Find(const std::string& line) const;

 private:
  struct Definition;
  std::vector<std::unique_ptr<Definition>> definitions_;
};

}  // namespace stepmill::sagemaker
