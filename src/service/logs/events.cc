#include <algorithm>
#include <cstdio>

#include "base/strings.h"
#include "service/logs/errors.h"
#include "service/logs/groups.h"
#include "service/ports.h"

namespace stepmill::logs {

namespace {

constexpr int64_t kTooNewMs = 2 * 3'600'000;
constexpr int64_t kTooOldMs = 14 * kDayMs;
constexpr int64_t kSweepEveryMs = 3'600'000;
constexpr int kSweptRecordsMax = 200;  ///< in one PutLogEvents

int64_t TimeOf(const Json& event) { return event.IntOr("timestamp", 0); }

Result<> CheckEvents(const Json::Array& events) {
  size_t bytes = 0;
  for (size_t i = 0; i < events.size(); ++i) {
    if (i > 0 && TimeOf(events[i]) < TimeOf(events[i - 1]))
      return InvalidParameter(
          "Log events in a single PutLogEvents request must be in chronological order.");
    bytes += events[i].StringOr("message", "").size() + kEventOverheadBytes;
  }
  if (TimeOf(events.back()) - TimeOf(events.front()) > kDayMs)
    return InvalidParameter(
        "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.");
  if (bytes > kPutBytesMax)
    return InvalidParameter("Upload too large: " + std::to_string(bytes) +
                            " bytes exceeds limit of " + std::to_string(kPutBytesMax));
  return {};
}

/// Which of the events are kept: [first, end); the rest is reported.
struct Kept {
  size_t first = 0, end = 0;
  Json::Object rejected;
};

Kept Sieve(const Json::Array& events, const Json& group, Time now) {
  const int64_t now_ms = MillisSinceEpoch(now);
  const int64_t retention = RetentionStart(group, now);
  Kept kept;
  size_t expired = 0, old = 0;
  for (kept.end = 0; kept.end < events.size(); ++kept.end) {
    const int64_t time = TimeOf(events[kept.end]);
    if (time > now_ms + kTooNewMs) break;
    if (time < retention)
      expired = kept.end + 1;
    else if (time < now_ms - kTooOldMs)
      old = kept.end + 1;
  }
  kept.first = std::max(expired, old);
  if (kept.end < events.size())
    kept.rejected.Add("tooNewLogEventStartIndex", static_cast<int64_t>(kept.end));
  if (old > 0) kept.rejected.Add("tooOldLogEventEndIndex", static_cast<int64_t>(old));
  if (expired > 0) kept.rejected.Add("expiredLogEventEndIndex", static_cast<int64_t>(expired));
  return kept;
}

/// Appends the events as records, and answers the stream's document as it is afterwards.
Json Append(Call& call, Json stream, const Json::Array& events, const Kept& kept) {
  const std::string records = stream.StringOr("records", "");
  const int64_t now = MillisSinceEpoch(call.now);
  int64_t high = stream.IntOr("last", 0);
  size_t bytes = 0, record_bytes = 0;
  Json::Array pending;
  const auto flush = [&] {
    if (pending.empty()) return;
    call.batch.AppendTo(records,
                        Json::Object{{"at", now}, {"high", high}, {"events", std::move(pending)}});
    pending = {};
    record_bytes = 0;
  };
  for (size_t i = kept.first; i < kept.end; ++i) {
    const Json& message = events[i]["message"];
    const size_t size = message.AsString().size() + kEventOverheadBytes;
    if (record_bytes + size > kRecordBytesMax) flush();
    high = std::max(high, TimeOf(events[i]));
    pending.push_back(Json::Array{TimeOf(events[i]), message});
    record_bytes += size;
    bytes += size;
  }
  flush();
  const int64_t first = TimeOf(events[kept.first]);
  const bool is_first = stream.IntOr("count", 0) == 0;
  stream = stream.With("first", is_first ? first : std::min(first, stream.IntOr("first", 0)));
  stream = stream.With("last", high).With("ingested", now);
  stream =
      stream.With("count", stream.IntOr("count", 0) + static_cast<int64_t>(kept.end - kept.first));
  return stream.With("bytes", stream.IntOr("bytes", 0) + static_cast<int64_t>(bytes));
}

/// Drops records whose events are all past the retention; looked for once an hour.
Task<Json> Sweep(Call& call, Json stream, int64_t retention) {
  const int64_t now = MillisSinceEpoch(call.now);
  if (retention == 0 || now - stream.IntOr("swept", 0) < kSweepEveryMs) co_return stream;
  const std::string records = stream.StringOr("records", "");
  uint64_t before = 0;
  int64_t bytes = 0;
  MILL_CO_TRY(const auto oldest,
              co_await call.ports.store.Read(records, 0, Direction::kForward, kSweptRecordsMax));
  for (const Record& record : oldest) {
    if (record.body.IntOr("high", 0) >= retention) break;
    before = record.sequence + 1;
    for (const Json& event : record.body["events"].items())
      bytes += static_cast<int64_t>(event.At(1).AsString().size() + kEventOverheadBytes);
  }
  if (before != 0) call.batch.truncates.push_back({records, before});
  co_return stream.With("swept", now)
      .With("bytes", std::max<int64_t>(0, stream.IntOr("bytes", 0) - bytes));
}

// -- reading ------------------------------------------------------------------------------------

/// "f/..." goes on forward from a place, "b/..." backward from before it.
std::string PrintToken(char way, Place place) {
  char text[80];
  std::snprintf(text, sizeof text, "%c/%028llu%028llu", way,
                static_cast<unsigned long long>(place.record),
                static_cast<unsigned long long>(place.event));
  return text;
}

Result<Place> ReadToken(std::string_view token) {
  if (token.size() != 58 || token[1] != '/' || (token[0] != 'f' && token[0] != 'b'))
    return InvalidToken();
  const auto record = ParseInt(token.substr(2, 28));
  const auto event = ParseInt(token.substr(30));
  if (!record || !event || *record < 0 || *event < 0) return InvalidToken();
  return Place{static_cast<uint64_t>(*record), static_cast<uint64_t>(*event)};
}

struct Page {
  std::vector<LogEvent> events;  ///< oldest first
  Place first, next;             ///< where reading goes on, backward and forward
};

bool IsFull(const Page& page, size_t limit, size_t bytes) {
  return page.events.size() >= limit || bytes >= kAnswerBytesMax;
}

Task<Page> ReadForward(Call& call, std::string records, Place from, TimeRange range, size_t limit) {
  Page page;
  page.first = page.next = from;
  size_t bytes = 0;
  for (int scanned = 0; scanned < kRecordsScannedMax;) {
    MILL_CO_TRY(const auto read,
                co_await call.ports.store.Read(records, page.next.record, Direction::kForward,
                                               kRecordsReadMax));
    for (const Record& record : read) {
      for (LogEvent& event : EventsOf(record)) {
        if (event.place < from) continue;
        if (IsFull(page, limit, bytes)) co_return page;
        page.next = {event.place.record, event.place.event + 1};
        if (!range.Has(event.time)) continue;
        bytes += event.message.AsString().size() + kEventOverheadBytes;
        if (page.events.empty()) page.first = event.place;
        page.events.push_back(std::move(event));
      }
    }
    if (read.size() < static_cast<size_t>(kRecordsReadMax)) co_return page;
    scanned += kRecordsReadMax;
    page.next = {read.back().sequence + 1, 0};
  }
  co_return page;
}

/// The last events before a place.
Task<Page> ReadBackward(Call& call, std::string records, Place before, TimeRange range,
                        size_t limit) {
  Page page;
  page.first = page.next = before;
  size_t bytes = 0;
  uint64_t at = before.record;
  for (int scanned = 0; at > 0 && scanned < kRecordsScannedMax;) {
    MILL_CO_TRY(const auto read,
                co_await call.ports.store.Read(records, at, Direction::kBackward, kRecordsReadMax));
    for (const Record& record : read) {
      auto events = EventsOf(record);
      for (auto event = events.rbegin(); event != events.rend(); ++event) {
        if (event->place >= before) continue;
        if (IsFull(page, limit, bytes)) {
          std::reverse(page.events.begin(), page.events.end());
          co_return page;
        }
        page.first = event->place;
        if (!range.Has(event->time)) continue;
        bytes += event->message.AsString().size() + kEventOverheadBytes;
        if (page.events.empty()) page.next = {event->place.record, event->place.event + 1};
        page.events.push_back(std::move(*event));
      }
    }
    if (read.size() < static_cast<size_t>(kRecordsReadMax)) break;
    scanned += kRecordsReadMax;
    at = read.back().sequence - 1;
  }
  std::reverse(page.events.begin(), page.events.end());
  co_return page;
}

/// The place behind the last event.
Task<Place> FindEnd(Call& call, std::string records) {
  MILL_CO_TRY(const auto last, co_await call.ports.store.Read(records, 0, Direction::kBackward, 1));
  if (last.empty()) co_return Place{1, 0};
  co_return Place{last[0].sequence, last[0].body["events"].size()};
}

}  // namespace

std::vector<LogEvent> EventsOf(const Record& record) {
  std::vector<LogEvent> events;
  const Json& list = record.body["events"];
  const int64_t ingested = record.body.IntOr("at", 0);
  for (size_t i = 0; i < list.size(); ++i)
    events.push_back(
        {{record.sequence, i}, list.At(i).At(0).AsInteger(), ingested, list.At(i).At(1)});
  return events;
}

Task<uint64_t> FindRecord(Call& call, std::string records, int64_t time) {
  MILL_CO_TRY(const auto oldest,
              co_await call.ports.store.Read(records, 0, Direction::kForward, 1));
  MILL_CO_TRY(const auto newest,
              co_await call.ports.store.Read(records, 0, Direction::kBackward, 1));
  if (oldest.empty() || newest.empty()) co_return uint64_t{1};
  uint64_t low = oldest[0].sequence, high = newest[0].sequence + 1;  // the answer is in [low, high]
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    MILL_CO_TRY(const auto read,
                co_await call.ports.store.Read(records, middle, Direction::kForward, 1));
    if (read.empty()) co_return low;
    if (read[0].body.IntOr("high", 0) >= time)
      high = middle;
    else
      low = middle + 1;
  }
  co_return low;
}

Task<Json> PutLogEvents(Call& call) {
  const std::string group_name = call.input.StringOr("logGroupName", "");
  const Json events = call.input["logEvents"];
  MILL_CO_TRY(const Document group, co_await FindGroup(call, group_name));
  MILL_CO_TRY(const Document stream,
              co_await FindStream(call, group_name, call.input.StringOr("logStreamName", "")));
  MILL_CO_CHECK(CheckEvents(events.items()));
  const Kept kept = Sieve(events.items(), group.body, call.now);
  Json changed = stream.body;
  if (kept.first < kept.end) {
    MILL_CO_TRY(const Json swept,
                co_await Sweep(call, changed, RetentionStart(group.body, call.now)));
    changed = Append(call, swept, events.items(), kept);
    call.batch.Replace(stream, changed);
  }
  // Older clients want a token; nobody checks it.
  char token[64];
  std::snprintf(token, sizeof token, "%056lld", static_cast<long long>(changed.IntOr("count", 0)));
  Json::Object answer{{"nextSequenceToken", token}};
  if (!kept.rejected.members.empty()) answer.Add("rejectedLogEventsInfo", kept.rejected);
  co_return Json(std::move(answer));
}

Task<Json> GetLogEvents(Call& call) {
  MILL_CO_TRY(const std::string group_name, GroupName(call.input));
  MILL_CO_TRY(const Document group, co_await FindGroup(call, group_name));
  MILL_CO_TRY(const Document stream,
              co_await FindStream(call, group_name, call.input.StringOr("logStreamName", "")));
  const std::string records = stream.body.StringOr("records", "");
  const auto limit = static_cast<size_t>(call.input.IntOr("limit", kEventsMax));
  const TimeRange range = RangeOf(call.input, group.body, call.now);
  const std::string token = call.input.StringOr("nextToken", "");
  bool is_forward = call.input.BoolOr("startFromHead", false);
  Place place;
  if (!token.empty()) {
    MILL_CO_TRY(place, ReadToken(token));
    is_forward = token[0] == 'f';
  } else if (is_forward) {
    MILL_CO_TRY(place.record, co_await FindRecord(call, records, range.from));
  } else {
    MILL_CO_TRY(place, co_await FindEnd(call, records));
  }
  Page page;
  if (is_forward) {
    MILL_CO_TRY(page, co_await ReadForward(call, records, place, range, limit));
  } else {
    MILL_CO_TRY(page, co_await ReadBackward(call, records, place, range, limit));
  }
  Json::Array shown;
  for (const LogEvent& event : page.events)
    shown.push_back(Json::Object{
        {"timestamp", event.time}, {"message", event.message}, {"ingestionTime", event.ingested}});
  // The end is reached when the token that was given comes back.
  std::string forward = PrintToken('f', page.next);
  std::string backward = PrintToken('b', page.first);
  co_return Json::Object{{"events", std::move(shown)},
                         {"nextForwardToken", std::move(forward)},
                         {"nextBackwardToken", std::move(backward)}};
}

}  // namespace stepmill::logs
