#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gate/operation.h"

/// Parameters as documents.
///
///   ssm/parameter/NAME           the newest version and what belongs to all of them:
///       name, type, value (SecureString: sealed), version, date (ms), user, description, keyId,
///       allowedPattern, tier, dataType, policies; oldest, labels {label: version}, tags {key:
///       text}
///   ssm/version/NAME/VERSION     each version that is kept (12 digits): the members up to policies
namespace stepmill::ssm {

inline constexpr int64_t kVersionsMax = 100;
inline constexpr size_t kLabelsMax = 10;  ///< of one version
inline constexpr size_t kTagsMax = 50;
inline constexpr size_t kLevelsMax = 15;
inline constexpr size_t kStandardCharsMax = 4096;
inline constexpr size_t kAdvancedCharsMax = 8192;
inline constexpr int kPageReadMax = 200;  ///< documents read at a time while filtering

Key ParameterKey(const Call& call, std::string_view name);
Key VersionKey(const Call& call, std::string_view name, int64_t version);
std::string ArnOf(const Call& call, std::string_view name);

/// "name", "name:3", "name:label" or an ARN with either.
struct Reference {
  std::string name;
  std::string selector;  ///< without the colon; "" for the newest
};
Result<Reference> ParseReference(std::string_view text);

/// What a reference leads to.
struct Found {
  Document parameter;  ///< the newest
  Json version;        ///< the one that was asked for
  std::string name;    ///< as it is stored
  std::string selector;
};
/// ParameterNotFound, ParameterVersionNotFound.
Task<Found> FindParameter(Call& call, std::string reference);
/// The parameter of a name or an ARN; nullopt when there is none.
Task<std::optional<Document>> FindNewest(Call& call, std::string name);

/// Its value as the caller asked for it: opened, or sealed as it is stored.
Result<std::string> ValueOf(const Call& call, const Json& version, bool is_decrypted);
/// A Parameter, and a ParameterMetadata.
Result<Json> PrintParameter(const Call& call, const Json& version, std::string_view selector,
                            bool is_decrypted);
Json PrintMetadata(const Call& call, const Json& version);
Json LabelsOf(const Json& parameter, int64_t version);

std::string TokenFor(std::string_view key);
Result<std::string> KeyOfToken(std::string_view token);

Task<Json> PutParameter(Call& call);
Task<Json> GetParameter(Call& call);
Task<Json> GetParameters(Call& call);
Task<Json> GetParametersByPath(Call& call);
Task<Json> GetParameterHistory(Call& call);
Task<Json> DeleteParameter(Call& call);
Task<Json> DeleteParameters(Call& call);
Task<Json> DescribeParameters(Call& call);
Task<Json> LabelParameterVersion(Call& call);
Task<Json> UnlabelParameterVersion(Call& call);
Task<Json> AddTagsToResource(Call& call);
Task<Json> RemoveTagsFromResource(Call& call);
Task<Json> ListTagsForResource(Call& call);

}  // namespace stepmill::ssm
