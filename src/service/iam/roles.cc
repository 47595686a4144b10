#include "base/strings.h"
#include "gate/session.h"
#include "service/iam/entities.h"
#include "service/iam/errors.h"
#include "service/iam/rows.h"
#include "service/ports.h"

namespace stepmill::iam {

namespace {

Json NewRole(Call& call, const std::string& name, const std::string& path,
             const std::string& trust) {
  return Json::Object{{"Path", path},
                      {"RoleName", name},
                      {"RoleId", NewIamId(call.ports.random, "AROA")},
                      {"Arn", "arn:aws:iam::" + call.account + ":role" + path + name},
                      {"CreateDate", SecondsSinceEpoch(call.Now())},
                      {"AssumeRolePolicyDocument", trust},
                      {"MaxSessionDuration", call.input.IntOr("MaxSessionDuration", 3600)}};
}

}  // namespace

Task<Json> CreateRole(Call& call) {
  if (call.input.Has("PermissionsBoundary"))
    co_return InvalidInput("PermissionsBoundary is not built in stepmill.");
  const std::string name = call.input.StringOr("RoleName", "");
  const std::string trust = call.input.StringOr("AssumeRolePolicyDocument", "");
  MILL_CO_CHECK(CheckPolicyDocument(trust, true));
  MILL_CO_TRY(const auto present, co_await call.ports.store.Get(RoleKey(call, name)));
  if (present) co_return EntityAlreadyExists("Role with name " + name + " already exists.");
  Json role = NewRole(call, name, call.input.StringOr("Path", "/"), trust);
  if (call.input.Has("Description")) role = role.With("Description", call.input["Description"]);
  if (call.input.Has("Tags")) role = role.With("Tags", MergeTags(Json(), call.input["Tags"]));
  call.batch.Create(RoleKey(call, name), role);
  co_return Json::Object{{"Role", RoleJson(role)}};
}

Task<Json> GetRole(Call& call) {
  const std::string name = call.input.StringOr("RoleName", "");
  MILL_CO_TRY(const Document role, co_await FindEntity(call, Kind::kRole, name));
  co_return Json::Object{{"Role", RoleJson(role.body).With("RoleLastUsed", Json::Object{})}};
}

Task<Json> ListRoles(Call& call) {
  MILL_CO_TRY(const auto roles, co_await ListFolder(call, "role"));
  const std::string prefix = call.input.StringOr("PathPrefix", "/");
  Json::Array items;
  for (const Document& role : roles)
    if (role.body.StringOr("Path", "/").starts_with(prefix))
      items.push_back(RoleJson(role.body).Without("Tags"));
  co_return Page(call.input, "Roles", std::move(items));
}

Task<Json> DeleteRole(Call& call) {
  const std::string name = call.input.StringOr("RoleName", "");
  MILL_CO_TRY(const Document role, co_await FindEntity(call, Kind::kRole, name));
  if (role.body["attached"].size() > 0)
    co_return DeleteConflict("Cannot delete entity, must detach all policies first.");
  if (role.body["inline"].size() > 0)
    co_return DeleteConflict("Cannot delete entity, must delete policies first.");
  MILL_CO_TRY(const auto profiles, co_await ListFolder(call, "instance-profile"));
  for (const Document& profile : profiles)
    if (profile.body.StringOr("role", "") == name)
      co_return DeleteConflict(
          "Cannot delete entity, must remove roles from instance profile first.");
  call.batch.expects.push_back({role.key, role.version});
  call.batch.Delete(role.key);
  co_return Json::Object{};
}

Task<Json> UpdateRole(Call& call) {
  const std::string name = call.input.StringOr("RoleName", "");
  MILL_CO_TRY(const Document role, co_await FindEntity(call, Kind::kRole, name));
  Json body = role.body;
  for (const char* member : {"Description", "MaxSessionDuration"})
    if (call.input.Has(member)) body = body.With(member, call.input[member]);
  call.batch.Replace(role, body);
  co_return Json::Object{};
}

Task<Json> UpdateRoleDescription(Call& call) {
  const std::string name = call.input.StringOr("RoleName", "");
  MILL_CO_TRY(const Document role, co_await FindEntity(call, Kind::kRole, name));
  const Json body = role.body.With("Description", call.input["Description"]);
  call.batch.Replace(role, body);
  co_return Json::Object{{"Role", RoleJson(body)}};
}

Task<Json> UpdateAssumeRolePolicy(Call& call) {
  const std::string name = call.input.StringOr("RoleName", "");
  const std::string trust = call.input.StringOr("PolicyDocument", "");
  MILL_CO_CHECK(CheckPolicyDocument(trust, true));
  MILL_CO_TRY(const Document role, co_await FindEntity(call, Kind::kRole, name));
  call.batch.Replace(role, role.body.With("AssumeRolePolicyDocument", Json(trust)));
  co_return Json::Object{};
}

Task<Json> CreateServiceLinkedRole(Call& call) {
  const std::string host = call.input.StringOr("AWSServiceName", "");
  std::string service = host.substr(0, host.find('.'));
  if (!service.empty()) service[0] = ToUpper(service.substr(0, 1))[0];
  const std::string name = "AWSServiceRoleFor" + service + call.input.StringOr("CustomSuffix", "");
  MILL_CO_TRY(const auto present, co_await call.ports.store.Get(RoleKey(call, name)));
  if (present)
    co_return InvalidInput("Service role name " + name +
                           " has been taken in this account, please try a different suffix.");
  const Json trust = Json::Object{
      {"Version", "2012-10-17"},
      {"Statement", Json::Array{Json::Object{{"Effect", "Allow"},
                                             {"Principal", Json::Object{{"Service", host}}},
                                             {"Action", "sts:AssumeRole"}}}}};
  Json role = NewRole(call, name, "/aws-service-role/" + host + "/", trust.Print());
  if (call.input.Has("Description")) role = role.With("Description", call.input["Description"]);
  call.batch.Create(RoleKey(call, name), role);
  co_return Json::Object{{"Role", RoleJson(role)}};
}

}  // namespace stepmill::iam
