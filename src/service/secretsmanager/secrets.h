#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gate/operation.h"
#include "task/ports.h"

/// Secrets as documents.
///
///   secretsmanager/secret/NAME       name, arn, description, kmsKeyId, created, changed (ms),
///                                    deleted, gone (ms: marked for deletion, and when it ends),
///                                    tags {key: text}, versions {id: {created, stages [...]}},
///                                    owner (the service whose secret it is: only that changes it)
///   secretsmanager/version/NAME/ID   sealed (under the ARN and the version), kind ("string" or
///                                    "binary": base64 text), digest (of the value, under the
///                                    vault)
namespace stepmill::secretsmanager {

inline constexpr size_t kVersionsMax = 20;  ///< unlabelled ones beyond go, oldest first
inline constexpr size_t kTagsMax = 50;
inline constexpr int kPageReadMax = 200;

Key SecretKey(const Call& call, std::string_view name);
Key VersionKey(const Call& call, std::string_view name, std::string_view version);

/// The secret of a name, an ARN, or an ARN without its six last characters. One whose recovery
/// window has ended counts as missing, and its documents go with the call's batch.
Task<std::optional<Document>> LookForSecret(Call& call, std::string id);
/// The secret that SecretId names. ResourceNotFoundException.
Task<Document> FindSecret(Call& call);
/// The same, not marked for deletion. InvalidRequestException.
Task<Document> FindLivingSecret(Call& call);
/// The same, not another service's. InvalidRequestException.
Task<Document> FindOwnSecret(Call& call);
void DeleteAll(Call& call, const Document& secret);

/// A version's id by its stage; "" when there is none.
std::string VersionWithStage(const Json& secret, std::string_view stage);
/// Moves a stage to a version (or away, with ""): AWSCURRENT leaves AWSPREVIOUS behind.
Json MoveStage(Json secret, const std::string& stage, const std::string& to_version);
/// {id: [stages]} of all versions that have some.
Json StagesOf(const Json& secret);

/// "-" and six characters, as in ARNs.
std::string RandomSuffix(Random& random);
/// The value in the input (SecretString or SecretBinary); nullopt: none.
struct Value {
  std::string kind;
  std::string text;
};
Result<std::optional<Value>> ReadValue(const Json& input);
/// Adds a version with these stages; the same token and value again change nothing.
Task<Json> AddVersion(Call& call, Json secret, Value value, std::string version,
                      std::vector<std::string> stages);

Task<Json> CreateSecret(Call& call);
Task<Json> GetSecretValue(Call& call);
Task<Json> PutSecretValue(Call& call);
Task<Json> UpdateSecret(Call& call);
Task<Json> UpdateSecretVersionStage(Call& call);
Task<Json> DescribeSecret(Call& call);
Task<Json> ListSecretVersionIds(Call& call);
Task<Json> ListSecrets(Call& call);
Task<Json> DeleteSecret(Call& call);
Task<Json> RestoreSecret(Call& call);
Task<Json> TagResource(Call& call);
Task<Json> UntagResource(Call& call);

/// Internal, for secrets that another service keeps (service/ask.h, AskWithin): {"owner", "value",
/// "kmsKeyId"?, "name" of a new one or "SecretId"} -> {"ARN", "Name"}.
Task<Json> PutOwnedSecret(Call& call);
/// Internal: {"SecretId"}; one that is gone already is fine.
Task<Json> DeleteOwnedSecret(Call& call);

}  // namespace stepmill::secretsmanager
