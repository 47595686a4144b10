#include "base/strings.h"
#include "json/each.h"
#include "service/ports.h"
#include "service/sagemaker/errors.h"
#include "service/sagemaker/records.h"

namespace stepmill::sagemaker {

namespace {

constexpr size_t kTagsMax = 50;

/// A kind of resource and the member of its document that holds the ARN.
struct Kind {
  std::string_view type, arn_member;
};
constexpr Kind kKinds[] = {{"processing-job", "ProcessingJobArn"},
                           {"training-job", "TrainingJobArn"},
                           {"transform-job", "TransformJobArn"},
                           {"hyper-parameter-tuning-job", "HyperParameterTuningJobArn"},
                           {"model", "ModelArn"},
                           {"endpoint-config", "EndpointConfigArn"},
                           {"endpoint", "EndpointArn"}};

Task<bool> IsThere(Call& call, const std::string& arn) {
  for (const Kind& kind : kKinds) {
    const std::string prefix = ResourceArn(call.account, call.region, kind.type, "");
    if (!arn.starts_with(prefix)) continue;
    const Key key = call.KeyFor({"sagemaker", kind.type, arn.substr(prefix.size())});
    MILL_CO_TRY(const auto found, co_await call.ports.store.Get(key));
    if (found) co_return true;
    // The ARN is in lower case, the name need not be.
    MILL_CO_TRY(const auto all, co_await AllOf(call, std::string(kind.type)));
    for (const Json& document : all)
      if (document.StringOr(kind.arn_member, "") == arn) co_return true;
  }
  co_return false;
}

/// The tags' document of a resource that exists.
Task<std::optional<Document>> FindTags(Call& call, const std::string& arn) {
  MILL_CO_TRY(const bool is_there, co_await IsThere(call, arn));
  if (!is_there) co_return Invalid("Could not find resource with ARN " + arn);
  co_return co_await call.ports.store.Get(TagsKey(call, arn));
}

/// Known tags without those of `keys`.
Json::Array Without(const std::optional<Document>& known, const Json::Array& keys) {
  Json::Array tags;
  if (!known) return tags;
  for (const Json& tag : ItemsOf(known->body["Tags"])) {
    bool is_named = false;
    for (const Json& key : keys) is_named = is_named || key == tag["Key"];
    if (!is_named) tags.push_back(tag);
  }
  return tags;
}

void Put(Call& call, const std::string& arn, const std::optional<Document>& known, Json body) {
  if (known)
    call.batch.Replace(*known, std::move(body));
  else
    call.batch.Create(TagsKey(call, arn), std::move(body));
}

}  // namespace

Key TagsKey(const Call& call, const std::string& arn) {
  return call.KeyFor({"sagemaker", "tags", arn});
}

void KeepTags(Call& call, const std::string& arn) {
  if (call.input["Tags"].size() > 0)
    call.batch.PutDocument(TagsKey(call, arn), Json::Object{{"Tags", call.input["Tags"]}});
}

void DeleteResource(Call& call, const Document& resource, const char* arn_member) {
  call.batch.Delete(resource.key);
  call.batch.Delete(TagsKey(call, resource.body.StringOr(arn_member, "")));
}

std::string ResourceArn(std::string_view account, std::string_view region, std::string_view type,
                        std::string name) {
  return "arn:aws:sagemaker:" + std::string(region) + ":" + std::string(account) + ":" +
         std::string(type) + "/" + ToLower(name);
}

Task<Json> AddTags(Call& call) {
  const std::string arn = call.input.StringOr("ResourceArn", "");
  MILL_CO_TRY(const auto known, co_await FindTags(call, arn));
  Json::Array keys;
  for (const Json& tag : ItemsOf(call.input["Tags"])) keys.push_back(tag["Key"]);
  Json::Array tags = Without(known, keys);
  for (const Json& tag : ItemsOf(call.input["Tags"])) tags.push_back(tag);
  if (tags.size() > kTagsMax) {
    co_return Error{Code::kLimit, "ResourceLimitExceeded", "A resource has at most 50 tags"};
  }
  const Json body = Json::Object{{"Tags", std::move(tags)}};
  Put(call, arn, known, body);
  co_return body;
}

Task<Json> DeleteTags(Call& call) {
  const std::string arn = call.input.StringOr("ResourceArn", "");
  MILL_CO_TRY(const auto known, co_await FindTags(call, arn));
  const Json::Array keys = ItemsOf(call.input["TagKeys"]);
  if (known) Put(call, arn, known, Json::Object{{"Tags", Without(known, keys)}});
  co_return Json::Object{};
}

Task<Json> ListTags(Call& call) {
  const std::string arn = call.input.StringOr("ResourceArn", "");
  MILL_CO_TRY(const auto known, co_await FindTags(call, arn));
  if (!known) co_return Json::Object{{"Tags", Json::Array{}}};
  co_return known->body;
}

}  // namespace stepmill::sagemaker
