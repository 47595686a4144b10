#include "gate/principal.h"

#include "base/strings.h"

namespace stepmill {
namespace {

constexpr std::string_view kKinds[] = {"Root", "User", "AssumedRole", "Service"};

}  // namespace

Principal ServicePrincipal(std::string_view service_host, std::string_view account) {
  Principal principal;
  principal.kind = Principal::Kind::kService;
  principal.account = account;
  principal.arn = service_host;
  principal.user_id = service_host;
  return principal;
}

Result<Principal> RolePrincipal(std::string_view role_arn, std::string_view session_name) {
  // arn:aws:iam::ACCOUNT:role/[path/]NAME
  const auto parts = Split(role_arn, ':');
  const bool is_role = parts.size() == 6 && parts[0] == "arn" && parts[2] == "iam" &&
                       parts[4].size() == 12 && ParseInt(parts[4]) &&
                       parts[5].starts_with("role/") && parts[5].size() > 5;
  if (!is_role)
    return Error{Code::kInvalid, "ValidationException",
                 "'" + std::string(role_arn) + "' is not a role's ARN"};
  const std::string name(parts[5].substr(parts[5].rfind('/') + 1));
  Principal principal;
  principal.kind = Principal::Kind::kAssumedRole;
  principal.account = parts[4];
  principal.role_arn = role_arn;
  principal.arn = "arn:" + std::string(parts[1]) + ":sts::" + principal.account + ":assumed-role/" +
                  name + "/" + std::string(session_name);
  principal.user_id = "AROA" + name + ":" + std::string(session_name);
  return principal;
}

Json PrincipalToJson(const Principal& principal) {
  return Json::Object{{"kind", kKinds[static_cast<int>(principal.kind)]},
                      {"account", principal.account},
                      {"arn", principal.arn},
                      {"userId", principal.user_id},
                      {"roleArn", principal.role_arn},
                      {"accessKeyId", principal.access_key_id}};
}

Result<Principal> PrincipalFromJson(const Json& json) {
  Principal principal;
  const std::string kind = json.StringOr("kind", "");
  for (int i = 0; i < 4; ++i)
    if (kind == kKinds[i]) {
      principal.kind = static_cast<Principal::Kind>(i);
      principal.account = json.StringOr("account", "");
      principal.arn = json.StringOr("arn", "");
      principal.user_id = json.StringOr("userId", "");
      principal.role_arn = json.StringOr("roleArn", "");
      principal.access_key_id = json.StringOr("accessKeyId", "");
      return principal;
    }
  return Error{Code::kInvalid, "InvalidPrincipal", "a principal of unknown kind '" + kind + "'"};
}

}  // namespace stepmill
