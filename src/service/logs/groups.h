#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gate/operation.h"

/// Groups, streams and events in the store.
///
///   logs/group/GROUP           name, created (ms), retentionDays, kmsKeyId, tags {key: text}
///   logs/stream/GROUP/STREAM   name, created, first, last (of event times, ms), ingested, count,
///                              bytes, swept (ms), records (the name of the store's stream)
///   stream ACCOUNT/REGION/logs/ID   a record holds events that came together, at most 64 KiB:
///                              {"at": ingestion, "high": latest event time so far, "events":
///                              [[time, text], ...]}. "high" never falls, so that a time is found
///                              by bisection.
namespace stepmill::logs {

inline constexpr size_t kRecordBytesMax = 64 * 1024;
inline constexpr size_t kPutBytesMax = 1'048'576;
inline constexpr size_t kEventOverheadBytes = 26;
inline constexpr size_t kAnswerBytesMax = 1'048'576;
inline constexpr int kEventsMax = 10'000;         ///< of one answer
inline constexpr int kRecordsReadMax = 8;         ///< at a time
inline constexpr int kRecordsScannedMax = 2000;   ///< for one answer; it goes on with a token
inline constexpr int kPageReadMax = 200;          ///< documents at a time
inline constexpr size_t kMergedStreamsMax = 100;  ///< read side by side by FilterLogEvents
inline constexpr size_t kTagsMax = 50;
inline constexpr int64_t kDayMs = 86'400'000;

Key GroupKey(const Call& call, std::string_view group);
Key StreamKey(const Call& call, std::string_view group, std::string_view stream);
/// All keys of a group's streams start with it.
Key StreamPrefix(const Call& call, std::string_view group);
std::string GroupArn(const Call& call, std::string_view group);

/// The group that the call names, by logGroupName or logGroupIdentifier (name or ARN).
Result<std::string> GroupName(const Json& input);
Task<Document> FindGroup(Call& call, std::string group);
Task<Document> FindStream(Call& call, std::string group, std::string stream);

/// Where an event stands: a record, and its place in it. A place behind the record's last event is
/// the next record's first.
struct Place {
  uint64_t record = 1;
  uint64_t event = 0;
  auto operator<=>(const Place&) const = default;
};
struct LogEvent {
  Place place;
  int64_t time = 0;
  int64_t ingested = 0;
  Json message;
};
std::vector<LogEvent> EventsOf(const Record& record);
/// The first record of a stream that may hold events at or after `time`.
Task<uint64_t> FindRecord(Call& call, std::string records, int64_t time);
/// Events before this are past the group's retention.
int64_t RetentionStart(const Json& group, Time now);

/// startTime and endTime (exclusive) of the input, within the retention.
struct TimeRange {
  int64_t from = 0;
  int64_t to = INT64_MAX;
  bool Has(int64_t time) const { return time >= from && time < to; }
};
TimeRange RangeOf(const Json& input, const Json& group, Time now);

Task<Json> CreateLogGroup(Call& call);
Task<Json> DeleteLogGroup(Call& call);
Task<Json> DescribeLogGroups(Call& call);
Task<Json> PutRetentionPolicy(Call& call);
Task<Json> DeleteRetentionPolicy(Call& call);
Task<Json> TagResource(Call& call);
Task<Json> UntagResource(Call& call);
Task<Json> ListTagsForResource(Call& call);
Task<Json> TagLogGroup(Call& call);
Task<Json> UntagLogGroup(Call& call);
Task<Json> ListTagsLogGroup(Call& call);
Task<Json> CreateLogStream(Call& call);
Task<Json> DeleteLogStream(Call& call);
Task<Json> DescribeLogStreams(Call& call);
Task<Json> PutLogEvents(Call& call);
Task<Json> GetLogEvents(Call& call);
Task<Json> FilterLogEvents(Call& call);

}  // namespace stepmill::logs
