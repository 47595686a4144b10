#include "base/strings.h"
#include "service/iam/entities.h"
#include "service/iam/errors.h"
#include "service/iam/rows.h"
#include "service/ports.h"

namespace stepmill::iam {

namespace {

constexpr size_t kAttachedMax = 10;

std::string_view NameMember(Kind kind) {
  return kind == Kind::kRole ? "RoleName" : kind == Kind::kUser ? "UserName" : "GroupName";
}

Task<Document> Named(Call& call, Kind kind) {
  return FindEntity(call, kind, call.input.StringOr(NameMember(kind), ""));
}

Error NoInlinePolicy(Kind kind, const std::string& name) {
  return NoSuchEntity("The " + std::string(KindName(kind)) + " policy with name " + name +
                      " cannot be found.");
}

Task<Json> PutInline(Call& call, Kind kind) {
  const std::string text = call.input.StringOr("PolicyDocument", "");
  MILL_CO_CHECK(CheckPolicyDocument(text, false));
  MILL_CO_TRY(const Document entity, co_await Named(call, kind));
  const Json policies =
      entity.body["inline"].With(call.input.StringOr("PolicyName", ""), Json(text));
  call.batch.Replace(entity, entity.body.With("inline", policies));
  co_return Json::Object{};
}

Task<Json> GetInline(Call& call, Kind kind) {
  MILL_CO_TRY(const Document entity, co_await Named(call, kind));
  const std::string name = call.input.StringOr("PolicyName", "");
  const Json* text = entity.body["inline"].Find(name);
  if (!text) co_return NoInlinePolicy(kind, name);
  co_return Json::Object{{NameMember(kind).data(), call.input[NameMember(kind)]},
                         {"PolicyName", name},
                         {"PolicyDocument", UrlEncode(text->AsString())}};
}

Task<Json> ListInline(Call& call, Kind kind) {
  MILL_CO_TRY(const Document entity, co_await Named(call, kind));
  Json::Array names;
  if (const Json* policies = entity.body.Find("inline"))
    for (const Json::Member& policy : policies->members()) names.push_back(Json(policy.name));
  co_return Page(call.input, "PolicyNames", std::move(names));
}

Task<Json> DeleteInline(Call& call, Kind kind) {
  MILL_CO_TRY(const Document entity, co_await Named(call, kind));
  const std::string name = call.input.StringOr("PolicyName", "");
  if (!entity.body["inline"].Has(name)) co_return NoInlinePolicy(kind, name);
  const Json policies = entity.body["inline"].Without(name);
  call.batch.Replace(entity, entity.body.With("inline", policies));
  co_return Json::Object{};
}

/// How many entities a policy of the account is attached to is kept with it.
Task<> CountAttached(Call& call, std::string arn, int change) {
  if (IsManagedPolicy(arn)) co_return Result<>();
  MILL_CO_TRY(const Document policy, co_await FindPolicy(call, arn));
  const int64_t count = policy.body.IntOr("count", 0) + change;
  call.batch.Replace(policy, policy.body.With("count", Json(count)));
  co_return Result<>();
}

Task<Json> Attach(Call& call, Kind kind) {
  const std::string arn = call.input.StringOr("PolicyArn", "");
  if (Split(arn, ':').size() < 6)
    co_return Error{Code::kInvalid, "ValidationError", "Invalid ARN:  Could not be parsed!"};
  if (!IsManagedPolicy(arn)) {
    MILL_CO_TRY(const auto policy, co_await call.ports.store.Get(PolicyKey(call, arn)));
    if (!policy) co_return NoSuchEntity("Policy " + arn + " does not exist or is not attachable.");
  }
  MILL_CO_TRY(const Document entity, co_await Named(call, kind));
  const Json attached = entity.body["attached"];
  for (size_t i = 0; i < attached.size(); ++i)
    if (attached.At(i) == Json(arn)) co_return Json::Object{};
  if (attached.size() >= kAttachedMax)
    co_return LimitExceeded(std::string("Cannot exceed quota for PoliciesPer") +
                            std::string(NameMember(kind)).substr(0, NameMember(kind).size() - 4) +
                            ": 10");
  MILL_CO_CHECK(co_await CountAttached(call, arn, 1));
  call.batch.Replace(entity, entity.body.With("attached", attached.Push(Json(arn))));
  co_return Json::Object{};
}

Task<Json> Detach(Call& call, Kind kind) {
  const std::string arn = call.input.StringOr("PolicyArn", "");
  MILL_CO_TRY(const Document entity, co_await Named(call, kind));
  Json::Array kept;
  const Json attached = entity.body["attached"];
  for (size_t i = 0; i < attached.size(); ++i)
    if (!(attached.At(i) == Json(arn))) kept.push_back(attached.At(i));
  if (kept.size() == attached.size()) co_return NoSuchEntity("Policy " + arn + " was not found.");
  MILL_CO_CHECK(co_await CountAttached(call, arn, -1));
  call.batch.Replace(entity, entity.body.With("attached", Json(std::move(kept))));
  co_return Json::Object{};
}

Task<Json> ListAttached(Call& call, Kind kind) {
  MILL_CO_TRY(const Document entity, co_await Named(call, kind));
  Json::Array items;
  const Json attached = entity.body["attached"];
  for (size_t i = 0; i < attached.size(); ++i) {
    const std::string arn = attached.At(i).AsString();
    items.push_back(
        Json::Object{{"PolicyName", arn.substr(arn.rfind('/') + 1)}, {"PolicyArn", arn}});
  }
  co_return Page(call.input, "AttachedPolicies", std::move(items));
}

Task<Json> Tag(Call& call, Kind kind) {
  MILL_CO_TRY(const Document entity, co_await Named(call, kind));
  const Json tags = MergeTags(entity.body["Tags"], call.input["Tags"]);
  call.batch.Replace(entity, entity.body.With("Tags", tags));
  co_return Json::Object{};
}

Task<Json> Untag(Call& call, Kind kind) {
  MILL_CO_TRY(const Document entity, co_await Named(call, kind));
  const Json tags = WithoutTags(entity.body["Tags"], call.input["TagKeys"]);
  call.batch.Replace(entity, entity.body.With("Tags", tags));
  co_return Json::Object{};
}

Task<Json> ListTags(Call& call, Kind kind) {
  MILL_CO_TRY(const Document entity, co_await Named(call, kind));
  Json::Array items;
  if (entity.body["Tags"].is_array()) items = entity.body["Tags"].items();
  co_return Page(call.input, "Tags", std::move(items));
}

}  // namespace

Task<Json> PutRolePolicy(Call& call) { return PutInline(call, Kind::kRole); }
Task<Json> GetRolePolicy(Call& call) { return GetInline(call, Kind::kRole); }
Task<Json> ListRolePolicies(Call& call) { return ListInline(call, Kind::kRole); }
Task<Json> DeleteRolePolicy(Call& call) { return DeleteInline(call, Kind::kRole); }
Task<Json> AttachRolePolicy(Call& call) { return Attach(call, Kind::kRole); }
Task<Json> DetachRolePolicy(Call& call) { return Detach(call, Kind::kRole); }
Task<Json> ListAttachedRolePolicies(Call& call) { return ListAttached(call, Kind::kRole); }
Task<Json> TagRole(Call& call) { return Tag(call, Kind::kRole); }
Task<Json> UntagRole(Call& call) { return Untag(call, Kind::kRole); }
Task<Json> ListRoleTags(Call& call) { return ListTags(call, Kind::kRole); }
Task<Json> PutUserPolicy(Call& call) { return PutInline(call, Kind::kUser); }
Task<Json> GetUserPolicy(Call& call) { return GetInline(call, Kind::kUser); }
Task<Json> ListUserPolicies(Call& call) { return ListInline(call, Kind::kUser); }
Task<Json> DeleteUserPolicy(Call& call) { return DeleteInline(call, Kind::kUser); }
Task<Json> AttachUserPolicy(Call& call) { return Attach(call, Kind::kUser); }
Task<Json> DetachUserPolicy(Call& call) { return Detach(call, Kind::kUser); }
Task<Json> ListAttachedUserPolicies(Call& call) { return ListAttached(call, Kind::kUser); }
Task<Json> PutGroupPolicy(Call& call) { return PutInline(call, Kind::kGroup); }
Task<Json> GetGroupPolicy(Call& call) { return GetInline(call, Kind::kGroup); }
Task<Json> ListGroupPolicies(Call& call) { return ListInline(call, Kind::kGroup); }
Task<Json> DeleteGroupPolicy(Call& call) { return DeleteInline(call, Kind::kGroup); }
Task<Json> AttachGroupPolicy(Call& call) { return Attach(call, Kind::kGroup); }
Task<Json> DetachGroupPolicy(Call& call) { return Detach(call, Kind::kGroup); }
Task<Json> ListAttachedGroupPolicies(Call& call) { return ListAttached(call, Kind::kGroup); }
Task<Json> TagUser(Call& call) { return Tag(call, Kind::kUser); }
Task<Json> UntagUser(Call& call) { return Untag(call, Kind::kUser); }
Task<Json> ListUserTags(Call& call) { return ListTags(call, Kind::kUser); }

}  // namespace stepmill::iam
