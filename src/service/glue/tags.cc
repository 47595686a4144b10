#include "json/each.h"
#include "service/glue/errors.h"
#include "service/glue/records.h"
#include "service/ports.h"

namespace stepmill::glue {
namespace {

constexpr size_t kTagsMax = 50;

/// The tags' document of a job that exists.
Task<std::optional<Document>> FindTags(Call& call, std::string arn) {
  const std::string prefix = JobArn(call, "");
  if (!arn.starts_with(prefix)) co_return NotFound("Resource " + arn + " not found.");
  MILL_CO_TRY(const Document job, co_await RequireJob(call, arn.substr(prefix.size())));
  co_return co_await call.ports.store.Get(TagsKey(call, arn));
}

}  // namespace

Task<Json> TagResource(Call& call) {
  const std::string arn = call.input.StringOr("ResourceArn", "");
  MILL_CO_TRY(const auto known, co_await FindTags(call, arn));
  Json tags = known ? known->body["Tags"] : Json(Json::Object{});
  for (const auto& tag : MembersOf(call.input["TagsToAdd"])) tags = tags.With(tag.name, tag.value);
  if (tags.size() > kTagsMax) co_return InvalidInput("A resource has at most 50 tags");
  const Json body = Json::Object{{"Tags", tags}};
  if (known)
    call.batch.Replace(*known, body);
  else
    call.batch.Create(TagsKey(call, arn), body);
  co_return Json::Object{};
}

Task<Json> UntagResource(Call& call) {
  const std::string arn = call.input.StringOr("ResourceArn", "");
  MILL_CO_TRY(const auto known, co_await FindTags(call, arn));
  if (!known) co_return Json::Object{};
  Json tags = known->body["Tags"];
  for (const Json& name : ItemsOf(call.input["TagsToRemove"])) tags = tags.Without(name.AsString());
  call.batch.Replace(*known, Json::Object{{"Tags", tags}});
  co_return Json::Object{};
}

Task<Json> GetTags(Call& call) {
  const std::string arn = call.input.StringOr("ResourceArn", "");
  MILL_CO_TRY(const auto known, co_await FindTags(call, arn));
  co_return Json::Object{{"Tags", known ? known->body["Tags"] : Json(Json::Object{})}};
}

}  // namespace stepmill::glue
