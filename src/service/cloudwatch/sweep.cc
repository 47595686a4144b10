#include "service/cloudwatch/sweep.h"

#include <cstdlib>

#include "base/strings.h"
#include "json/each.h"
#include "service/cloudwatch/alarms.h"
#include "service/cloudwatch/metrics.h"
#include "service/cloudwatch/operations.h"
#include "service/ports.h"

namespace stepmill::cloudwatch {

namespace {

constexpr int kMetricsAtOnce = 50;
constexpr int kPointsAtOnce = 500;  ///< of a level of a metric
constexpr int64_t kLastMs = 455 * kDayMs;

/// What becomes of a level's points beyond an age: joined into spans of another, or nothing.
struct Level {
  int from_s;
  int64_t age_ms;
  int to_s;  ///< 0: they go
};
constexpr Level kLevels[] = {
    {1, 3 * kHourMs, 0}, {60, 15 * kDayMs, 300}, {300, 63 * kDayMs, 3600}, {3600, kLastMs, 0}};

Key SweepKey(const Call& call) { return call.KeyFor({"cloudwatch", "sweep"}); }

/// Moves one slice of a level's old points. True: there are more.
Task<bool> SweepLevel(Call& call, std::string id, Level level) {
  const int64_t until = (MillisSinceEpoch(call.now) - level.age_ms) / 1000;
  // Whole spans of the next level only.
  const int64_t end = level.to_s == 0 ? until : until - until % level.to_s;
  const Key from = PointKey(call, id, level.from_s, 0);
  const Key to = PointKey(call, id, level.from_s, end);
  MILL_CO_TRY(const std::vector<Document> old,
              co_await call.ports.store.Range(from, to, Direction::kForward, kPointsAtOnce));
  std::map<int64_t, std::map<std::string, Bucket>> joined;
  for (const Document& point : old) {
    call.batch.expects.push_back({point.key, point.version});
    call.batch.Delete(point.key);
    if (level.to_s == 0) continue;
    const int64_t at = std::atoll(point.key.substr(point.key.rfind('/') + 1).c_str());
    for (const Json::Member& unit : MembersOf(point.body))
      joined[at - at % level.to_s][unit.name].Merge(Bucket::FromJson(unit.value));
  }
  for (auto& [at, units] : joined) {
    const Key key = PointKey(call, id, level.to_s, at);
    MILL_CO_TRY(const auto there, co_await call.ports.store.Get(key));
    Json body = there ? there->body : Json(Json::Object{});
    for (auto& [unit, bucket] : units) {
      bucket.Merge(Bucket::FromJson(body[unit]));
      body = body.With(unit, bucket.ToJson());
    }
    if (there)
      call.batch.Replace(*there, body);
    else
      call.batch.Create(key, body);
  }
  co_return old.size() == kPointsAtOnce;
}

}  // namespace

Task<> BeginSweeps(Call& call) {
  const Key key = SweepKey(call);
  for (const Batch::Put& put : call.batch.puts)
    if (put.key == key) co_return Result<>();
  MILL_CO_TRY(const auto there, co_await call.ports.store.Get(key));
  if (there) co_return Result<>();
  call.batch.Create(key, Json::Object{});
  StartTick(call, MillisSinceEpoch(call.now) + kHourMs, "SweepMetrics", Json::Object{});
  co_return Result<>();
}

/// {"from": key of the next metric, empty at the start of a round}
Task<Json> SweepMetrics(Call& call) {
  const Key prefix = call.KeyFor({"cloudwatch", "metric"}) + "/";
  const std::string given = call.input.StringOr("from", "");
  const Key from = given.empty() ? prefix : given;
  MILL_CO_TRY(const std::vector<Document> metrics,
              co_await call.ports.store.Range(from, PrefixEnd(prefix), Direction::kForward,
                                              kMetricsAtOnce));
  const int64_t now = MillisSinceEpoch(call.now);
  Key next;
  bool is_cut = false;  // within a metric
  for (const Document& metric : metrics) {
    const std::string id = KeyParts(metric.key).back();
    bool has_more = false;
    for (const Level& level : kLevels) {
      MILL_CO_TRY(const bool more, co_await SweepLevel(call, id, level));
      has_more |= more;
    }
    is_cut = has_more;
    next = has_more ? metric.key : metric.key + '\0';
    if (has_more) break;  // the rest of it in another transaction
    if (metric.body.IntOr("seen", 0) >= now - kLastMs) continue;
    call.batch.expects.push_back({metric.key, metric.version});
    call.batch.Delete(metric.key);
  }
  const bool is_round_over = !is_cut && metrics.size() < kMetricsAtOnce;
  if (is_round_over && metrics.empty() && given.empty()) {
    // Nothing is kept any more: the next metric begins anew.
    MILL_CO_TRY(const auto there, co_await call.ports.store.Get(SweepKey(call)));
    if (there) {
      call.batch.expects.push_back({there->key, there->version});
      call.batch.Delete(there->key);
    }
    co_return Json::Object{};
  }
  Json::Object input;
  if (!is_round_over) input.Add("from", next);
  StartTick(call, is_round_over ? now + kHourMs : now, "SweepMetrics", std::move(input));
  co_return Json::Object{};
}

}  // namespace stepmill::cloudwatch
