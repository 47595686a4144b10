// EvaluateAlarm: an alarm's state by its data (CloudWatch User Guide: "Evaluating an alarm",
// "Configuring how alarms treat missing data").
#include <algorithm>
#include <cstdio>

#include "json/each.h"
#include "service/cloudwatch/alarms.h"
#include "service/cloudwatch/metrics.h"
#include "service/cloudwatch/operations.h"
#include "service/cloudwatch/query.h"
#include "service/ports.h"

namespace stepmill::cloudwatch {

namespace {

/// Data may be this much ahead of the time.
constexpr int64_t kFutureMs = 2 * kHourMs;
/// Older data points than the evaluation periods that stand in for missing ones.
constexpr int64_t kExtraPeriods = 2;

struct Comparison {
  const char* name;
  const char* words;
};
constexpr Comparison kComparisons[] = {
    {"GreaterThanOrEqualToThreshold", "greater than or equal to"},
    {"GreaterThanThreshold", "greater than"},
    {"LessThanThreshold", "less than"},
    {"LessThanOrEqualToThreshold", "less than or equal to"}};

bool Breaches(const std::string& comparison, double value, double threshold) {
  if (comparison == "GreaterThanOrEqualToThreshold") return value >= threshold;
  if (comparison == "GreaterThanThreshold") return value > threshold;
  if (comparison == "LessThanThreshold") return value < threshold;
  return value <= threshold;
}

std::string NumberText(double value) {
  const std::string text = Json(value).NumberText();
  return text.find_first_of(".eE") == std::string::npos ? text + ".0" : text;
}

struct Verdict {
  std::string state;  ///< empty: as it is
  std::string reason, data;
};

/// `points`: the newest of the evaluation range first, at most EvaluationPeriods of them.
Verdict Judge(const Json& alarm, const std::vector<std::pair<int64_t, double>>& points, Time now) {
  const int64_t periods = alarm.IntOr("EvaluationPeriods", 1);
  const int64_t needed = alarm.IntOr("DatapointsToAlarm", periods);
  const double threshold = alarm["Threshold"].AsDouble();
  const std::string comparison = alarm.StringOr("ComparisonOperator", "");
  const std::string missing = alarm.StringOr("TreatMissingData", "missing");
  const auto real = static_cast<int64_t>(points.size());
  const int64_t filled = periods - real;
  int64_t breaching = 0;
  std::string shown;
  Json::Array recent;
  for (const auto& [at, value] : points) {
    const bool is_breach = Breaches(comparison, value, threshold);
    breaching += is_breach;
    shown += (shown.empty() ? "" : ", ") + NumberText(value) + " (" +
             FormatTime(TimeFromMillis(at), "%d/%m/%y %H:%M:%S") + ")";
    recent.push_back(value);
  }
  Verdict out;
  if (real == 0 && missing == "missing") {
    out.state = "INSUFFICIENT_DATA";
    out.reason = "Insufficient Data: " + std::to_string(periods) +
                 (periods == 1 ? " datapoint was unknown." : " datapoints were unknown.");
    return out;
  }
  if (missing == "ignore" && filled > 0 && breaching == real && breaching < needed) return out;
  int64_t counted = breaching;
  if (missing == "breaching") counted += filled;
  const bool is_alarm =
      counted >= needed || (missing == "missing" && filled > 0 && breaching == real);
  out.state = is_alarm ? "ALARM" : "OK";
  const char* words = "";
  for (const Comparison& row : kComparisons)
    if (comparison == row.name) words = row.words;
  const int64_t count = is_alarm ? breaching : real - breaching;
  const bool is_one = periods == 1;
  if (real == 0) {
    out.reason = "Threshold Crossed: no datapoints were received for " + std::to_string(periods) +
                 (is_one ? " period" : " periods") + " and " + std::to_string(periods) +
                 " missing " + (is_one ? "datapoint was" : "datapoints were") + " treated as [" +
                 (missing == "breaching" ? "Breaching" : "NonBreaching") + "].";
  } else {
    out.reason = "Threshold Crossed: " + std::to_string(count) + " out of the last " +
                 std::to_string(periods) + " datapoints [" + shown + "] " +
                 (count == 1 ? "was" : "were") + (is_alarm ? " " : " not ") + words +
                 " the threshold (" + NumberText(threshold) + ") (minimum " +
                 std::to_string(is_alarm ? needed : periods - needed + 1) + " datapoint" +
                 ((is_alarm ? needed : periods - needed + 1) == 1 ? "" : "s") + " for " +
                 (is_alarm ? "OK -> ALARM" : "ALARM -> OK") + " transition).";
  }
  out.data = Json(Json::Object{{"version", "1.0"},
                               {"queryDate", FormatTime(now, "%Y-%m-%dT%H:%M:%S.000+0000")},
                               {"statistic", alarm["Statistic"]},
                               {"period", PeriodOfAlarm(alarm)},
                               {"recentDatapoints", std::move(recent)},
                               {"threshold", threshold}})
                 .Print();
  return out;
}

}  // namespace

/// {"name", "at"}: does nothing when another evaluation has taken its place.
Task<Json> EvaluateAlarm(Call& call) {
  const std::string name = call.input.StringOr("name", "");
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(AlarmKey(call, name)));
  if (!found || found->body["tick"] != call.input["at"]) co_return Json::Object{};
  Json alarm = found->body["alarm"];
  const int64_t period = PeriodOfAlarm(alarm) * 1000;
  const int64_t now = MillisSinceEpoch(call.now);
  const int64_t end = now - now % period;  // periods that are over
  const int64_t periods = alarm.IntOr("EvaluationPeriods", 1);
  MILL_CO_TRY(const std::vector<QueryResult> results,
              co_await RunQueries(call, QueriesOf(alarm), end - (periods + kExtraPeriods) * period,
                                  now + kFutureMs + period, true));
  std::vector<std::pair<int64_t, double>> points;
  bool has_new = false;  // of periods that are not over
  for (const QueryResult& result : results) {
    if (!result.is_returned || result.lines.empty()) continue;
    const auto& all = result.lines.front().points;
    for (auto at = all.rbegin(); at != all.rend(); ++at) {
      has_new |= at->first >= end;
      if (at->first < end && static_cast<int64_t>(points.size()) < periods)
        points.emplace_back(at->first, at->second);
    }
  }
  const Verdict verdict = Judge(alarm, points, call.now);
  if (!verdict.state.empty() && verdict.state != alarm.StringOr("StateValue", ""))
    alarm = ChangedState(call, alarm, verdict.state, verdict.reason, verdict.data);
  // Time alone changes what an alarm sees as long as there is something in its window. It looks
  // once more after that: data that came while this evaluation read had counted on it.
  const bool is_empty = points.empty() && !has_new;
  const bool was_empty = found->body.BoolOr("isEmpty", false);
  const int64_t next = is_empty && was_empty ? 0 : end + period;
  call.batch.Replace(*found,
                     found->body.With("alarm", alarm).With("tick", next).With("isEmpty", is_empty));
  if (next != 0) StartTick(call, next, "EvaluateAlarm", Json::Object{{"name", name}, {"at", next}});
  co_return Json::Object{};
}

}  // namespace stepmill::cloudwatch
