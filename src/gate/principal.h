#pragma once

#include <optional>
#include <string>

#include "base/secret.h"
#include "base/time.h"
#include "json/json.h"
#include "task/task.h"

namespace stepmill {

/// Who asks.
struct Principal {
  enum class Kind { kRoot, kUser, kAssumedRole, kService };
  Kind kind = Kind::kRoot;
  std::string account;
  std::string
      arn;  ///< arn:aws:iam::A:root | :user/N | arn:aws:sts::A:assumed-role/R/S | "x.amazonaws.com"
  std::string user_id;   ///< as GetCallerIdentity prints it
  std::string role_arn;  ///< kAssumedRole
  std::string access_key_id;
};

Principal ServicePrincipal(std::string_view service_host, std::string_view account);
/// The session of a role that one of the product's own services takes on ("as a principal").
/// `role_arn` is checked for its form only until trust policies are evaluated.
Result<Principal> RolePrincipal(std::string_view role_arn, std::string_view session_name);
/// {"kind", "account", "arn", ...} and back: principals travel in effects and sealed tokens.
Json PrincipalToJson(const Principal& principal);
Result<Principal> PrincipalFromJson(const Json& json);

struct AccessKey {
  std::string id;
  Secret secret;
  std::string session_token;  ///< empty for long-term keys
  Principal principal;
  std::optional<Time> expires;
};

/// Port: whom an access key belongs to. service/iam implements it over its documents.
class Principals {
 public:
  virtual ~Principals() = default;
  /// nullopt: InvalidClientTokenId. `session_token` as the request carries it ("" without).
  virtual Task<std::optional<AccessKey>> FindAccessKey(std::string access_key_id,
                                                       std::string session_token) = 0;
};

}  // namespace stepmill
