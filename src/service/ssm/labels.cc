#include <algorithm>
#include <cctype>

#include "base/strings.h"
#include "service/ports.h"
#include "service/ssm/errors.h"
#include "service/ssm/parameters.h"

namespace stepmill::ssm {

namespace {

bool IsLabel(const std::string& label) {
  const std::string lower = ToLower(label);
  return !std::isdigit(static_cast<unsigned char>(label[0])) && !lower.starts_with("aws") &&
         !lower.starts_with("ssm") && std::all_of(label.begin(), label.end(), [](unsigned char c) {
           return std::isalnum(c) || c == '.' || c == '-' || c == '_';
         });
}

/// The parameter whose tags are meant.
Task<Document> FindTagged(Call& call) {
  const std::string type = call.input.StringOr("ResourceType", "");
  if (type != "Parameter") co_return InvalidResourceType(type);
  const std::string id = call.input.StringOr("ResourceId", "");
  MILL_CO_TRY(auto found, co_await FindNewest(call, id));
  if (!found) co_return InvalidResourceId(id);
  co_return *std::move(found);
}

}  // namespace

Task<Json> LabelParameterVersion(Call& call) {
  MILL_CO_TRY(const auto found, co_await FindNewest(call, call.input.StringOr("Name", "")));
  if (!found) co_return ParameterNotFound();
  const Json& body = found->body;
  const std::string name = body.StringOr("name", "");
  const int64_t version = call.input.IntOr("ParameterVersion", body.IntOr("version", 0));
  if (version < body.IntOr("oldest", 1) || version > body.IntOr("version", 0))
    co_return ParameterVersionNotFound(name, std::to_string(version));
  Json labels = body["labels"];
  Json::Array invalid;
  for (const Json& label : call.input["Labels"].items()) {
    if (IsLabel(label.AsString()))
      labels = labels.With(label.AsString(), version);
    else
      invalid.push_back(label);
  }
  const Json changed = body.With("labels", labels);
  if (LabelsOf(changed, version).size() > kLabelsMax)
    co_return ParameterVersionLabelLimitExceeded();
  if (labels.size() > 0) call.batch.Replace(*found, changed);
  co_return Json::Object{{"InvalidLabels", std::move(invalid)}, {"ParameterVersion", version}};
}

Task<Json> UnlabelParameterVersion(Call& call) {
  MILL_CO_TRY(const auto found, co_await FindNewest(call, call.input.StringOr("Name", "")));
  if (!found) co_return ParameterNotFound();
  const Json version = call.input["ParameterVersion"];
  Json labels = found->body["labels"];
  Json::Array removed, invalid;
  for (const Json& label : call.input["Labels"].items()) {
    const Json* at = labels.Find(label.AsString());
    if (at && *at == version) {
      removed.push_back(label);
      labels = labels.Without(label.AsString());
    } else {
      invalid.push_back(label);
    }
  }
  if (!removed.empty()) call.batch.Replace(*found, found->body.With("labels", labels));
  co_return Json::Object{{"RemovedLabels", std::move(removed)},
                         {"InvalidLabels", std::move(invalid)}};
}

Task<Json> AddTagsToResource(Call& call) {
  MILL_CO_TRY(const Document found, co_await FindTagged(call));
  Json tags = found.body["tags"];
  for (const Json& tag : call.input["Tags"].items())
    tags = tags.With(tag.StringOr("Key", ""), tag["Value"]);
  if (tags.size() > kTagsMax) co_return TooManyTags();
  call.batch.Replace(found, found.body.With("tags", tags));
  co_return Json(Json::Object{});
}

Task<Json> RemoveTagsFromResource(Call& call) {
  MILL_CO_TRY(const Document found, co_await FindTagged(call));
  Json tags = found.body["tags"];
  for (const Json& key : call.input["TagKeys"].items()) tags = tags.Without(key.AsString());
  call.batch.Replace(found, found.body.With("tags", tags));
  co_return Json(Json::Object{});
}

Task<Json> ListTagsForResource(Call& call) {
  MILL_CO_TRY(const Document found, co_await FindTagged(call));
  Json::Array tags;
  if (const Json* all = found.body.Find("tags"))
    for (const Json::Member& tag : all->members())
      tags.push_back(Json::Object{{"Key", tag.name}, {"Value", tag.value}});
  co_return Json::Object{{"TagList", std::move(tags)}};
}

}  // namespace stepmill::ssm
