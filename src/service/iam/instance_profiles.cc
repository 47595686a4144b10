// Instance profiles: kept for templates and scripts that make them; there are no instances here.
#include "gate/session.h"
#include "service/iam/entities.h"
#include "service/iam/errors.h"
#include "service/iam/rows.h"
#include "service/ports.h"

namespace stepmill::iam {

namespace {

Task<Document> FindProfile(Call& call) {
  const std::string name = call.input.StringOr("InstanceProfileName", "");
  MILL_CO_TRY(auto found, co_await call.ports.store.Get(ProfileKey(call, name)));
  if (!found) co_return NoSuchEntity("Instance Profile " + name + " cannot be found.");
  co_return *std::move(found);
}

Task<Json> Shown(Call& call, Json body) {
  Json::Array roles;
  const std::string name = body.StringOr("role", "");
  if (!name.empty()) {
    MILL_CO_TRY(const Document role, co_await FindEntity(call, Kind::kRole, name));
    roles.push_back(RoleJson(role.body).Without("Tags"));
  }
  co_return body.Without("role").With("Roles", Json(std::move(roles)));
}

Task<Json> ListWhere(Call& call, std::string path_prefix, std::string role) {
  MILL_CO_TRY(const auto profiles, co_await ListFolder(call, "instance-profile"));
  Json::Array items;
  for (const Document& profile : profiles) {
    if (!profile.body.StringOr("Path", "/").starts_with(path_prefix)) continue;
    if (!role.empty() && profile.body.StringOr("role", "") != role) continue;
    MILL_CO_TRY(const Json shown, co_await Shown(call, profile.body));
    items.push_back(shown);
  }
  co_return Page(call.input, "InstanceProfiles", std::move(items));
}

}  // namespace

Task<Json> CreateInstanceProfile(Call& call) {
  const std::string name = call.input.StringOr("InstanceProfileName", "");
  const std::string path = call.input.StringOr("Path", "/");
  MILL_CO_TRY(const auto present, co_await call.ports.store.Get(ProfileKey(call, name)));
  if (present) co_return EntityAlreadyExists("Instance Profile " + name + " already exists.");
  const Json profile =
      Json::Object{{"Path", path},
                   {"InstanceProfileName", name},
                   {"InstanceProfileId", NewIamId(call.ports.random, "AIPA")},
                   {"Arn", "arn:aws:iam::" + call.account + ":instance-profile" + path + name},
                   {"CreateDate", SecondsSinceEpoch(call.Now())},
                   {"Tags", MergeTags(Json(), call.input["Tags"])}};
  call.batch.Create(ProfileKey(call, name), profile);
  MILL_CO_TRY(const Json shown, co_await Shown(call, profile));
  co_return Json::Object{{"InstanceProfile", shown}};
}

Task<Json> GetInstanceProfile(Call& call) {
  MILL_CO_TRY(const Document profile, co_await FindProfile(call));
  MILL_CO_TRY(const Json shown, co_await Shown(call, profile.body));
  co_return Json::Object{{"InstanceProfile", shown}};
}

Task<Json> ListInstanceProfiles(Call& call) {
  co_return co_await ListWhere(call, call.input.StringOr("PathPrefix", "/"), std::string());
}

Task<Json> ListInstanceProfilesForRole(Call& call) {
  const std::string name = call.input.StringOr("RoleName", "");
  MILL_CO_CHECK(co_await FindEntity(call, Kind::kRole, name));
  co_return co_await ListWhere(call, std::string("/"), name);
}

Task<Json> DeleteInstanceProfile(Call& call) {
  MILL_CO_TRY(const Document profile, co_await FindProfile(call));
  if (!profile.body.StringOr("role", "").empty())
    co_return DeleteConflict(
        "Cannot delete entity, must remove roles from instance profile first.");
  call.batch.expects.push_back({profile.key, profile.version});
  call.batch.Delete(profile.key);
  co_return Json::Object{};
}

Task<Json> AddRoleToInstanceProfile(Call& call) {
  const std::string role = call.input.StringOr("RoleName", "");
  MILL_CO_TRY(const Document profile, co_await FindProfile(call));
  MILL_CO_TRY(const Document known, co_await FindEntity(call, Kind::kRole, role));
  if (!profile.body.StringOr("role", "").empty())
    co_return LimitExceeded("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1");
  call.batch.expects.push_back({known.key, known.version});  // it must not go meanwhile
  call.batch.Replace(profile, profile.body.With("role", role));
  co_return Json::Object{};
}

Task<Json> RemoveRoleFromInstanceProfile(Call& call) {
  const std::string role = call.input.StringOr("RoleName", "");
  MILL_CO_TRY(const Document profile, co_await FindProfile(call));
  if (profile.body.StringOr("role", "") != role)
    co_return NoSuchEntity("The role with name " + role + " cannot be found.");
  call.batch.Replace(profile, profile.body.Without("role"));
  co_return Json::Object{};
}

}  // namespace stepmill::iam
