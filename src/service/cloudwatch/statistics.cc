// GetMetricStatistics and ListMetrics.
#include "base/strings.h"
#include "json/each.h"
#include "service/cloudwatch/errors.h"
#include "service/cloudwatch/metrics.h"
#include "service/cloudwatch/operations.h"
#include "service/ports.h"

namespace stepmill::cloudwatch {

namespace {

constexpr int64_t kDatapointsMax = 1440;
constexpr int kMetricsPage = 500;

int64_t MillisAt(const Json& stamp) {
  return MillisSinceEpoch(TimeFromSeconds(stamp.is_number() ? stamp.AsDouble() : 0));
}

/// The names of the statistics that are asked for, checked.
Result<std::vector<std::pair<std::string, Statistic>>> Wanted(const Json& input) {
  const bool has_plain = input["Statistics"].size() > 0;
  const bool has_extended = input["ExtendedStatistics"].size() > 0;
  if (!has_plain && !has_extended)
    return MissingParameter("Must specify either Statistics or ExtendedStatistics");
  if (has_plain && has_extended)
    return InvalidCombination("Cannot specify both Statistics and ExtendedStatistics");
  std::vector<std::pair<std::string, Statistic>> out;
  for (const Json& name : ItemsOf(input[has_plain ? "Statistics" : "ExtendedStatistics"])) {
    const auto statistic = Statistic::Parse(name.AsString());
    if (!statistic || (has_extended && !statistic->is_extended()))
      return InvalidValue("The value " + name.AsString() +
                          " for parameter ExtendedStatistics is not supported.");
    out.emplace_back(name.AsString(), *statistic);
  }
  return out;
}

Json Datapoint(int64_t at_ms, const Bucket& bucket, const std::string& unit,
               const std::vector<std::pair<std::string, Statistic>>& wanted) {
  Json::Object out{{"Timestamp", at_ms / 1000}};
  Json::Object extended;
  for (const auto& [name, statistic] : wanted) {
    const auto value = statistic.Of(bucket);
    if (!value) continue;
    if (statistic.is_extended())
      extended.Set(name, *value);
    else
      out.Set(name, *value);
  }
  out.Add("Unit", unit);
  if (!extended.members.empty()) out.Add("ExtendedStatistics", std::move(extended));
  return Json(std::move(out));
}

/// Each filter names a dimension that the metric has, some with its value.
bool HasDimensions(const Json& metric, const Json& filters) {
  const Json dimensions = metric["Dimensions"];
  for (const Json& filter : ItemsOf(filters)) {
    bool is_there = false;
    for (const Json& dimension : ItemsOf(dimensions))
      is_there |= dimension["Name"] == filter["Name"] &&
                  (!filter.Has("Value") || dimension["Value"] == filter["Value"]);
    if (!is_there) return false;
  }
  return true;
}

}  // namespace

Task<Json> GetMetricStatistics(Call& call) {
  const Json& input = call.input;
  const int64_t period = input.IntOr("Period", 60);
  if (period % 60 != 0 && period != 1 && period != 5 && period != 10 && period != 30)
    co_return InvalidValue("The parameter Period must be 1, 5, 10, 30, or a multiple of 60.");
  const int64_t end = MillisAt(input["EndTime"]);
  if (MillisAt(input["StartTime"]) >= end)
    co_return InvalidValue("The parameter StartTime must be less than the parameter EndTime.");
  MILL_CO_TRY(const auto wanted, Wanted(input));
  const int64_t start =
      RoundedStart(MillisAt(input["StartTime"]), MillisSinceEpoch(call.now), period);
  const int64_t count = (end - start + period * 1000 - 1) / (period * 1000);
  if (count > kDatapointsMax)
    co_return InvalidCombination(
        "You have requested up to " + std::to_string(count) +
        " datapoints, which exceeds the limit of " + std::to_string(kDatapointsMax) +
        ". You may reduce the datapoints requested by increasing Period, or decreasing the time "
        "range.");
  const std::string name = input.StringOr("MetricName", "");
  MILL_CO_TRY(const MetricId metric,
              MakeMetricId(input.StringOr("Namespace", ""), name, input["Dimensions"]));
  const std::string unit = input.StringOr("Unit", "");
  MILL_CO_TRY(const auto units, co_await ReadSpans(call, metric.id, start, end, period, unit));
  Json::Array datapoints;
  for (const auto& [its_unit, spans] : units)
    for (const auto& [at, bucket] : spans)
      datapoints.push_back(Datapoint(at, bucket, its_unit, wanted));
  co_return Json::Object{{"Label", name}, {"Datapoints", std::move(datapoints)}};
}

Task<Json> ListMetrics(Call& call) {
  const std::string space = call.input.StringOr("Namespace", "");
  const std::string name = call.input.StringOr("MetricName", "");
  Key prefix = call.KeyFor({"cloudwatch", "metric"}) + "/";
  if (!space.empty()) {
    prefix = call.KeyFor({"cloudwatch", "metric", space}) + "/";
    if (!name.empty()) prefix = call.KeyFor({"cloudwatch", "metric", space, name}) + "/";
  }
  Key from = prefix;
  const std::string token = call.input.StringOr("NextToken", "");
  if (!token.empty()) {
    const auto key = Unbase64(token);
    if (!key || !key->starts_with(prefix))
      co_return InvalidValue("The value " + token + " for parameter NextToken is invalid.");
    from = *key + '\0';
  }
  const bool is_recent = call.input.Has("RecentlyActive");
  const int64_t since = MillisSinceEpoch(call.now) - (is_recent ? kRecentMs : kListedMs);
  Json::Array metrics;
  Json::Object out;
  Key last;
  for (bool has_more = true; has_more;) {
    MILL_CO_TRY(const std::vector<Document> page,
                co_await call.ports.store.Range(from, PrefixEnd(prefix), Direction::kForward,
                                                kMetricsPage));
    has_more = page.size() == kMetricsPage;
    for (const Document& document : page) {
      from = document.key + '\0';
      const Json& metric = document.body;
      if (!name.empty() && metric.StringOr("MetricName", "") != name) continue;
      if (metric.IntOr("seen", 0) < since) continue;
      if (!HasDimensions(metric, call.input["Dimensions"])) continue;
      if (metrics.size() == kMetricsPage) {
        out.Set("NextToken", Base64(last));
        has_more = false;
        break;
      }
      last = document.key;
      metrics.push_back(metric.Without("seen"));
    }
  }
  out.Set("Metrics", std::move(metrics));
  co_return Json(std::move(out));
}

}  // namespace stepmill::cloudwatch
