// AWS::IAM::Role
#include "lang/template/resolve.h"
#include "service/cloudformation/types.h"

namespace stepmill::cloudformation {
namespace {

constexpr size_t kNameCharactersMax = 64;

std::string NameOf(const ResourceContext& context, const std::string& suffix) {
  return NameOr(context, "RoleName", suffix, kNameCharactersMax);
}

ApiCall RoleCall(const ResourceContext& context, const char* operation, Json::Object more,
                 std::vector<std::string> tolerated = {}) {
  Json::Object input{{"RoleName", context.physical_id}};
  for (Json::Member& member : more.members) input.Set(member.name, member.value);
  return ApiCall{"iam", operation, Json(std::move(input)), std::move(tolerated)};
}

/// Inline policies and attachments that `properties` name.
void PutPolicies(const ResourceContext& context, std::vector<ApiCall>& calls) {
  const Json& policies = context.properties["Policies"];
  if (policies.is_array()) {
    for (const Json& policy : policies.items()) {
      calls.push_back(RoleCall(context, "PutRolePolicy",
                               {{"PolicyName", policy["PolicyName"]},
                                {"PolicyDocument", DocumentText(policy["PolicyDocument"])}}));
    }
  }
  const Json& attached = context.properties["ManagedPolicyArns"];
  if (attached.is_array()) {
    for (const Json& arn : attached.items()) {
      calls.push_back(RoleCall(context, "AttachRolePolicy", {{"PolicyArn", arn}}));
    }
  }
}

/// Removes what the old properties have and the new ones (null: none) do not.
void DropPolicies(const ResourceContext& context, const Json& kept, std::vector<ApiCall>& calls) {
  const auto keeps_name = [&kept](const Json& name) {
    if (!kept["Policies"].is_array()) return false;
    for (const Json& policy : kept["Policies"].items()) {
      if (policy["PolicyName"] == name) return true;
    }
    return false;
  };
  const auto keeps_arn = [&kept](const Json& arn) {
    if (!kept["ManagedPolicyArns"].is_array()) return false;
    for (const Json& other : kept["ManagedPolicyArns"].items()) {
      if (other == arn) return true;
    }
    return false;
  };
  const Json& policies = context.old_properties["Policies"];
  if (policies.is_array()) {
    for (const Json& policy : policies.items()) {
      if (keeps_name(policy["PolicyName"])) continue;
      calls.push_back(RoleCall(context, "DeleteRolePolicy", {{"PolicyName", policy["PolicyName"]}},
                               {"NoSuchEntity"}));
    }
  }
  const Json& attached = context.old_properties["ManagedPolicyArns"];
  if (attached.is_array()) {
    for (const Json& arn : attached.items()) {
      if (keeps_arn(arn)) continue;
      calls.push_back(
          RoleCall(context, "DetachRolePolicy", {{"PolicyArn", arn}}, {"NoSuchEntity"}));
    }
  }
}

Result<std::optional<ApiCall>> Create(const ResourceContext& context, const Json::Array& answers) {
  const Json& properties = context.properties;
  Json::Object more{
      {"AssumeRolePolicyDocument", DocumentText(properties["AssumeRolePolicyDocument"])}};
  for (const char* name : {"Path", "Description", "MaxSessionDuration", "PermissionsBoundary"}) {
    more.SetIf(name, properties.Find(name));
  }
  const Json tags = MergedTags(context, "Key", "Value");
  if (tags.size() > 0) more.Set("Tags", tags);
  std::vector<ApiCall> calls{RoleCall(context, "CreateRole", std::move(more))};
  PutPolicies(context, calls);
  return CallAt(calls, answers);
}

Result<std::optional<ApiCall>> Update(const ResourceContext& context, const Json::Array& answers) {
  const Json& now = context.properties;
  const Json& old = context.old_properties;
  std::vector<ApiCall> calls;
  if (!(now["AssumeRolePolicyDocument"] == old["AssumeRolePolicyDocument"])) {
    calls.push_back(RoleCall(context, "UpdateAssumeRolePolicy",
                             {{"PolicyDocument", DocumentText(now["AssumeRolePolicyDocument"])}}));
  }
  if (!(now["Description"] == old["Description"]) ||
      !(now["MaxSessionDuration"] == old["MaxSessionDuration"])) {
    Json::Object more;
    more.SetIf("Description", now.Find("Description"));
    more.SetIf("MaxSessionDuration", now.Find("MaxSessionDuration"));
    calls.push_back(RoleCall(context, "UpdateRole", std::move(more)));
  }
  if (!(now["PermissionsBoundary"] == old["PermissionsBoundary"])) {
    if (now.Has("PermissionsBoundary")) {
      calls.push_back(RoleCall(context, "PutRolePermissionsBoundary",
                               {{"PermissionsBoundary", now["PermissionsBoundary"]}}));
    } else {
      calls.push_back(RoleCall(context, "DeleteRolePermissionsBoundary", {}));
    }
  }
  PutPolicies(context, calls);
  DropPolicies(context, now, calls);
  const Json subject(Json::Object{{"RoleName", context.physical_id}});
  Retag(context, {"iam", "TagRole", "UntagRole", subject, "Tags", "TagKeys", "Key", "Value"},
        calls);
  return CallAt(calls, answers);
}

Result<std::optional<ApiCall>> Remove(const ResourceContext& context, const Json::Array& answers) {
  std::vector<ApiCall> calls;
  DropPolicies(context, Json(), calls);
  calls.push_back(RoleCall(context, "DeleteRole", {}, {"NoSuchEntity"}));
  return CallAt(calls, answers);
}

Json Attributes(const ResourceContext& context, const Json::Array& answers) {
  const std::string given = context.properties.StringOr("Path", "");
  const std::string path = given.empty() ? std::string("/") : given;
  Json::Object out{
      {"Ref", context.physical_id},
      {"Arn", "arn:aws:iam::" + context.account + ":role" + path + context.physical_id}};
  for (const Json& answer : answers) {
    const Json& id = answer["Role"]["RoleId"];
    if (id.is_string()) out.Set("RoleId", id);
  }
  return Json(std::move(out));
}

}  // namespace

constexpr ResourceType kRoleType{
    .name = "AWS::IAM::Role",
    .properties =
        "AssumeRolePolicyDocument,Description,ManagedPolicyArns,MaxSessionDuration,Path,"
        "PermissionsBoundary,Policies,RoleName,Tags",
    .unbuilt = "",
    .required = "AssumeRolePolicyDocument",
    .replaced_by = "RoleName,Path",
    .numbers = "MaxSessionDuration",
    .booleans = "",
    .physical_id = NameOf,
    .create = Create,
    .update = Update,
    .remove = Remove,
    .attributes = Attributes,
};

}  // namespace stepmill::cloudformation
