#include "gate/session.h"
#include "json/each.h"
#include "service/iam/entities.h"
#include "service/iam/errors.h"
#include "service/iam/rows.h"
#include "service/ports.h"

namespace stepmill::iam {

namespace {

constexpr size_t kGroupsOfUserMax = 10;

Json Shown(const Json& body) { return body.Without("inline").Without("attached").Without("users"); }

bool Holds(const Json& list, const std::string& text) {
  for (const Json& item : ItemsOf(list))
    if (item == Json(text)) return true;
  return false;
}

Json Added(const Json& list, const std::string& text) {
  Json::Array items = ItemsOf(list);
  items.push_back(text);
  return Json(std::move(items));
}

}  // namespace

Task<Json> CreateGroup(Call& call) {
  const std::string name = call.input.StringOr("GroupName", "");
  const std::string path = call.input.StringOr("Path", "/");
  MILL_CO_TRY(const auto present, co_await call.ports.store.Get(GroupKey(call, name)));
  if (present) co_return EntityAlreadyExists("Group with name " + name + " already exists.");
  const Json group = Json::Object{{"Path", path},
                                  {"GroupName", name},
                                  {"GroupId", NewIamId(call.ports.random, "AGPA")},
                                  {"Arn", "arn:aws:iam::" + call.account + ":group" + path + name},
                                  {"CreateDate", SecondsSinceEpoch(call.Now())}};
  call.batch.Create(GroupKey(call, name), group);
  co_return Json::Object{{"Group", group}};
}

Task<Json> GetGroup(Call& call) {
  const std::string name = call.input.StringOr("GroupName", "");
  MILL_CO_TRY(const Document group, co_await FindEntity(call, Kind::kGroup, name));
  Json::Array users;
  const Json members = group.body["users"];
  for (const Json& member : ItemsOf(members)) {
    MILL_CO_TRY(const Document user, co_await FindEntity(call, Kind::kUser, member.AsString()));
    Json::Object shown;
    for (const char* part : {"Path", "UserName", "UserId", "Arn", "CreateDate"})
      shown.Set(part, user.body[part]);
    users.push_back(std::move(shown));
  }
  co_return Page(call.input, "Users", std::move(users)).With("Group", Shown(group.body));
}

Task<Json> ListGroups(Call& call) {
  MILL_CO_TRY(const auto groups, co_await ListFolder(call, "group"));
  const std::string prefix = call.input.StringOr("PathPrefix", "/");
  Json::Array items;
  for (const Document& group : groups)
    if (group.body.StringOr("Path", "/").starts_with(prefix)) items.push_back(Shown(group.body));
  co_return Page(call.input, "Groups", std::move(items));
}

Task<Json> DeleteGroup(Call& call) {
  const std::string name = call.input.StringOr("GroupName", "");
  MILL_CO_TRY(const Document group, co_await FindEntity(call, Kind::kGroup, name));
  if (group.body["users"].size() > 0)
    co_return DeleteConflict("Cannot delete entity, must remove users from group first.");
  if (group.body["attached"].size() > 0)
    co_return DeleteConflict("Cannot delete entity, must detach all policies first.");
  if (group.body["inline"].size() > 0)
    co_return DeleteConflict("Cannot delete entity, must delete policies first.");
  call.batch.expects.push_back({group.key, group.version});
  call.batch.Delete(group.key);
  co_return Json::Object{};
}

Task<Json> AddUserToGroup(Call& call) {
  const std::string group_name = call.input.StringOr("GroupName", "");
  const std::string user_name = call.input.StringOr("UserName", "");
  MILL_CO_TRY(const Document group, co_await FindEntity(call, Kind::kGroup, group_name));
  MILL_CO_TRY(const Document user, co_await FindEntity(call, Kind::kUser, user_name));
  if (Holds(group.body["users"], user_name)) co_return Json::Object{};
  if (user.body["groups"].size() >= kGroupsOfUserMax)
    co_return LimitExceeded("Cannot exceed quota for GroupsPerUser: 10");
  call.batch.Replace(group, group.body.With("users", Added(group.body["users"], user_name)));
  call.batch.Replace(user, user.body.With("groups", Added(user.body["groups"], group_name)));
  co_return Json::Object{};
}

Task<Json> RemoveUserFromGroup(Call& call) {
  const std::string group_name = call.input.StringOr("GroupName", "");
  const std::string user_name = call.input.StringOr("UserName", "");
  MILL_CO_TRY(const Document group, co_await FindEntity(call, Kind::kGroup, group_name));
  MILL_CO_TRY(const Document user, co_await FindEntity(call, Kind::kUser, user_name));
  if (!Holds(group.body["users"], user_name))
    co_return NoSuchEntity("The user with name " + user_name + " cannot be found in group " +
                           group_name + ".");
  call.batch.Replace(group, group.body.With("users", WithoutItem(group.body["users"], user_name)));
  call.batch.Replace(user, user.body.With("groups", WithoutItem(user.body["groups"], group_name)));
  co_return Json::Object{};
}

Task<Json> ListGroupsForUser(Call& call) {
  const std::string name = call.input.StringOr("UserName", "");
  MILL_CO_TRY(const Document user, co_await FindEntity(call, Kind::kUser, name));
  Json::Array items;
  const Json names = user.body["groups"];
  for (const Json& each : ItemsOf(names)) {
    MILL_CO_TRY(const Document group, co_await FindEntity(call, Kind::kGroup, each.AsString()));
    items.push_back(Shown(group.body));
  }
  co_return Page(call.input, "Groups", std::move(items));
}

}  // namespace stepmill::iam
