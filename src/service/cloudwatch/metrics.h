#pragma once

#include <map>
#include <string>
#include <vector>

#include "gate/operation.h"
#include "service/cloudwatch/bucket.h"

/// Metrics in the store.
///
///   cloudwatch/metric/NAMESPACE/NAME/ID       {"Namespace", "MetricName", "Dimensions", "seen":
///   ms} cloudwatch/points/ID/LEVEL/SECONDS        {unit: Bucket}
///
/// ID is made of the namespace, the name and the dimensions. SECONDS (since the epoch, 12 digits)
/// is the start of a span of LEVEL seconds, 5 digits: "00001" holds what came with
/// StorageResolution 1, "00060" everything by the minute, "00300" and "03600" what older minutes
/// were joined to. A moment of time is in one of the last three only, so a query reads its range
/// of each and adds.
///
/// Kept are (CloudWatch: "Metrics retention") seconds for 3 hours, minutes for 15 days, five
/// minutes for 63 days, hours for 455 days; `sweep.cc` sees to it.
namespace stepmill::cloudwatch {

inline constexpr int64_t kHourMs = 3'600'000;
inline constexpr int64_t kDayMs = 24 * kHourMs;
/// ListMetrics shows what had data in this time.
inline constexpr int64_t kListedMs = 14 * kDayMs;
inline constexpr int64_t kRecentMs = 3 * kHourMs;
/// How far behind a metric's "seen" may be.
inline constexpr int64_t kSeenStepMs = 5 * 60'000;

struct MetricId {
  std::string space, name;
  Json dimensions;  ///< [{"Name", "Value"}], by name
  std::string id;
};
/// The dimensions of an input in the order in which they are kept; a name that comes twice is
/// InvalidParameterValue.
Result<MetricId> MakeMetricId(const std::string& space, const std::string& name,
                              const Json& dimensions);
Key MetricKey(const Call& call, const MetricId& metric);
/// The first key of a level at or after `seconds`.
Key PointKey(const Call& call, const std::string& id, int level_s, int64_t seconds);

/// A value that PutMetricData brought, and when it was.
struct Sample {
  MetricId metric;
  int64_t at_ms = 0;
  bool is_high_resolution = false;
  std::string unit;
  Bucket bucket;
};
/// Adds samples to what is kept, in the call's batch, and wakes the alarms that look at them.
Task<> AddSamples(Call& call, std::vector<Sample> samples);

/// A metric's figures of [start_ms, end_ms) by unit and by the start of the span (ms) they fall in;
/// spans are `period_s` long and counted from `start_ms`. `unit` empty: each.
using Spans = std::map<int64_t, Bucket>;
Task<std::map<std::string, Spans>> ReadSpans(Call& call, std::string id, int64_t start_ms,
                                             int64_t end_ms, int64_t period_s, std::string unit);

/// StartTime as CloudWatch rounds it: to the minute, beyond 15 days to five, beyond 63 to the hour;
/// for periods below a minute to the period.
int64_t RoundedStart(int64_t start_ms, int64_t now_ms, int64_t period_s);

}  // namespace stepmill::cloudwatch
