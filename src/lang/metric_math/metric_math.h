#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

/// Metric math: the expressions of CloudWatch's GetMetricData and alarms (CloudWatch User Guide:
/// "Using metric math"). Arithmetic, comparisons, AND and OR, lists, and the functions that
/// `Functions()` lists. SEARCH, anomaly detection and Metrics Insights are refused by name.
namespace stepmill::metric_math {

inline constexpr size_t kExpressionCharsMax = 2048;  ///< CloudWatch's own
inline constexpr int kDepthMax = 50;
inline constexpr size_t kPointsMax = 1'000'000;  ///< of a value that FILL makes

struct Series {
  std::string label;
  int64_t period_s = 60;
  std::map<int64_t, double> points;  ///< by time, ms since the epoch
};

/// A number, a time series, or a list of those.
struct Value {
  enum class Kind { kScalar, kSeries, kList } kind = Kind::kScalar;
  double scalar = 0;
  std::vector<Series> series;  ///< one for kSeries

  static Value Of(double number) { return {Kind::kScalar, number, {}}; }
  static Value Of(Series one) { return {Kind::kSeries, 0, {std::move(one)}}; }
  static Value Of(std::vector<Series> list) { return {Kind::kList, 0, std::move(list)}; }
};

/// What an expression is evaluated over.
struct Scope {
  /// The value of another query by its id; an error when there is none.
  std::function<Result<Value>(const std::string& id)> find;
  /// Ids of the queries that are metrics, in order: METRICS().
  std::vector<std::string> metric_ids;
  int64_t start_ms = 0, end_ms = 0;
};

struct Node;
using Expression = std::shared_ptr<const Node>;

/// Errors (kInvalid, "InvalidExpression") say what was found and at which character.
Result<Expression> Parse(std::string_view text);
Result<Value> Evaluate(const Expression& expression, const Scope& scope);
/// Names of the functions that are built.
std::vector<std::string_view> Functions();

}  // namespace stepmill::metric_math
