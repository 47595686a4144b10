#include <algorithm>
#include <cstdio>
#include <deque>

#include "base/digest.h"
#include "base/strings.h"
#include "service/logs/errors.h"
#include "service/logs/filter.h"
#include "service/logs/groups.h"
#include "service/ports.h"

namespace stepmill::logs {

namespace {

/// One stream on its way through the merge.
struct Cursor {
  std::string stream;
  std::string records;
  Place next;                   ///< of the first event that is not in `events`
  std::deque<LogEvent> events;  ///< read ahead
  bool is_at_end = false;
};

/// The streams side by side, and the name behind which the next ones start.
struct Merge {
  std::vector<Cursor> cursors;
  std::string after;  ///< the last stream that was taken up, "" before the first
  bool is_last = false;
};

struct Search {
  std::string group;
  Json group_body;
  TimeRange range;
  std::string prefix;
  std::vector<std::string> names;  ///< sorted; empty: all with the prefix
};

bool Overlaps(const Json& stream, const TimeRange& range) {
  return stream.IntOr("count", 0) > 0 && stream.IntOr("last", 0) >= range.from &&
         stream.IntOr("first", 0) < range.to;
}

/// The next stream behind `after` that the search asks for; null at the end.
Task<Json> NextStream(Call& call, const Search& search, std::string after) {
  if (!search.names.empty()) {
    const auto next = std::upper_bound(search.names.begin(), search.names.end(), after);
    if (next == search.names.end()) co_return Json();
    MILL_CO_TRY(const Document found, co_await FindStream(call, search.group, *next));
    co_return found.body;
  }
  const Key prefix = StreamKey(call, search.group, search.prefix);
  const Key from = after.empty() ? prefix : StreamKey(call, search.group, after) + '\0';
  MILL_CO_TRY(const auto found,
              co_await call.ports.store.Range(from, PrefixEnd(prefix), Direction::kForward, 1));
  co_return found.empty() ? Json() : found[0].body;
}

/// Takes up the next streams, as many as are read side by side.
Task<> OpenStreams(Call& call, const Search& search, Merge& merge) {
  while (!merge.is_last && merge.cursors.size() < kMergedStreamsMax) {
    MILL_CO_TRY(const Json stream, co_await NextStream(call, search, merge.after));
    if (stream.is_null()) {
      merge.is_last = true;
      break;
    }
    merge.after = stream.StringOr("name", "");
    if (!Overlaps(stream, search.range)) continue;
    Cursor cursor;
    cursor.stream = merge.after;
    cursor.records = stream.StringOr("records", "");
    MILL_CO_TRY(cursor.next.record, co_await FindRecord(call, cursor.records, search.range.from));
    merge.cursors.push_back(std::move(cursor));
  }
  co_return Result<>();
}

/// Reads on until the cursor has an event of the range, or ends. Counts records in `scanned`.
Task<> Fill(Call& call, const Search& search, Cursor& cursor, int& scanned) {
  while (cursor.events.empty() && !cursor.is_at_end && scanned < kRecordsScannedMax) {
    MILL_CO_TRY(const auto read, co_await call.ports.store.Read(cursor.records, cursor.next.record,
                                                                Direction::kForward, 1));
    scanned += 1;
    if (read.empty()) {
      cursor.is_at_end = true;
      break;
    }
    for (LogEvent& event : EventsOf(read[0]))
      if (event.place >= cursor.next && search.range.Has(event.time))
        cursor.events.push_back(std::move(event));
    cursor.next = {read[0].sequence + 1, 0};
  }
  co_return Result<>();
}

Place PlaceOf(const Cursor& cursor) {
  return cursor.events.empty() ? cursor.next : cursor.events.front().place;
}

std::string PrintToken(const Merge& merge) {
  Json::Array cursors;
  for (const Cursor& cursor : merge.cursors) {
    const Place place = PlaceOf(cursor);
    cursors.push_back(Json::Array{cursor.stream, place.record, place.event});
  }
  const Json token =
      Json::Object{{"c", std::move(cursors)}, {"after", merge.after}, {"last", merge.is_last}};
  return Base64(token.Print());
}

Task<Merge> ReadToken(Call& call, const Search& search, std::string text) {
  const auto decoded = Unbase64(text);
  const auto token = decoded ? ParseJson(*decoded) : Result<Json>(InvalidToken());
  if (!token || !(*token)["c"].is_array() || !(*token)["after"].is_string())
    co_return InvalidToken();
  Merge merge;
  merge.after = token->StringOr("after", "");
  merge.is_last = token->BoolOr("last", false);
  for (const Json& item : (*token)["c"].items()) {
    if (item.size() != 3 || !item.At(0).is_string() || !item.At(1).is_integer() ||
        !item.At(2).is_integer() || merge.cursors.size() >= kMergedStreamsMax)
      co_return InvalidToken();
    const auto stream = co_await FindStream(call, search.group, item.At(0).AsString());
    if (!stream) continue;  // deleted meanwhile
    Cursor cursor;
    cursor.stream = item.At(0).AsString();
    cursor.records = stream->body.StringOr("records", "");
    cursor.next = {static_cast<uint64_t>(item.At(1).AsInteger()),
                   static_cast<uint64_t>(item.At(2).AsInteger())};
    merge.cursors.push_back(std::move(cursor));
  }
  co_return merge;
}

/// 56 digits, unique: the time, the stream, the place.
std::string EventId(const Cursor& cursor, const LogEvent& event) {
  const std::string digest = Sha256(cursor.records);
  uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number = number << 8 | static_cast<unsigned char>(digest[i]);
  char text[80];
  std::snprintf(text, sizeof text, "%014lld%014llu%018llu%010llu",
                static_cast<long long>(event.time),
                static_cast<unsigned long long>(number % 100'000'000'000'000ULL),
                static_cast<unsigned long long>(event.place.record),
                static_cast<unsigned long long>(event.place.event));
  return text;
}

struct Found {
  Json::Array events;
  bool is_all = false;
};

/// Merges the streams by time until the answer is full or everything was seen.
Task<Found> RunSearch(Call& call, const Search& search, const Filter& filter, Merge& merge,
                      size_t limit) {
  Found found;
  size_t bytes = 0;
  int scanned = 0;
  while (true) {
    for (Cursor& cursor : merge.cursors) {
      if (cursor.events.empty()) MILL_CO_CHECK(co_await Fill(call, search, cursor, scanned));
    }
    if (scanned >= kRecordsScannedMax) co_return found;
    std::erase_if(merge.cursors, [](const Cursor& cursor) { return cursor.events.empty(); });
    if (merge.cursors.empty()) {
      MILL_CO_CHECK(co_await OpenStreams(call, search, merge));
      found.is_all = merge.cursors.empty();
      if (found.is_all) co_return found;
      continue;
    }
    const auto earliest = std::min_element(merge.cursors.begin(), merge.cursors.end(),
                                           [](const Cursor& a, const Cursor& b) {
                                             return a.events.front().time < b.events.front().time;
                                           });
    const LogEvent& event = earliest->events.front();
    if (filter.Matches(event.message.AsString())) {
      if (found.events.size() >= limit || bytes >= kAnswerBytesMax) co_return found;
      bytes += event.message.AsString().size() + kEventOverheadBytes;
      found.events.push_back(Json::Object{{"logStreamName", earliest->stream},
                                          {"timestamp", event.time},
                                          {"message", event.message},
                                          {"ingestionTime", event.ingested},
                                          {"eventId", EventId(*earliest, event)}});
    }
    earliest->events.pop_front();
  }
}

}  // namespace

Task<Json> FilterLogEvents(Call& call) {
  const Json& input = call.input;
  Search search;
  MILL_CO_TRY(search.group, GroupName(input));
  MILL_CO_TRY(const Document group, co_await FindGroup(call, search.group));
  search.range = RangeOf(input, group.body, call.now);
  search.prefix = input.StringOr("logStreamNamePrefix", "");
  if (const Json* names = input.Find("logStreamNames")) {
    if (!search.prefix.empty())
      co_return InvalidParameter(
          "logStreamNamePrefix and logStreamNames are mutually exclusive parameters.");
    for (const Json& name : names->items()) {
      MILL_CO_CHECK(co_await FindStream(call, search.group, name.AsString()));
      search.names.push_back(name.AsString());
    }
    std::sort(search.names.begin(), search.names.end());
  }
  if (search.range.from > search.range.to && input.Has("endTime") && input.Has("startTime") &&
      input.IntOr("startTime", 0) > input.IntOr("endTime", 0))
    co_return InvalidParameter("endTime must be greater than or equal to startTime.");
  MILL_CO_TRY(const Filter filter, Filter::Compile(input.StringOr("filterPattern", "")));
  Merge merge;
  if (const std::string token = input.StringOr("nextToken", ""); !token.empty()) {
    MILL_CO_TRY(merge, co_await ReadToken(call, search, token));
  }
  const auto limit = static_cast<size_t>(input.IntOr("limit", kEventsMax));
  MILL_CO_TRY(Found found, co_await RunSearch(call, search, filter, merge, limit));
  Json::Object answer{{"events", std::move(found.events)}, {"searchedLogStreams", Json::Array{}}};
  if (!found.is_all) answer.Add("nextToken", PrintToken(merge));
  co_return Json(std::move(answer));
}

}  // namespace stepmill::logs
