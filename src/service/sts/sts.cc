#include "service/sts/sts.h"

#include "base/strings.h"
#include "gate/door.h"
#include "gate/model.h"
#include "gate/session.h"
#include "service/ports.h"

namespace stepmill::sts {

namespace {

constexpr int64_t kDurationUsual = 3600;
constexpr int64_t kChainedMax = 3600;  // a role's session that takes on another role

Task<Json> GetCallerIdentity(Call& call) {
  co_return Json::Object{{"UserId", call.principal.user_id},
                         {"Account", call.principal.account},
                         {"Arn", call.principal.arn}};
}

Task<Json> AssumeRole(Call& call) {
  const std::string role_arn = call.input.StringOr("RoleArn", "");
  const std::string session_name = call.input.StringOr("RoleSessionName", "");
  const int64_t seconds = call.input.IntOr("DurationSeconds", kDurationUsual);
  auto principal = RolePrincipal(role_arn, session_name);
  if (!principal) co_return Error{Code::kInvalid, "ValidationError", role_arn + " is invalid"};
  const std::string name = role_arn.substr(role_arn.rfind('/') + 1);
  const Error denied{Code::kDenied, "AccessDenied",
                     "User: " + call.principal.arn +
                         " is not authorized to perform: sts:AssumeRole on resource: " + role_arn};
  if (principal->account != call.account) co_return denied;
  const Json wanted = Json::Object{{"RoleName", name}};
  const auto role = co_await AskToRead(call, "iam", "GetRole", wanted);
  if (!role) co_return denied;
  const Json found = role->output["Role"];
  if (found.StringOr("Arn", "") != role_arn) co_return denied;
  const bool is_chained = call.principal.kind == Principal::Kind::kAssumedRole;
  if (is_chained && seconds > kChainedMax)
    co_return Error{Code::kInvalid, "ValidationError",
                    "The requested DurationSeconds exceeds the 1 hour session limit for roles "
                    "assumed by role chaining"};
  if (seconds > found.IntOr("MaxSessionDuration", kDurationUsual))
    co_return Error{Code::kInvalid, "ValidationError",
                    "The requested DurationSeconds exceeds the MaxSessionDuration set for this "
                    "role."};
  principal->user_id = found.StringOr("RoleId", "") + ":" + session_name;
  const Time expires = call.Now() + std::chrono::seconds(seconds);
  const SessionCredentials session =
      MakeSession(call.ports.vault, call.ports.random, *principal, expires);
  co_return Json::Object{{"Credentials", Json::Object{{"AccessKeyId", session.access_key_id},
                                                      // The one answer that carries a secret out.
                                                      {"SecretAccessKey", session.secret.Reveal()},
                                                      {"SessionToken", session.session_token},
                                                      {"Expiration", SecondsSinceEpoch(expires)}}},
                         {"AssumedRoleUser", Json::Object{{"AssumedRoleId", principal->user_id},
                                                          {"Arn", principal->arn}}},
                         {"SourceIdentity", call.input["SourceIdentity"]}};
}

constexpr Operation kOperations[] = {
    {.name = "AssumeRole",
     .handler = AssumeRole,
     .action = "sts:AssumeRole",
     .resource = "{RoleArn}",
     .access = Access::kWrite,
     // What only trust policies read. A policy that narrows the session and the second factor are
     // refused: without effect they would grant more than was asked for.
     .keeps = "ExternalId,SourceIdentity,Tags,TransitiveTagKeys"},
    {.name = "GetCallerIdentity",
     .handler = GetCallerIdentity,
     .action = "sts:GetCallerIdentity",
     .access = Access::kRead},
};

}  // namespace

const Service kService{
    .name = "sts", .host = "sts.amazonaws.com", .model = &models::kSts, .operations = kOperations};

}  // namespace stepmill::sts
