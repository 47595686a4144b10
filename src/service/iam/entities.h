#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gate/operation.h"
#include "store/store.h"

/// Documents of IAM, one an entity. IAM is global: their keys have "global" for a region.
///
///   ACCOUNT/global/iam/role/NAME    {"Path", "RoleName", "RoleId", "Arn", "CreateDate",
///                                    "AssumeRolePolicyDocument", ..., "inline": {name: text},
///                                    "attached": [arn]}
///   ACCOUNT/global/iam/user/NAME    the same for users, with "keys": [access key id], "groups":
///                                    [name]
///   ACCOUNT/global/iam/group/NAME   the same for groups, with "users": [name]
///   ACCOUNT/global/iam/instance-profile/NAME   {"Path", ..., "role": name}
///   ACCOUNT/global/iam/policy/ARN   {"PolicyName", "Arn", ..., "versions": [{"VersionId",
///                                    "Document", "CreateDate"}], "next": 3, "count": 1}
///   global/iam/access-key/ID        {"principal", "secret" (sealed), "status", "created"}
namespace stepmill::iam {

enum class Kind { kRole, kUser, kGroup };

Key RoleKey(const Call& call, const std::string& name);
Key UserKey(const Call& call, const std::string& name);
Key GroupKey(const Call& call, const std::string& name);
Key ProfileKey(const Call& call, const std::string& name);
Key PolicyKey(const Call& call, const std::string& arn);
Key AccessKeyKey(const std::string& id);
/// The folder of a kind, for ranges.
Key Folder(const Call& call, std::string_view kind);

/// "role", "user" or "group".
std::string_view KindName(Kind kind);
/// A role, user or group that must be there: NoSuchEntity else.
Task<Document> FindEntity(Call& call, Kind kind, std::string name);
/// A policy of the account: NoSuchEntity else.
Task<Document> FindPolicy(Call& call, std::string arn);
/// All documents of a folder, in order of their names.
Task<std::vector<Document>> ListFolder(Call& call, std::string kind);

/// As AWS shows a role: its trust policy percent-encoded.
Json RoleJson(const Json& body);
/// A list of texts without one of them.
Json WithoutItem(const Json& list, const std::string& text);

/// Paged by MaxItems and Marker: {name: [...], "IsTruncated", "Marker"}.
Json Page(const Json& input, std::string_view name, Json::Array items);

/// A policy document must be JSON with statements: MalformedPolicyDocument else. `is_trust`: it
/// names principals and no resources.
Result<> CheckPolicyDocument(const std::string& text, bool is_trust);

/// An AWS managed policy that is known by its name, or not there.
bool IsManagedPolicy(std::string_view arn);
/// The managed policies' ARNs, sorted.
std::vector<std::string> ManagedPolicies();

/// Tags as [{Key, Value}]: `added` over `old`, and without `keys`.
Json MergeTags(const Json& old, const Json& added);
Json WithoutTags(const Json& old, const Json& keys);

}  // namespace stepmill::iam
