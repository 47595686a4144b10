#include "gate/model.h"
#include "service/iam/iam.h"
#include "service/iam/rows.h"

namespace stepmill::iam {

namespace {

constexpr std::string_view kUser = "arn:aws:iam::{account}:user/{UserName}";
constexpr std::string_view kRole = "arn:aws:iam::{account}:role/{RoleName}";
constexpr std::string_view kPolicy = "{PolicyArn}";
constexpr std::string_view kAny = "*";

constexpr std::string_view kGroup = "arn:aws:iam::{account}:group/{GroupName}";
constexpr std::string_view kProfile =
    "arn:aws:iam::{account}:instance-profile/{InstanceProfileName}";

constexpr Operation Row(std::string_view name, Task<Json> (*handler)(Call&),
                        std::string_view action, std::string_view resource, Access access,
                        std::string_view keeps = "") {
  return {.name = name,
          .handler = handler,
          .action = action,
          .resource = resource,
          .access = access,
          .keeps = keeps};
}

constexpr Operation kOperations[] = {
    Row("CreateUser", CreateUser, "iam:CreateUser", kUser, Access::kWrite),
    Row("GetUser", GetUser, "iam:GetUser", kUser, Access::kRead),
    Row("ListUsers", ListUsers, "iam:ListUsers", kUser, Access::kList),
    Row("DeleteUser", DeleteUser, "iam:DeleteUser", kUser, Access::kWrite),
    Row("CreateAccessKey", CreateAccessKey, "iam:CreateAccessKey", kUser, Access::kWrite),
    Row("ListAccessKeys", ListAccessKeys, "iam:ListAccessKeys", kUser, Access::kList),
    Row("UpdateAccessKey", UpdateAccessKey, "iam:UpdateAccessKey", kUser, Access::kWrite),
    Row("DeleteAccessKey", DeleteAccessKey, "iam:DeleteAccessKey", kUser, Access::kWrite),
    Row("CreateRole", CreateRole, "iam:CreateRole", kRole, Access::kWrite),
    Row("GetRole", GetRole, "iam:GetRole", kRole, Access::kRead),
    Row("ListRoles", ListRoles, "iam:ListRoles", kRole, Access::kList),
    Row("DeleteRole", DeleteRole, "iam:DeleteRole", kRole, Access::kWrite),
    Row("UpdateRole", UpdateRole, "iam:UpdateRole", kRole, Access::kWrite),
    Row("UpdateRoleDescription", UpdateRoleDescription, "iam:UpdateRoleDescription", kRole,
        Access::kWrite),
    Row("UpdateAssumeRolePolicy", UpdateAssumeRolePolicy, "iam:UpdateAssumeRolePolicy", kRole,
        Access::kWrite),
    Row("ListInstanceProfilesForRole", ListInstanceProfilesForRole,
        "iam:ListInstanceProfilesForRole", kRole, Access::kList),
    Row("CreateServiceLinkedRole", CreateServiceLinkedRole, "iam:CreateServiceLinkedRole", kAny,
        Access::kWrite, "Description"),
    Row("PutRolePolicy", PutRolePolicy, "iam:PutRolePolicy", kRole, Access::kWrite),
    Row("GetRolePolicy", GetRolePolicy, "iam:GetRolePolicy", kRole, Access::kRead),
    Row("ListRolePolicies", ListRolePolicies, "iam:ListRolePolicies", kRole, Access::kList),
    Row("DeleteRolePolicy", DeleteRolePolicy, "iam:DeleteRolePolicy", kRole, Access::kWrite),
    Row("AttachRolePolicy", AttachRolePolicy, "iam:AttachRolePolicy", kRole, Access::kWrite),
    Row("DetachRolePolicy", DetachRolePolicy, "iam:DetachRolePolicy", kRole, Access::kWrite),
    Row("ListAttachedRolePolicies", ListAttachedRolePolicies, "iam:ListAttachedRolePolicies", kRole,
        Access::kList),
    Row("TagRole", TagRole, "iam:TagRole", kRole, Access::kWrite),
    Row("UntagRole", UntagRole, "iam:UntagRole", kRole, Access::kWrite),
    Row("ListRoleTags", ListRoleTags, "iam:ListRoleTags", kRole, Access::kList),
    Row("PutUserPolicy", PutUserPolicy, "iam:PutUserPolicy", kUser, Access::kWrite),
    Row("GetUserPolicy", GetUserPolicy, "iam:GetUserPolicy", kUser, Access::kRead),
    Row("ListUserPolicies", ListUserPolicies, "iam:ListUserPolicies", kUser, Access::kList),
    Row("DeleteUserPolicy", DeleteUserPolicy, "iam:DeleteUserPolicy", kUser, Access::kWrite),
    Row("AttachUserPolicy", AttachUserPolicy, "iam:AttachUserPolicy", kUser, Access::kWrite),
    Row("DetachUserPolicy", DetachUserPolicy, "iam:DetachUserPolicy", kUser, Access::kWrite),
    Row("ListAttachedUserPolicies", ListAttachedUserPolicies, "iam:ListAttachedUserPolicies", kUser,
        Access::kList),
    Row("TagUser", TagUser, "iam:TagUser", kUser, Access::kWrite),
    Row("UntagUser", UntagUser, "iam:UntagUser", kUser, Access::kWrite),
    Row("ListUserTags", ListUserTags, "iam:ListUserTags", kUser, Access::kList),
    Row("CreatePolicy", CreatePolicy, "iam:CreatePolicy", kAny, Access::kWrite),
    Row("GetPolicy", GetPolicy, "iam:GetPolicy", kPolicy, Access::kRead),
    Row("ListPolicies", ListPolicies, "iam:ListPolicies", kAny, Access::kList),
    Row("DeletePolicy", DeletePolicy, "iam:DeletePolicy", kPolicy, Access::kWrite),
    Row("GetPolicyVersion", GetPolicyVersion, "iam:GetPolicyVersion", kPolicy, Access::kRead),
    Row("ListPolicyVersions", ListPolicyVersions, "iam:ListPolicyVersions", kPolicy, Access::kList),
    Row("CreatePolicyVersion", CreatePolicyVersion, "iam:CreatePolicyVersion", kPolicy,
        Access::kWrite),
    Row("DeletePolicyVersion", DeletePolicyVersion, "iam:DeletePolicyVersion", kPolicy,
        Access::kWrite),
    Row("SetDefaultPolicyVersion", SetDefaultPolicyVersion, "iam:SetDefaultPolicyVersion", kPolicy,
        Access::kWrite),
    Row("ListEntitiesForPolicy", ListEntitiesForPolicy, "iam:ListEntitiesForPolicy", kPolicy,
        Access::kList),
    Row("TagPolicy", TagPolicy, "iam:TagPolicy", kPolicy, Access::kWrite),
    Row("UntagPolicy", UntagPolicy, "iam:UntagPolicy", kPolicy, Access::kWrite),
    Row("ListPolicyTags", ListPolicyTags, "iam:ListPolicyTags", kPolicy, Access::kList),
    Row("CreateGroup", CreateGroup, "iam:CreateGroup", kGroup, Access::kWrite),
    Row("GetGroup", GetGroup, "iam:GetGroup", kGroup, Access::kRead),
    Row("ListGroups", ListGroups, "iam:ListGroups", kAny, Access::kList),
    Row("DeleteGroup", DeleteGroup, "iam:DeleteGroup", kGroup, Access::kWrite),
    Row("AddUserToGroup", AddUserToGroup, "iam:AddUserToGroup", kGroup, Access::kWrite),
    Row("RemoveUserFromGroup", RemoveUserFromGroup, "iam:RemoveUserFromGroup", kGroup,
        Access::kWrite),
    Row("ListGroupsForUser", ListGroupsForUser, "iam:ListGroupsForUser", kUser, Access::kList),
    Row("PutGroupPolicy", PutGroupPolicy, "iam:PutGroupPolicy", kGroup, Access::kWrite),
    Row("GetGroupPolicy", GetGroupPolicy, "iam:GetGroupPolicy", kGroup, Access::kRead),
    Row("ListGroupPolicies", ListGroupPolicies, "iam:ListGroupPolicies", kGroup, Access::kList),
    Row("DeleteGroupPolicy", DeleteGroupPolicy, "iam:DeleteGroupPolicy", kGroup, Access::kWrite),
    Row("AttachGroupPolicy", AttachGroupPolicy, "iam:AttachGroupPolicy", kGroup, Access::kWrite),
    Row("DetachGroupPolicy", DetachGroupPolicy, "iam:DetachGroupPolicy", kGroup, Access::kWrite),
    Row("ListAttachedGroupPolicies", ListAttachedGroupPolicies, "iam:ListAttachedGroupPolicies",
        kGroup, Access::kList),
    Row("CreateInstanceProfile", CreateInstanceProfile, "iam:CreateInstanceProfile", kProfile,
        Access::kWrite),
    Row("GetInstanceProfile", GetInstanceProfile, "iam:GetInstanceProfile", kProfile,
        Access::kRead),
    Row("ListInstanceProfiles", ListInstanceProfiles, "iam:ListInstanceProfiles", kAny,
        Access::kList),
    Row("DeleteInstanceProfile", DeleteInstanceProfile, "iam:DeleteInstanceProfile", kProfile,
        Access::kWrite),
    Row("AddRoleToInstanceProfile", AddRoleToInstanceProfile, "iam:AddRoleToInstanceProfile",
        kProfile, Access::kWrite),
    Row("RemoveRoleFromInstanceProfile", RemoveRoleFromInstanceProfile,
        "iam:RemoveRoleFromInstanceProfile", kProfile, Access::kWrite),
};

}  // namespace

const Service kService{
    .name = "iam", .host = "iam.amazonaws.com", .model = &models::kIam, .operations = kOperations};

}  // namespace stepmill::iam
