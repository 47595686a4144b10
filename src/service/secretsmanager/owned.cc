#include <algorithm>
#include <cctype>

#include "base/strings.h"
#include "service/ports.h"
#include "service/secretsmanager/errors.h"
#include "service/secretsmanager/secrets.h"

// Secrets that another service keeps here, as EventBridge keeps those of its connections: they can
// be read by who may, and only their owner changes them.

namespace stepmill::secretsmanager {
namespace {

/// A version's id as the services make them.
std::string NewVersion(Random& random) {
  std::string id = random.NewUuid();
  std::transform(id.begin(), id.end(), id.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return id;
}

Json NewSecret(const Call& call, Random& random) {
  const std::string name = call.input.StringOr("name", "");
  const Json& owner = call.input["owner"];
  Json::Object secret{{"name", name}};
  secret.Add("arn", call.Arn("secretsmanager", "secret:" + name + RandomSuffix(random)));
  secret.SetIf("kmsKeyId", call.input.Find("kmsKeyId"));
  secret.Add("owner", owner);
  secret.Add("created", MillisSinceEpoch(call.now));
  secret.Add("tags", Json::Object{{"aws:secretsmanager:owningService", owner}});
  secret.Add("versions", Json::Object{});
  return Json(std::move(secret));
}

}  // namespace

Task<Json> PutOwnedSecret(Call& call) {
  MILL_CO_TRY(const auto found, co_await LookForSecret(call, call.input.StringOr("SecretId", "")));
  if (call.input.Has("SecretId") && !found) co_return NoSuchSecret();
  Json body = found ? found->body : NewSecret(call, call.ports.random);
  if (const Json* key = call.input.Find("kmsKeyId")) body = body.With("kmsKeyId", *key);
  const Value value{"string", call.input.StringOr("value", "")};
  const std::vector<std::string> current(1, "AWSCURRENT");
  const std::string version = NewVersion(call.ports.random);
  MILL_CO_TRY(body, co_await AddVersion(call, std::move(body), value, version, current));
  if (found)
    call.batch.Replace(*found, body.Without("deleted").Without("gone"));
  else
    call.batch.Create(SecretKey(call, body.StringOr("name", "")), body);
  co_return Json::Object{{"ARN", body["arn"]}, {"Name", body["name"]}};
}

Task<Json> DeleteOwnedSecret(Call& call) {
  MILL_CO_TRY(const auto found, co_await LookForSecret(call, call.input.StringOr("SecretId", "")));
  if (found) DeleteAll(call, *found);
  co_return Json(Json::Object{});
}

}  // namespace stepmill::secretsmanager
