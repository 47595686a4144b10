#include "service/logs/groups.h"

#include <algorithm>

#include "base/strings.h"
#include "service/logs/errors.h"
#include "service/ports.h"

namespace stepmill::logs {

Key GroupKey(const Call& call, std::string_view group) {
  return call.KeyFor({"logs", "group", group});
}
Key StreamKey(const Call& call, std::string_view group, std::string_view stream) {
  return call.KeyFor({"logs", "stream", group, stream});
}
Key StreamPrefix(const Call& call, std::string_view group) {
  return call.KeyFor({"logs", "stream", group}) + "/";
}
std::string GroupArn(const Call& call, std::string_view group) {
  return call.Arn("logs", "log-group:" + std::string(group));
}

namespace {

/// "arn:...:log-group:NAME" with or without ":*" -> NAME; another text as it is.
std::string NameOfArn(std::string_view text) {
  const size_t at = text.find(":log-group:");
  if (!text.starts_with("arn:") || at == std::string_view::npos) return std::string(text);
  text.remove_prefix(at + std::string_view(":log-group:").size());
  if (text.ends_with(":*")) text.remove_suffix(2);
  return std::string(text);
}

/// `tags` with those of `more` on top.
Json MergeTags(Json tags, const Json& more) {
  for (const Json::Member& tag : more.members()) tags = tags.With(tag.name, tag.value);
  return tags;
}

Task<Json> ChangeTags(Call& call, Document group, Json tags) {
  if (tags.size() > kTagsMax)
    co_return Error{Code::kLimit, "TooManyTagsException",
                    "A resource can have no more than 50 tags."};
  call.batch.Replace(group, group.body.With("tags", std::move(tags)));
  co_return Json(Json::Object{});
}

/// The group of a resourceArn.
Task<Document> FindTagged(Call& call) {
  const std::string arn = call.input.StringOr("resourceArn", "");
  if (!arn.starts_with("arn:") || arn.find(":log-group:") == std::string::npos)
    co_return NoSuchResource();
  MILL_CO_TRY(auto found, co_await call.ports.store.Get(GroupKey(call, NameOfArn(arn))));
  if (!found) co_return NoSuchResource();
  co_return *std::move(found);
}

Task<int64_t> CountBytes(Call& call, std::string group) {
  const Key prefix = StreamPrefix(call, group);
  Key from = prefix;
  int64_t bytes = 0;
  while (true) {
    MILL_CO_TRY(const auto streams,
                co_await call.ports.store.Range(from, PrefixEnd(prefix), Direction::kForward,
                                                kPageReadMax));
    for (const Document& stream : streams) bytes += stream.body.IntOr("bytes", 0);
    if (streams.size() < static_cast<size_t>(kPageReadMax)) co_return bytes;
    from = streams.back().key + '\0';
  }
}

Task<Json> PrintGroup(Call& call, Json group) {
  const std::string name = group.StringOr("name", "");
  MILL_CO_TRY(const int64_t bytes, co_await CountBytes(call, name));
  Json::Object shown{{"logGroupName", name}, {"creationTime", group["created"]}};
  shown.SetIf("retentionInDays", group.Find("retentionDays"));
  shown.Add("metricFilterCount", 0);
  shown.Add("arn", GroupArn(call, name) + ":*");
  shown.Add("storedBytes", bytes);
  shown.SetIf("kmsKeyId", group.Find("kmsKeyId"));
  shown.Add("logGroupClass", "STANDARD");
  shown.Add("logGroupArn", GroupArn(call, name));
  co_return Json(std::move(shown));
}

}  // namespace

Result<std::string> GroupName(const Json& input) {
  const std::string name = input.StringOr("logGroupName", "");
  const std::string identifier = input.StringOr("logGroupIdentifier", "");
  if (name.empty() == identifier.empty())
    return InvalidParameter(
        name.empty() ? "You must specify either logGroupName or logGroupIdentifier."
                     : "LogGroup name and LogGroup identifier are mutually exclusive parameters.");
  return name.empty() ? NameOfArn(identifier) : name;
}

Task<Document> FindGroup(Call& call, std::string group) {
  MILL_CO_TRY(auto found, co_await call.ports.store.Get(GroupKey(call, group)));
  if (!found) co_return NoSuchGroup();
  co_return *std::move(found);
}

int64_t RetentionStart(const Json& group, Time now) {
  const int64_t days = group.IntOr("retentionDays", 0);
  return days == 0 ? 0 : MillisSinceEpoch(now) - days * kDayMs;
}

TimeRange RangeOf(const Json& input, const Json& group, Time now) {
  TimeRange range;
  range.from = std::max(input.IntOr("startTime", 0), RetentionStart(group, now));
  range.to = input.IntOr("endTime", INT64_MAX);
  return range;
}

Task<Json> CreateLogGroup(Call& call) {
  const std::string name = call.input.StringOr("logGroupName", "");
  if (call.input.StringOr("logGroupClass", "STANDARD") != "STANDARD")
    co_return NotBuilt("a log group class other than STANDARD");
  if (call.input.BoolOr("deletionProtectionEnabled", false))
    co_return NotBuilt("the member deletionProtectionEnabled");
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(GroupKey(call, name)));
  if (found) co_return GroupExists();
  Json::Object group{{"name", name}, {"created", MillisSinceEpoch(call.now)}};
  group.SetIf("kmsKeyId", call.input.Find("kmsKeyId"));
  group.Add("tags",
            MergeTags(Json::Object{},
                      call.input["tags"].is_object() ? call.input["tags"] : Json(Json::Object{})));
  call.batch.Create(GroupKey(call, name), std::move(group));
  co_return Json(Json::Object{});
}

Task<Json> DeleteLogGroup(Call& call) {
  const std::string name = call.input.StringOr("logGroupName", "");
  MILL_CO_TRY(const Document group, co_await FindGroup(call, name));
  call.batch.expects.push_back({group.key, group.version});
  call.batch.Delete(group.key);
  const Key prefix = StreamPrefix(call, name);
  Key from = prefix;
  while (true) {
    MILL_CO_TRY(const auto streams,
                co_await call.ports.store.Range(from, PrefixEnd(prefix), Direction::kForward,
                                                kPageReadMax));
    for (const Document& stream : streams) {
      call.batch.Delete(stream.key);
      call.batch.stream_deletes.push_back(stream.body.StringOr("records", ""));
    }
    if (streams.size() < static_cast<size_t>(kPageReadMax)) co_return Json(Json::Object{});
    from = streams.back().key + '\0';
  }
}

Task<Json> DescribeLogGroups(Call& call) {
  const Json& input = call.input;
  const std::string start = input.StringOr("logGroupNamePrefix", "");
  const std::string pattern = ToLower(input.StringOr("logGroupNamePattern", ""));
  if (!start.empty() && !pattern.empty())
    co_return InvalidParameter(
        "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.");
  if (input.Has("logGroupIdentifiers")) co_return NotBuilt("the member logGroupIdentifiers");
  const Key prefix = GroupKey(call, start);
  Key from = prefix;
  if (const std::string token = input.StringOr("nextToken", ""); !token.empty()) {
    const auto key = Unbase64(token);
    if (!key || !key->starts_with(prefix)) co_return InvalidToken();
    from = *key;
  }
  const auto limit = static_cast<size_t>(input.IntOr("limit", 50));
  Json::Array groups;
  Json::Object answer;
  while (true) {
    MILL_CO_TRY(const auto documents,
                co_await call.ports.store.Range(from, PrefixEnd(prefix), Direction::kForward,
                                                kPageReadMax));
    for (const Document& document : documents) {
      const std::string name = document.body.StringOr("name", "");
      if (!pattern.empty() && ToLower(name).find(pattern) == std::string::npos) continue;
      if (groups.size() == limit) {
        answer.Add("nextToken", Base64(document.key));
        break;
      }
      MILL_CO_TRY(Json shown, co_await PrintGroup(call, document.body));
      groups.push_back(std::move(shown));
    }
    if (!answer.members.empty() || documents.size() < static_cast<size_t>(kPageReadMax)) break;
    from = documents.back().key + '\0';
  }
  answer.Set("logGroups", std::move(groups));
  co_return Json(std::move(answer));
}

Task<Json> PutRetentionPolicy(Call& call) {
  constexpr int64_t kDays[] = {1,   3,   5,   7,   14,   30,   60,   90,   120,  150,  180,
                               365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653};
  MILL_CO_TRY(const Document group,
              co_await FindGroup(call, call.input.StringOr("logGroupName", "")));
  const int64_t days = call.input.IntOr("retentionInDays", 0);
  if (std::find(std::begin(kDays), std::end(kDays), days) == std::end(kDays))
    co_return InvalidParameter(
        "1 validation error detected: Value '" + std::to_string(days) +
        "' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: "
        "[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, "
        "2922, 3288, 3653]");
  call.batch.Replace(group, group.body.With("retentionDays", days));
  co_return Json(Json::Object{});
}

Task<Json> DeleteRetentionPolicy(Call& call) {
  MILL_CO_TRY(const Document group,
              co_await FindGroup(call, call.input.StringOr("logGroupName", "")));
  call.batch.Replace(group, group.body.Without("retentionDays"));
  co_return Json(Json::Object{});
}

Task<Json> TagResource(Call& call) {
  MILL_CO_TRY(Document group, co_await FindTagged(call));
  Json tags = MergeTags(group.body["tags"], call.input["tags"]);
  co_return co_await ChangeTags(call, std::move(group), std::move(tags));
}

Task<Json> UntagResource(Call& call) {
  MILL_CO_TRY(Document group, co_await FindTagged(call));
  Json tags = group.body["tags"];
  for (const Json& key : call.input["tagKeys"].items()) tags = tags.Without(key.AsString());
  co_return co_await ChangeTags(call, std::move(group), std::move(tags));
}

Task<Json> ListTagsForResource(Call& call) {
  MILL_CO_TRY(const Document group, co_await FindTagged(call));
  co_return Json::Object{{"tags", group.body["tags"]}};
}

Task<Json> TagLogGroup(Call& call) {
  MILL_CO_TRY(Document group, co_await FindGroup(call, call.input.StringOr("logGroupName", "")));
  Json tags = MergeTags(group.body["tags"], call.input["tags"]);
  co_return co_await ChangeTags(call, std::move(group), std::move(tags));
}

Task<Json> UntagLogGroup(Call& call) {
  MILL_CO_TRY(Document group, co_await FindGroup(call, call.input.StringOr("logGroupName", "")));
  Json tags = group.body["tags"];
  for (const Json& key : call.input["tags"].items()) tags = tags.Without(key.AsString());
  co_return co_await ChangeTags(call, std::move(group), std::move(tags));
}

Task<Json> ListTagsLogGroup(Call& call) {
  MILL_CO_TRY(const Document group,
              co_await FindGroup(call, call.input.StringOr("logGroupName", "")));
  co_return Json::Object{{"tags", group.body["tags"]}};
}

}  // namespace stepmill::logs
