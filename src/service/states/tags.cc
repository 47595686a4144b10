#include "service/states/tags.h"

#include "service/ports.h"
#include "service/states/documents.h"
#include "service/states/errors.h"

namespace stepmill::states {
namespace {

/// State machines and activities; versions and aliases have no tags.
Task<Document> RequireTagged(Call& call) {
  const std::string arn = call.input.StringOr("resourceArn", "");
  MILL_CO_TRY(const StatesArn parsed, ParseArn(arn));
  const bool is_machine = parsed.type == "stateMachine";
  if (!is_machine && parsed.type != "activity") co_return InvalidArnType(parsed.type);
  if (!parsed.rest.empty() || !IsHere(call, parsed)) co_return ResourceNotFound(arn);
  const Key key = is_machine ? MachineKey(call, parsed.name) : ActivityKey(call, parsed.name);
  MILL_CO_TRY(auto found, co_await call.ports.store.Get(key));
  if (!found) co_return ResourceNotFound(arn);
  co_return *std::move(found);
}

}  // namespace

Task<Json> TagResource(Call& call) {
  MILL_CO_TRY(const Document tagged, co_await RequireTagged(call));
  Json::Array tags = tagged.body["tags"].items();
  for (const Json& tag : call.input["tags"].items()) {
    bool is_known = false;
    for (Json& old : tags) {
      if (old["key"] != tag["key"]) continue;
      old = tag;
      is_known = true;
    }
    if (!is_known) tags.push_back(tag);
  }
  if (tags.size() > kTagsMax) co_return TooManyTags(call.input.StringOr("resourceArn", ""));
  call.batch.Replace(tagged, tagged.body.With("tags", Json(std::move(tags))));
  co_return Json::Object{};
}

Task<Json> UntagResource(Call& call) {
  MILL_CO_TRY(const Document tagged, co_await RequireTagged(call));
  Json::Array tags;
  for (const Json& tag : tagged.body["tags"].items()) {
    bool is_gone = false;
    for (const Json& key : call.input["tagKeys"].items()) is_gone = is_gone || tag["key"] == key;
    if (!is_gone) tags.push_back(tag);
  }
  call.batch.Replace(tagged, tagged.body.With("tags", Json(std::move(tags))));
  co_return Json::Object{};
}

Task<Json> ListTagsForResource(Call& call) {
  MILL_CO_TRY(const Document tagged, co_await RequireTagged(call));
  co_return Json::Object{{"tags", tagged.body["tags"]}};
}

}  // namespace stepmill::states
