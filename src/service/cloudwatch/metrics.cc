#include "service/cloudwatch/metrics.h"

#include <algorithm>
#include <cstdio>

#include "base/digest.h"
#include "json/each.h"
#include "service/cloudwatch/alarms.h"
#include "service/cloudwatch/errors.h"
#include "service/cloudwatch/sweep.h"
#include "service/ports.h"

namespace stepmill::cloudwatch {

namespace {

constexpr int kSecondLevel = 1, kMinuteLevel = 60;
constexpr int kPage = 1000;

int64_t FloorTo(int64_t value, int64_t step) {
  const int64_t rest = value % step;
  return value - (rest < 0 ? rest + step : rest);
}

/// The samples of one document.
struct Point {
  std::map<std::string, Bucket> units;
};

Json Joined(const Json& before, const Point& point) {
  Json::Object out;
  for (const Json::Member& member : MembersOf(before)) out.Add(member.name, member.value);
  for (const auto& [unit, bucket] : point.units) {
    Bucket sum = Bucket::FromJson(before[unit]);
    sum.Merge(bucket);
    out.Set(unit, sum.ToJson());
  }
  return Json(std::move(out));
}

/// A metric is listed from its first sample on; "seen" follows in steps.
Task<> NoteMetric(Call& call, MetricId metric, int64_t seen_ms) {
  const Key key = MetricKey(call, metric);
  MILL_CO_TRY(const auto known, co_await call.ports.store.Get(key));
  if (known && known->body.IntOr("seen", 0) + kSeenStepMs > seen_ms) co_return Result<>();
  const Json body = Json::Object{{"Namespace", metric.space},
                                 {"MetricName", metric.name},
                                 {"Dimensions", metric.dimensions},
                                 {"seen", seen_ms}};
  if (known) {
    call.batch.Replace(*known, body);
  } else {
    call.batch.Create(key, body);
    MILL_CO_CHECK(co_await BeginSweeps(call));
  }
  co_return Result<>();
}

}  // namespace

Result<MetricId> MakeMetricId(const std::string& space, const std::string& name,
                              const Json& dimensions) {
  std::map<std::string, std::string> sorted;
  for (const Json& dimension : ItemsOf(dimensions)) {
    const std::string key = dimension.StringOr("Name", "");
    if (!sorted.emplace(key, dimension.StringOr("Value", "")).second)
      return InvalidValue("The dimension " + key + " was specified more than once.");
  }
  Json::Array kept;
  for (const auto& [key, value] : sorted)
    kept.push_back(Json::Object{{"Name", key}, {"Value", value}});
  MetricId out{space, name, Json(std::move(kept)), ""};
  const Json whole = Json::Array{Json(space), Json(name), out.dimensions};
  out.id = Hex(Sha256(whole.Print()).substr(0, 16));
  return out;
}

Key MetricKey(const Call& call, const MetricId& metric) {
  return call.KeyFor({"cloudwatch", "metric", metric.space, metric.name, metric.id});
}

Key PointKey(const Call& call, const std::string& id, int level_s, int64_t seconds) {
  char level[8], at[16];
  std::snprintf(level, sizeof level, "%05d", level_s);
  std::snprintf(at, sizeof at, "%012lld",
                static_cast<long long>(std::clamp<int64_t>(seconds, 0, 999'999'999'999)));
  return call.KeyFor({"cloudwatch", "points", id, level, at});
}

Task<> AddSamples(Call& call, std::vector<Sample> samples) {
  std::map<Key, Point> points;
  std::map<std::string, MetricId> metrics;
  std::map<std::string, int64_t> newest;
  for (const Sample& sample : samples) {
    const std::string& id = sample.metric.id;
    metrics.emplace(id, sample.metric);
    const auto at = newest.emplace(id, sample.at_ms).first;
    at->second = std::max(at->second, sample.at_ms);
    const int64_t seconds = FloorTo(sample.at_ms, 1000) / 1000;
    points[PointKey(call, id, kMinuteLevel, FloorTo(seconds, kMinuteLevel))]
        .units[sample.unit]
        .Merge(sample.bucket);
    if (sample.is_high_resolution)
      points[PointKey(call, id, kSecondLevel, seconds)].units[sample.unit].Merge(sample.bucket);
  }
  for (const auto& [key, point] : points) {
    MILL_CO_TRY(const auto before, co_await call.ports.store.Get(key));
    if (before)
      call.batch.Replace(*before, Joined(before->body, point));
    else
      call.batch.Create(key, Joined(Json(), point));
  }
  for (const auto& [id, metric] : metrics) {
    MILL_CO_CHECK(co_await NoteMetric(call, metric, MillisSinceEpoch(call.now)));
    MILL_CO_CHECK(co_await WakeAlarms(call, id, newest[id]));
  }
  co_return Result<>();
}

Task<std::map<std::string, Spans>> ReadSpans(Call& call, std::string id, int64_t start_ms,
                                             int64_t end_ms, int64_t period_s, std::string unit) {
  std::map<std::string, Spans> out;
  std::vector<int> levels = {60, 300, 3600};
  if (period_s < kMinuteLevel) levels = {kSecondLevel};
  for (const int level : levels) {
    Key from = PointKey(call, id, level, (start_ms + 999) / 1000);
    const Key to = PointKey(call, id, level, (end_ms + 999) / 1000);
    for (bool has_more = true; has_more;) {
      MILL_CO_TRY(const std::vector<Document> page,
                  co_await call.ports.store.Range(from, to, Direction::kForward, kPage));
      has_more = page.size() == kPage;
      for (const Document& document : page) {
        from = document.key + '\0';
        const std::string text = document.key.substr(document.key.rfind('/') + 1);
        const int64_t at_ms = std::atoll(text.c_str()) * 1000;
        const int64_t span = start_ms + FloorTo(at_ms - start_ms, period_s * 1000);
        for (const Json::Member& member : document.body.members())
          if (unit.empty() || member.name == unit)
            out[member.name][span].Merge(Bucket::FromJson(member.value));
      }
    }
  }
  co_return out;
}

int64_t RoundedStart(int64_t start_ms, int64_t now_ms, int64_t period_s) {
  if (period_s < kMinuteLevel) return FloorTo(start_ms, period_s * 1000);
  const int64_t age = now_ms - start_ms;
  const int64_t step = age > 63 * kDayMs ? kHourMs : age > 15 * kDayMs ? 300'000 : 60'000;
  return FloorTo(start_ms, step);
}

}  // namespace stepmill::cloudwatch
