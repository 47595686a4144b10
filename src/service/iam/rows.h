#pragma once

#include "gate/operation.h"

namespace stepmill::iam {

// users.cc
Task<Json> CreateUser(Call& call);
Task<Json> GetUser(Call& call);
Task<Json> ListUsers(Call& call);
Task<Json> DeleteUser(Call& call);
Task<Json> CreateAccessKey(Call& call);
Task<Json> ListAccessKeys(Call& call);
Task<Json> UpdateAccessKey(Call& call);
Task<Json> DeleteAccessKey(Call& call);

// roles.cc
Task<Json> CreateRole(Call& call);
Task<Json> GetRole(Call& call);
Task<Json> ListRoles(Call& call);
Task<Json> DeleteRole(Call& call);
Task<Json> UpdateRole(Call& call);
Task<Json> UpdateRoleDescription(Call& call);
Task<Json> UpdateAssumeRolePolicy(Call& call);
Task<Json> CreateServiceLinkedRole(Call& call);

// groups.cc
Task<Json> CreateGroup(Call& call);
Task<Json> GetGroup(Call& call);
Task<Json> ListGroups(Call& call);
Task<Json> DeleteGroup(Call& call);
Task<Json> AddUserToGroup(Call& call);
Task<Json> RemoveUserFromGroup(Call& call);
Task<Json> ListGroupsForUser(Call& call);

// instance_profiles.cc
Task<Json> CreateInstanceProfile(Call& call);
Task<Json> GetInstanceProfile(Call& call);
Task<Json> ListInstanceProfiles(Call& call);
Task<Json> ListInstanceProfilesForRole(Call& call);
Task<Json> DeleteInstanceProfile(Call& call);
Task<Json> AddRoleToInstanceProfile(Call& call);
Task<Json> RemoveRoleFromInstanceProfile(Call& call);

// attached.cc: inline and attached policies, tags, of roles, users and groups alike
Task<Json> PutGroupPolicy(Call& call);
Task<Json> GetGroupPolicy(Call& call);
Task<Json> ListGroupPolicies(Call& call);
Task<Json> DeleteGroupPolicy(Call& call);
Task<Json> AttachGroupPolicy(Call& call);
Task<Json> DetachGroupPolicy(Call& call);
Task<Json> ListAttachedGroupPolicies(Call& call);
Task<Json> PutRolePolicy(Call& call);
Task<Json> GetRolePolicy(Call& call);
Task<Json> ListRolePolicies(Call& call);
Task<Json> DeleteRolePolicy(Call& call);
Task<Json> AttachRolePolicy(Call& call);
Task<Json> DetachRolePolicy(Call& call);
Task<Json> ListAttachedRolePolicies(Call& call);
Task<Json> TagRole(Call& call);
Task<Json> UntagRole(Call& call);
Task<Json> ListRoleTags(Call& call);
Task<Json> PutUserPolicy(Call& call);
Task<Json> GetUserPolicy(Call& call);
Task<Json> ListUserPolicies(Call& call);
Task<Json> DeleteUserPolicy(Call& call);
Task<Json> AttachUserPolicy(Call& call);
Task<Json> DetachUserPolicy(Call& call);
Task<Json> ListAttachedUserPolicies(Call& call);
Task<Json> TagUser(Call& call);
Task<Json> UntagUser(Call& call);
Task<Json> ListUserTags(Call& call);

// policies.cc
Task<Json> CreatePolicy(Call& call);
Task<Json> GetPolicy(Call& call);
Task<Json> ListPolicies(Call& call);
Task<Json> DeletePolicy(Call& call);
Task<Json> GetPolicyVersion(Call& call);
Task<Json> ListPolicyVersions(Call& call);
Task<Json> CreatePolicyVersion(Call& call);
Task<Json> DeletePolicyVersion(Call& call);
Task<Json> SetDefaultPolicyVersion(Call& call);
Task<Json> ListEntitiesForPolicy(Call& call);
Task<Json> TagPolicy(Call& call);
Task<Json> UntagPolicy(Call& call);
Task<Json> ListPolicyTags(Call& call);

}  // namespace stepmill::iam
