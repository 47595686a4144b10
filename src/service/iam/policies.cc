#include "base/strings.h"
#include "gate/session.h"
#include "service/iam/entities.h"
#include "service/iam/errors.h"
#include "service/iam/rows.h"
#include "service/ports.h"

namespace stepmill::iam {

namespace {

constexpr size_t kVersionsMax = 5;

Json PolicyJson(const Json& body) {
  return body.Without("versions")
      .Without("next")
      .Without("count")
      .With("AttachmentCount", Json(body.IntOr("count", 0)));
}

/// AWS's own policies are known by name; what they say is not kept here.
Json ManagedJson(const std::string& arn) {
  const std::string path = arn.substr(arn.find(":policy/") + 7);
  const size_t slash = path.rfind('/');
  return Json::Object{{"PolicyName", path.substr(slash + 1)},
                      {"PolicyId", "ANPAMANAGED" + ToUpper(path.substr(slash + 1, 9))},
                      {"Arn", arn},
                      {"Path", path.substr(0, slash + 1)},
                      {"DefaultVersionId", "v1"},
                      {"AttachmentCount", 0},
                      {"IsAttachable", true}};
}

Json VersionJson(const Json& policy, const Json& version, bool has_document) {
  Json out =
      version.With("IsDefaultVersion", Json(version["VersionId"] == policy["DefaultVersionId"]));
  if (!has_document) return out.Without("Document");
  return out.With("Document", Json(UrlEncode(version.StringOr("Document", ""))));
}

const Json* FindVersion(const Json& policy, const std::string& id) {
  for (const Json& version : policy["versions"].items())
    if (version.StringOr("VersionId", "") == id) return &version;
  return nullptr;
}

Error NoVersion(const std::string& arn, const std::string& id) {
  return NoSuchEntity("Policy " + arn + " version " + id + " does not exist or is not attachable.");
}

}  // namespace

Task<Json> CreatePolicy(Call& call) {
  const std::string name = call.input.StringOr("PolicyName", "");
  const std::string path = call.input.StringOr("Path", "/");
  const std::string arn = "arn:aws:iam::" + call.account + ":policy" + path + name;
  const std::string text = call.input.StringOr("PolicyDocument", "");
  MILL_CO_CHECK(CheckPolicyDocument(text, false));
  MILL_CO_TRY(const auto present, co_await call.ports.store.Get(PolicyKey(call, arn)));
  if (present)
    co_return EntityAlreadyExists("A policy called " + name +
                                  " already exists. Duplicate names are not allowed.");
  const double now = SecondsSinceEpoch(call.Now());
  Json::Object policy{{"PolicyName", name},
                      {"PolicyId", NewIamId(call.ports.random, "ANPA")},
                      {"Arn", arn},
                      {"Path", path},
                      {"DefaultVersionId", "v1"},
                      {"IsAttachable", true},
                      {"CreateDate", now},
                      {"UpdateDate", now}};
  policy.SetIf("Description", call.input.Find("Description"));
  policy.SetIf("Tags", call.input.Find("Tags"));
  policy.Set("versions", Json::Array{Json::Object{
                             {"VersionId", "v1"}, {"Document", text}, {"CreateDate", now}}});
  policy.Set("next", 2);
  const Json body(std::move(policy));
  call.batch.Create(PolicyKey(call, arn), body);
  co_return Json::Object{{"Policy", PolicyJson(body)}};
}

Task<Json> GetPolicy(Call& call) {
  const std::string arn = call.input.StringOr("PolicyArn", "");
  if (IsManagedPolicy(arn)) co_return Json::Object{{"Policy", ManagedJson(arn)}};
  MILL_CO_TRY(const Document policy, co_await FindPolicy(call, arn));
  co_return Json::Object{{"Policy", PolicyJson(policy.body)}};
}

Task<Json> ListPolicies(Call& call) {
  MILL_CO_TRY(const auto policies, co_await ListFolder(call, "policy"));
  const std::string scope = call.input.StringOr("Scope", "All");
  const std::string prefix = call.input.StringOr("PathPrefix", "/");
  const bool only_attached = call.input.BoolOr("OnlyAttached", false);
  Json::Array items;
  for (const Document& policy : policies) {
    if (scope == "AWS" || !policy.body.StringOr("Path", "/").starts_with(prefix)) continue;
    if (only_attached && policy.body.IntOr("count", 0) == 0) continue;
    items.push_back(PolicyJson(policy.body).Without("Tags").Without("Description"));
  }
  if (scope != "Local" && !only_attached)
    for (const std::string& arn : ManagedPolicies()) {
      const Json policy = ManagedJson(arn);
      if (policy.StringOr("Path", "/").starts_with(prefix)) items.push_back(policy);
    }
  co_return Page(call.input, "Policies", std::move(items));
}

Task<Json> DeletePolicy(Call& call) {
  const std::string arn = call.input.StringOr("PolicyArn", "");
  MILL_CO_TRY(const Document policy, co_await FindPolicy(call, arn));
  if (policy.body.IntOr("count", 0) > 0)
    co_return DeleteConflict("Cannot delete a policy attached to entities.");
  if (policy.body["versions"].size() > 1)
    co_return DeleteConflict(
        "This policy has more than one version. Before you delete a policy, "
        "you must delete the policy's versions. The default version is "
        "deleted with the policy.");
  call.batch.expects.push_back({policy.key, policy.version});
  call.batch.Delete(policy.key);
  co_return Json::Object{};
}

Task<Json> GetPolicyVersion(Call& call) {
  const std::string arn = call.input.StringOr("PolicyArn", "");
  const std::string id = call.input.StringOr("VersionId", "");
  if (IsManagedPolicy(arn))
    co_return Error{Code::kInvalid, "UnknownOperationException",
                    "The text of AWS's own policy " + arn + " is not kept in stepmill."};
  MILL_CO_TRY(const Document policy, co_await FindPolicy(call, arn));
  const Json* version = FindVersion(policy.body, id);
  if (!version) co_return NoVersion(arn, id);
  co_return Json::Object{{"PolicyVersion", VersionJson(policy.body, *version, true)}};
}

Task<Json> ListPolicyVersions(Call& call) {
  const std::string arn = call.input.StringOr("PolicyArn", "");
  MILL_CO_TRY(const Document policy, co_await FindPolicy(call, arn));
  Json::Array items;
  for (const Json& version : policy.body["versions"].items())
    items.insert(items.begin(), VersionJson(policy.body, version, false));
  co_return Page(call.input, "Versions", std::move(items));
}

Task<Json> CreatePolicyVersion(Call& call) {
  const std::string arn = call.input.StringOr("PolicyArn", "");
  const std::string text = call.input.StringOr("PolicyDocument", "");
  MILL_CO_CHECK(CheckPolicyDocument(text, false));
  MILL_CO_TRY(const Document policy, co_await FindPolicy(call, arn));
  if (policy.body["versions"].size() >= kVersionsMax)
    co_return LimitExceeded(
        "A managed policy can have up to 5 versions. Before you create a new "
        "version, you must delete an existing version.");
  const int64_t next = policy.body.IntOr("next", 2);
  const Json version = Json::Object{{"VersionId", "v" + std::to_string(next)},
                                    {"Document", text},
                                    {"CreateDate", SecondsSinceEpoch(call.Now())}};
  Json body = policy.body.With("versions", policy.body["versions"].Push(version))
                  .With("next", Json(next + 1))
                  .With("UpdateDate", version["CreateDate"]);
  if (call.input.BoolOr("SetAsDefault", false))
    body = body.With("DefaultVersionId", version["VersionId"]);
  call.batch.Replace(policy, body);
  co_return Json::Object{{"PolicyVersion", VersionJson(body, version, false)}};
}

Task<Json> DeletePolicyVersion(Call& call) {
  const std::string arn = call.input.StringOr("PolicyArn", "");
  const std::string id = call.input.StringOr("VersionId", "");
  MILL_CO_TRY(const Document policy, co_await FindPolicy(call, arn));
  if (!FindVersion(policy.body, id)) co_return NoVersion(arn, id);
  if (policy.body.StringOr("DefaultVersionId", "") == id)
    co_return DeleteConflict("Cannot delete the default version of a policy.");
  Json::Array kept;
  for (const Json& version : policy.body["versions"].items())
    if (version.StringOr("VersionId", "") != id) kept.push_back(version);
  call.batch.Replace(policy, policy.body.With("versions", Json(std::move(kept))));
  co_return Json::Object{};
}

Task<Json> SetDefaultPolicyVersion(Call& call) {
  const std::string arn = call.input.StringOr("PolicyArn", "");
  const std::string id = call.input.StringOr("VersionId", "");
  MILL_CO_TRY(const Document policy, co_await FindPolicy(call, arn));
  if (!FindVersion(policy.body, id)) co_return NoVersion(arn, id);
  call.batch.Replace(policy, policy.body.With("DefaultVersionId", Json(id)));
  co_return Json::Object{};
}

Task<Json> ListEntitiesForPolicy(Call& call) {
  const std::string arn = call.input.StringOr("PolicyArn", "");
  if (!IsManagedPolicy(arn)) MILL_CO_CHECK(co_await FindPolicy(call, arn));
  Json::Object out;
  const std::string filter = call.input.StringOr("EntityFilter", "");
  for (const Kind each : {Kind::kRole, Kind::kUser, Kind::kGroup}) {
    Json::Array items;
    const std::string kind(KindName(each));
    MILL_CO_TRY(const auto entities, co_await ListFolder(call, kind));
    const std::string type = ToUpper(kind.substr(0, 1)) + kind.substr(1);
    const std::string name = type + "Name", id = type + "Id";
    for (const Document& entity : entities) {
      const Json attached = entity.body["attached"];
      for (size_t i = 0; i < attached.size(); ++i)
        if (attached.At(i) == Json(arn))
          items.push_back(Json::Object{{name, entity.body[name]}, {id, entity.body[id]}});
    }
    const bool is_wanted = filter.empty() || filter == type;
    out.Add("Policy" + type + "s", is_wanted ? Json(std::move(items)) : Json(Json::Array{}));
  }
  out.Add("IsTruncated", false);
  co_return Json(std::move(out));
}

Task<Json> TagPolicy(Call& call) {
  MILL_CO_TRY(const Document policy,
              co_await FindPolicy(call, call.input.StringOr("PolicyArn", "")));
  const Json tags = MergeTags(policy.body["Tags"], call.input["Tags"]);
  call.batch.Replace(policy, policy.body.With("Tags", tags));
  co_return Json::Object{};
}

Task<Json> UntagPolicy(Call& call) {
  MILL_CO_TRY(const Document policy,
              co_await FindPolicy(call, call.input.StringOr("PolicyArn", "")));
  const Json tags = WithoutTags(policy.body["Tags"], call.input["TagKeys"]);
  call.batch.Replace(policy, policy.body.With("Tags", tags));
  co_return Json::Object{};
}

Task<Json> ListPolicyTags(Call& call) {
  MILL_CO_TRY(const Document policy,
              co_await FindPolicy(call, call.input.StringOr("PolicyArn", "")));
  Json::Array items;
  if (policy.body["Tags"].is_array()) items = policy.body["Tags"].items();
  co_return Page(call.input, "Tags", std::move(items));
}

}  // namespace stepmill::iam
