#include "base/strings.h"
#include "gate/session.h"
#include "service/iam/entities.h"
#include "service/iam/errors.h"
#include "service/iam/iam.h"
#include "service/iam/rows.h"
#include "service/ports.h"

namespace stepmill::iam {

namespace {

constexpr size_t kKeysMax = 2;  // of a user

Json UserJson(const Json& body) {
  return body.Without("inline").Without("attached").Without("keys").Without("groups");
}

/// The user that the call names, or the caller's own.
std::string UserNameOf(const Call& call) {
  const std::string name = call.input.StringOr("UserName", "");
  if (!name.empty() || call.principal.kind != Principal::Kind::kUser) return name;
  return call.principal.arn.substr(call.principal.arn.rfind('/') + 1);
}

}  // namespace

Task<Json> CreateUser(Call& call) {
  if (call.input.Has("PermissionsBoundary"))
    co_return InvalidInput("PermissionsBoundary is not built in stepmill.");
  const std::string name = call.input.StringOr("UserName", "");
  const std::string path = call.input.StringOr("Path", "/");
  MILL_CO_TRY(const auto present, co_await call.ports.store.Get(UserKey(call, name)));
  if (present) co_return EntityAlreadyExists("User with name " + name + " already exists.");
  const Json user = Json::Object{{"Path", path},
                                 {"UserName", name},
                                 {"UserId", NewIamId(call.ports.random, "AIDA")},
                                 {"Arn", "arn:aws:iam::" + call.account + ":user" + path + name},
                                 {"CreateDate", SecondsSinceEpoch(call.Now())},
                                 {"Tags", MergeTags(Json(), call.input["Tags"])}};
  call.batch.Create(UserKey(call, name), user);
  co_return Json::Object{{"User", user}};
}

Task<Json> GetUser(Call& call) {
  const std::string name = UserNameOf(call);
  if (name.empty()) {  // the root user asks for itself
    co_return Json::Object{{"User", Json::Object{{"UserId", call.account},
                                                 {"Arn", RootPrincipal(call.account).arn},
                                                 {"CreateDate", 0}}}};
  }
  MILL_CO_TRY(const Document user, co_await FindEntity(call, Kind::kUser, name));
  co_return Json::Object{{"User", UserJson(user.body)}};
}

Task<Json> ListUsers(Call& call) {
  MILL_CO_TRY(const auto users, co_await ListFolder(call, "user"));
  const std::string prefix = call.input.StringOr("PathPrefix", "/");
  Json::Array items;
  for (const Document& user : users)
    if (user.body.StringOr("Path", "/").starts_with(prefix))
      items.push_back(UserJson(user.body).Without("Tags"));
  co_return Page(call.input, "Users", std::move(items));
}

Task<Json> DeleteUser(Call& call) {
  const std::string name = UserNameOf(call);
  MILL_CO_TRY(const Document user, co_await FindEntity(call, Kind::kUser, name));
  if (user.body["keys"].size() + user.body["inline"].size() + user.body["attached"].size() +
          user.body["groups"].size() >
      0)
    co_return DeleteConflict("Cannot delete entity, must remove referenced objects first.");
  call.batch.expects.push_back({user.key, user.version});
  call.batch.Delete(user.key);
  co_return Json::Object{};
}

Task<Json> CreateAccessKey(Call& call) {
  const std::string name = UserNameOf(call);
  Principal principal = RootPrincipal(call.account);
  if (!name.empty()) {
    MILL_CO_TRY(const Document user, co_await FindEntity(call, Kind::kUser, name));
    if (user.body["keys"].size() >= kKeysMax)
      co_return LimitExceeded("Cannot exceed quota for AccessKeysPerUser: 2");
    principal.kind = Principal::Kind::kUser;
    principal.arn = user.body.StringOr("Arn", "");
    principal.user_id = user.body.StringOr("UserId", "");
    const NewKey key =
        AddAccessKey(call.batch, call.ports.vault, call.ports.random, principal, call.Now());
    call.batch.Replace(user, user.body.With("keys", user.body["keys"].Push(Json(key.id))));
    co_return Json::Object{
        {"AccessKey", Json::Object{{"UserName", name},
                                   {"AccessKeyId", key.id},
                                   {"Status", "Active"},
                                   // The one answer that carries it out.
                                   {"SecretAccessKey", key.secret.Reveal()},
                                   {"CreateDate", SecondsSinceEpoch(call.Now())}}}};
  }
  co_return InvalidInput(
      "Keys of the root user are made at the installation's first start; name "
      "a user.");
}

Task<Json> ListAccessKeys(Call& call) {
  const std::string name = UserNameOf(call);
  Json::Array items;
  if (name.empty()) co_return Page(call.input, "AccessKeyMetadata", std::move(items));
  MILL_CO_TRY(const Document user, co_await FindEntity(call, Kind::kUser, name));
  const Json ids = user.body["keys"].is_array() ? user.body["keys"] : Json(Json::Array{});
  for (const Json& id : ids.items()) {
    MILL_CO_TRY(const auto key, co_await call.ports.store.Get(AccessKeyKey(id.AsString())));
    if (key)
      items.push_back(Json::Object{{"UserName", name},
                                   {"AccessKeyId", id},
                                   {"Status", key->body["status"]},
                                   {"CreateDate", key->body["created"]}});
  }
  co_return Page(call.input, "AccessKeyMetadata", std::move(items));
}

Task<Json> UpdateAccessKey(Call& call) {
  const std::string id = call.input.StringOr("AccessKeyId", "");
  MILL_CO_TRY(const auto key, co_await call.ports.store.Get(AccessKeyKey(id)));
  const std::string name = UserNameOf(call);
  if (!key || key->body["principal"].StringOr("account", "") != call.account ||
      (!name.empty() && !key->body["principal"].StringOr("arn", "").ends_with("/" + name)))
    co_return NoSuchEntity("The Access Key with id " + id + " cannot be found.");
  call.batch.Replace(*key, key->body.With("status", call.input["Status"]));
  co_return Json::Object{};
}

Task<Json> DeleteAccessKey(Call& call) {
  const std::string id = call.input.StringOr("AccessKeyId", "");
  const std::string name = UserNameOf(call);
  MILL_CO_TRY(const auto key, co_await call.ports.store.Get(AccessKeyKey(id)));
  if (!key || key->body["principal"].StringOr("account", "") != call.account)
    co_return NoSuchEntity("The Access Key with id " + id + " cannot be found.");
  call.batch.Delete(key->key);
  if (!name.empty()) {
    MILL_CO_TRY(const Document user, co_await FindEntity(call, Kind::kUser, name));
    call.batch.Replace(user, user.body.With("keys", WithoutItem(user.body["keys"], id)));
  }
  co_return Json::Object{};
}

}  // namespace stepmill::iam
