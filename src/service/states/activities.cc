#include "service/states/activities.h"

#include <cstdio>

#include "engine/engine.h"
#include "lang/asl/execution.h"
#include "service/ports.h"
#include "service/states/documents.h"
#include "service/states/errors.h"
#include "service/states/settings.h"
#include "service/states/tags.h"
#include "task/ports.h"

namespace stepmill::states {
namespace {

constexpr Seconds kPollMax{60};  // AWS: "GetActivityTask"

Task<Document> RequireActivity(Call& call, std::string arn) {
  MILL_CO_TRY(const StatesArn parsed, ParseArnOf("activity", arn));
  if (!parsed.rest.empty() || !IsHere(call, parsed)) co_return ActivityDoesNotExist(arn);
  MILL_CO_TRY(auto found, co_await call.ports.store.Get(ActivityKey(call, parsed.name)));
  if (!found) co_return ActivityDoesNotExist(arn);
  co_return *std::move(found);
}

/// Takes the oldest task off the list and tells its execution; null when there is none.
Task<Json> TakeTask(Call& call, std::string activity) {
  const Key prefix = OfferPrefix(call.account, call.region, activity);
  const Key end = PrefixEnd(prefix);
  MILL_CO_TRY(const auto offers,
              co_await call.ports.store.Range(prefix, end, Direction::kForward, 1));
  if (offers.empty()) co_return Json();
  const Document& offer = offers.front();
  // One of two workers that reach for it meets a conflict, and looks again.
  call.batch.expects.push_back({offer.key, offer.version});
  call.batch.Delete(offer.key);
  const std::string token = offer.body.StringOr("token", "");
  const std::optional<asl::TaskToken> task = asl::ReadTaskToken(token);
  MILL_ASSERT(task.has_value());  // this server made it
  Json::Object details;
  details.SetIf("workerName", call.input.Find("workerName"));
  call.ports.engine.Post(
      call.batch, task->execution_arn, "task-started",
      Json::Object{{"task", static_cast<int64_t>(task->task)}, {"details", std::move(details)}});
  co_return Json::Object{{"taskToken", token}, {"input", offer.body["input"]}};
}

}  // namespace

std::string ActivityTopic(std::string_view activity_arn) {
  return "activity/" + std::string(activity_arn);
}

Key OfferPrefix(std::string_view account, std::string_view region, std::string_view activity) {
  return MakeKey({account, region, "states", "offer", activity, ""});
}

Key OfferKey(std::string_view account, std::string_view region, std::string_view activity, Time at,
             std::string_view token) {
  char when[24];
  std::snprintf(when, sizeof when, "%013lld", static_cast<long long>(MillisSinceEpoch(at)));
  return MakeKey({account, region, "states", "offer", activity, when, token});
}

Task<Json> CreateActivity(Call& call) {
  const std::string name = call.input.StringOr("name", "");
  MILL_CO_CHECK(CheckName(name));
  MILL_CO_TRY(const Json encryption, ReadEncryption(call.input.Find("encryptionConfiguration")));
  const std::string arn = call.Arn("states", "activity:" + name);
  const Json tags = call.input.Has("tags") ? call.input["tags"] : Json(Json::Array{});
  if (tags.size() > kTagsMax) co_return TooManyTags(arn);
  MILL_CO_TRY(const auto existing, co_await call.ports.store.Get(ActivityKey(call, name)));
  if (existing) {  // other tags are ignored, another key is not
    if (existing->body["encryptionConfiguration"] != encryption)
      co_return ActivityAlreadyExists(arn);
    co_return Json::Object{{"activityArn", arn},
                           {"creationDate", SecondsOf(existing->body["createdAt"])}};
  }
  const int64_t now = MillisSinceEpoch(call.Now());
  call.batch.Create(ActivityKey(call, name), Json::Object{{"activityArn", arn},
                                                          {"name", name},
                                                          {"createdAt", now},
                                                          {"encryptionConfiguration", encryption},
                                                          {"tags", tags}});
  co_return Json::Object{{"activityArn", arn}, {"creationDate", SecondsOf(now)}};
}

Task<Json> DescribeActivity(Call& call) {
  const std::string arn = call.input.StringOr("activityArn", "");
  MILL_CO_TRY(const Document activity, co_await RequireActivity(call, arn));
  co_return Json::Object{{"activityArn", arn},
                         {"name", activity.body["name"]},
                         {"creationDate", SecondsOf(activity.body["createdAt"])},
                         {"encryptionConfiguration", activity.body["encryptionConfiguration"]}};
}

Task<Json> DeleteActivity(Call& call) {
  const std::string arn = call.input.StringOr("activityArn", "");
  MILL_CO_TRY(const StatesArn parsed, ParseArnOf("activity", arn));
  const auto activity = co_await RequireActivity(call, arn);
  if (activity) call.batch.Delete(activity->key);
  co_return Json::Object{};
}

Task<Json> ListActivities(Call& call) {
  const Key prefix = call.KeyFor({"states", "activity", ""});
  MILL_CO_TRY(const Page page, co_await ReadPage(call, prefix, Direction::kForward));
  Json::Array list;
  for (const Document& activity : page.documents)
    list.push_back(Json::Object{{"activityArn", activity.body["activityArn"]},
                                {"name", activity.body["name"]},
                                {"creationDate", SecondsOf(activity.body["createdAt"])}});
  Json::Object out{{"activities", Json(std::move(list))}};
  if (page.next_token) out.Set("nextToken", *page.next_token);
  co_return out;
}

Task<Json> GetActivityTask(Call& call) {
  const std::string arn = call.input.StringOr("activityArn", "");
  const std::string topic = ActivityTopic(arn);
  const Time until = call.ports.clock.Now() + kPollMax;
  for (;;) {
    const uint64_t moment = call.ports.engine.Moment();
    MILL_CO_TRY(const Document activity, co_await RequireActivity(call, arn));
    const std::string name = activity.body.StringOr("name", "");
    MILL_CO_TRY(const Json task, co_await TakeTask(call, name));
    if (!task.is_null()) co_return task;
    if (call.ports.clock.Now() >= until) co_return Json::Object{};
    MILL_CO_CHECK(co_await call.ports.engine.WaitFor(topic, moment, until));
    // Neither woken nor due: the server is about to end, and waits have.
    if (call.ports.engine.Moment() == moment && call.ports.clock.Now() < until)
      co_return Json::Object{};
  }
}

}  // namespace stepmill::states
