#include "service/cloudwatch/query.h"

#include <algorithm>
#include <set>

#include "base/strings.h"
#include "json/each.h"
#include "service/cloudwatch/errors.h"
#include "service/cloudwatch/metrics.h"
#include "service/ports.h"

namespace stepmill::cloudwatch {

namespace {

using metric_math::Series;
using metric_math::Value;

bool IsId(std::string_view id) {
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !id.empty() && id.front() >= 'a' && id.front() <= 'z' &&
         std::all_of(id.begin(), id.end(), is_word);
}

Error InExpression(const std::string& id, const std::string& why) {
  return ValidationError("Error in expression '" + id + "': " + why);
}

Result<> CheckStat(const Json& stat, const std::string& where) {
  const int64_t period = stat.IntOr("Period", 60);
  if (period % 60 != 0 && period != 1 && period != 5 && period != 10 && period != 20 &&
      period != 30)
    return ValidationError("The parameter " + where +
                           ".MetricStat.Period must be 1, 5, 10, 20, 30, or a multiple of 60.");
  const std::string name = stat.StringOr("Stat", "");
  if (!Statistic::Parse(name))
    return ValidationError("The value " + name + " for parameter " + where +
                           ".MetricStat.Stat is not supported.");
  return Result<>();
}

/// The queries while they are run: each expression once, when another asks for it.
class Run {
 public:
  Run(const Json& queries, int64_t start_ms, int64_t end_ms) : queries_(queries) {
    scope_.find = [this](const std::string& id) { return Find(id); };
    scope_.start_ms = start_ms;
    scope_.end_ms = end_ms;
    for (const Json& query : ItemsOf(queries_))
      if (query.Has("MetricStat")) scope_.metric_ids.push_back(query.StringOr("Id", ""));
  }
  void Give(const std::string& id, Series series) { values_[id] = Value::Of(std::move(series)); }

  Result<Value> Find(const std::string& id) {
    const auto known = values_.find(id);
    if (known != values_.end()) return known->second;
    for (const Json& query : ItemsOf(queries_)) {
      if (query.StringOr("Id", "") != id) continue;
      if (!open_.insert(id).second) return InExpression(id, "it refers to itself");
      MILL_TRY(const metric_math::Expression expression,
               metric_math::Parse(query.StringOr("Expression", "")));
      Result<Value> value = metric_math::Evaluate(expression, scope_);
      open_.erase(id);
      if (!value) {
        if (value.error().name != "InvalidExpression") return value;
        return InExpression(id, value.error().message);
      }
      const std::string label = query.StringOr("Label", "");
      for (Series& series : value->series)
        if (!label.empty() || value->kind == Value::Kind::kSeries)
          series.label = label.empty() ? id : label;
      values_[id] = *value;
      return value;
    }
    return ValidationError("The expression refers to '" + id + "', which is no Id of a query.");
  }

 private:
  const Json queries_;
  metric_math::Scope scope_;
  std::map<std::string, Value> values_;
  std::set<std::string> open_;
};

Task<Series> ReadSeries(Call& call, Json query, int64_t start_ms, int64_t end_ms, bool is_aligned) {
  const Json stat = query["MetricStat"];
  const std::string name = stat["Metric"].StringOr("MetricName", "");
  MILL_CO_TRY(const MetricId metric, MakeMetricId(stat["Metric"].StringOr("Namespace", ""), name,
                                                  stat["Metric"]["Dimensions"]));
  Series series;
  series.label = query.StringOr("Label", name);
  series.period_s = stat.IntOr("Period", 60);
  const int64_t start = is_aligned
                            ? start_ms - start_ms % (series.period_s * 1000)
                            : RoundedStart(start_ms, MillisSinceEpoch(call.now), series.period_s);
  MILL_CO_TRY(const auto units, co_await ReadSpans(call, metric.id, start, end_ms, series.period_s,
                                                   stat.StringOr("Unit", "")));
  Spans all;
  for (const auto& [unit, spans] : units)
    for (const auto& [at, bucket] : spans) all[at].Merge(bucket);
  const auto statistic = Statistic::Parse(stat.StringOr("Stat", ""));
  for (const auto& [at, bucket] : all)
    if (const auto value = statistic->Of(bucket)) series.points[at] = *value;
  co_return series;
}

}  // namespace

Result<> CheckQueries(const Json& queries, const std::string& name) {
  std::set<std::string> ids;
  for (size_t i = 0; i < queries.size(); ++i) {
    const Json& query = queries.At(i);
    const std::string where = name + ".member." + std::to_string(i + 1);
    const std::string id = query.StringOr("Id", "");
    if (!IsId(id))
      return ValidationError("The value " + id + " for parameter " + where +
                             ".Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.");
    if (!ids.insert(id).second)
      return ValidationError("The values for parameter Id in " + name + " are not unique.");
    if (query.Has("MetricStat") == query.Has("Expression"))
      return ValidationError("Exactly one of " + where + ".MetricStat and " + where +
                             ".Expression must be specified.");
    if (query.Has("MetricStat")) {
      MILL_CHECK(CheckStat(query["MetricStat"], where));
      continue;
    }
    const auto expression = metric_math::Parse(query.StringOr("Expression", ""));
    if (!expression) return InExpression(id, expression.error().message);
  }
  return Result<>();
}

Task<std::vector<QueryResult>> RunQueries(Call& call, Json queries, int64_t start_ms,
                                          int64_t end_ms, bool is_aligned) {
  int64_t first = RoundedStart(start_ms, MillisSinceEpoch(call.now), PeriodOf(queries));
  if (is_aligned) first = start_ms - start_ms % (PeriodOf(queries) * 1000);
  Run run(queries, first, end_ms);
  for (const Json& query : ItemsOf(queries)) {
    if (!query.Has("MetricStat")) continue;
    MILL_CO_TRY(Series series, co_await ReadSeries(call, query, start_ms, end_ms, is_aligned));
    run.Give(query.StringOr("Id", ""), std::move(series));
  }
  std::vector<QueryResult> out;
  for (const Json& query : ItemsOf(queries)) {
    QueryResult result{query.StringOr("Id", ""), {}, query.BoolOr("ReturnData", true)};
    MILL_CO_TRY(Value value, run.Find(result.id));
    if (value.kind == Value::Kind::kScalar && result.is_returned)
      co_return InExpression(result.id, "the result must be a time series, not a number");
    result.lines = std::move(value.series);
    out.push_back(std::move(result));
  }
  co_return out;
}

int64_t PeriodOf(const Json& queries) {
  int64_t longest = 1;
  bool has_any = false;
  for (const Json& query : ItemsOf(queries))
    if (query.Has("MetricStat")) {
      longest = std::max(longest, query["MetricStat"].IntOr("Period", 60));
      has_any = true;
    }
  return has_any ? longest : 60;
}

}  // namespace stepmill::cloudwatch
