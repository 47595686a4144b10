#include <algorithm>

#include "base/strings.h"
#include "service/logs/errors.h"
#include "service/logs/groups.h"
#include "service/ports.h"
#include "task/ports.h"

namespace stepmill::logs {

namespace {

Json PrintStream(const Call& call, const std::string& group, const Json& stream) {
  const std::string name = stream.StringOr("name", "");
  Json::Object shown{{"logStreamName", name}, {"creationTime", stream["created"]}};
  if (stream.IntOr("count", 0) > 0) {
    shown.Add("firstEventTimestamp", stream["first"]);
    shown.Add("lastEventTimestamp", stream["last"]);
    shown.Add("lastIngestionTime", stream["ingested"]);
  }
  shown.Add("uploadSequenceToken", std::to_string(stream.IntOr("count", 0)));
  shown.Add("arn", GroupArn(call, group) + ":log-stream:" + name);
  shown.Add("storedBytes", 0);
  return shown;
}

/// By last event, then name: the order of orderBy LastEventTime.
bool IsEarlier(const Json& a, const Json& b) {
  const int64_t first = a.IntOr("last", 0), second = b.IntOr("last", 0);
  if (first != second) return first < second;
  return a.StringOr("name", "") < b.StringOr("name", "");
}

Task<std::vector<Json>> ReadAllStreams(Call& call, Key prefix) {
  std::vector<Json> streams;
  Key from = prefix;
  while (true) {
    MILL_CO_TRY(const auto page, co_await call.ports.store.Range(
                                     from, PrefixEnd(prefix), Direction::kForward, kPageReadMax));
    for (const Document& document : page) streams.push_back(document.body);
    if (page.size() < static_cast<size_t>(kPageReadMax)) co_return streams;
    from = page.back().key + '\0';
  }
}

/// A page of streams in order of name, straight from the keys.
Task<Json> DescribeByName(Call& call, std::string group, bool is_descending, int limit) {
  const Key prefix = StreamKey(call, group, call.input.StringOr("logStreamNamePrefix", ""));
  Key from = prefix;
  Key to = PrefixEnd(prefix);
  if (const std::string token = call.input.StringOr("nextToken", ""); !token.empty()) {
    const auto key = Unbase64(token);
    if (!key || !key->starts_with(prefix)) co_return InvalidToken();
    (is_descending ? to : from) = is_descending ? *key + '\0' : *key;
  }
  MILL_CO_TRY(auto page,
              co_await call.ports.store.Range(
                  from, to, is_descending ? Direction::kBackward : Direction::kForward, limit + 1));
  Json::Object answer;
  if (page.size() > static_cast<size_t>(limit)) {
    answer.Add("nextToken", Base64(page.back().key));
    page.pop_back();
  }
  Json::Array streams;
  for (const Document& document : page) streams.push_back(PrintStream(call, group, document.body));
  answer.Set("logStreams", std::move(streams));
  co_return Json(std::move(answer));
}

Task<Json> DescribeByTime(Call& call, std::string group, bool is_descending, size_t limit) {
  const Key prefix = StreamPrefix(call, group);
  MILL_CO_TRY(auto all, co_await ReadAllStreams(call, prefix));
  std::sort(all.begin(), all.end(), IsEarlier);
  if (is_descending) std::reverse(all.begin(), all.end());
  size_t at = 0;
  if (const std::string token = call.input.StringOr("nextToken", ""); !token.empty()) {
    const auto text = Unbase64(token);
    const auto next = text ? ParseJson(*text) : Result<Json>(InvalidToken());
    if (!next || !next->is_object()) co_return InvalidToken();
    while (at < all.size() &&
           (is_descending ? IsEarlier(*next, all[at]) : IsEarlier(all[at], *next)))
      ++at;
  }
  Json::Array streams;
  for (; at < all.size() && streams.size() < limit; ++at)
    streams.push_back(PrintStream(call, group, all[at]));
  Json::Object answer{{"logStreams", std::move(streams)}};
  if (at < all.size()) {
    const Json next = Json::Object{{"last", all[at].IntOr("last", 0)}, {"name", all[at]["name"]}};
    answer.Add("nextToken", Base64(next.Print()));
  }
  co_return Json(std::move(answer));
}

}  // namespace

Task<Document> FindStream(Call& call, std::string group, std::string stream) {
  MILL_CO_TRY(auto found, co_await call.ports.store.Get(StreamKey(call, group, stream)));
  if (!found) co_return NoSuchStream();
  co_return *std::move(found);
}

Task<Json> CreateLogStream(Call& call) {
  const std::string group = call.input.StringOr("logGroupName", "");
  const std::string name = call.input.StringOr("logStreamName", "");
  MILL_CO_TRY(const Document found, co_await FindGroup(call, group));
  MILL_CO_TRY(const auto stream, co_await call.ports.store.Get(StreamKey(call, group, name)));
  if (stream) co_return StreamExists();
  // A group that goes meanwhile takes its new streams with it.
  call.batch.expects.push_back({found.key, found.version});
  Json::Object created{{"name", name}, {"created", MillisSinceEpoch(call.now)}};
  created.Add("records", MakeKey({call.account, call.region, "logs", call.ports.random.NewUuid()}));
  call.batch.Create(StreamKey(call, group, name), std::move(created));
  co_return Json(Json::Object{});
}

Task<Json> DeleteLogStream(Call& call) {
  const std::string group = call.input.StringOr("logGroupName", "");
  MILL_CO_CHECK(co_await FindGroup(call, group));
  MILL_CO_TRY(const Document stream,
              co_await FindStream(call, group, call.input.StringOr("logStreamName", "")));
  call.batch.expects.push_back({stream.key, stream.version});
  call.batch.Delete(stream.key);
  call.batch.stream_deletes.push_back(stream.body.StringOr("records", ""));
  co_return Json(Json::Object{});
}

Task<Json> DescribeLogStreams(Call& call) {
  MILL_CO_TRY(const std::string group, GroupName(call.input));
  MILL_CO_CHECK(co_await FindGroup(call, group));
  const bool is_by_time = call.input.StringOr("orderBy", "LogStreamName") == "LastEventTime";
  if (is_by_time && call.input.Has("logStreamNamePrefix"))
    co_return InvalidParameter("Cannot order by LastEventTime with a logStreamNamePrefix.");
  const bool is_descending = call.input.BoolOr("descending", false);
  const int64_t limit = call.input.IntOr("limit", 50);
  if (is_by_time)
    co_return co_await DescribeByTime(call, group, is_descending, static_cast<size_t>(limit));
  co_return co_await DescribeByName(call, group, is_descending, static_cast<int>(limit));
}

}  // namespace stepmill::logs
