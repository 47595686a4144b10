#include "service/secretsmanager/secrets.h"

#include <algorithm>

#include "base/digest.h"
#include "base/strings.h"
#include "gate/vault.h"
#include "service/ports.h"
#include "service/secretsmanager/errors.h"

namespace stepmill::secretsmanager {

Key SecretKey(const Call& call, std::string_view name) {
  return call.KeyFor({"secretsmanager", "secret", name});
}
Key VersionKey(const Call& call, std::string_view name, std::string_view version) {
  return call.KeyFor({"secretsmanager", "version", name, version});
}

void DeleteAll(Call& call, const Document& secret) {
  const std::string name = secret.body.StringOr("name", "");
  call.batch.expects.push_back({secret.key, secret.version});
  call.batch.Delete(secret.key);
  for (const Json::Member& version : secret.body["versions"].members())
    call.batch.Delete(VersionKey(call, name, version.name));
}

Task<std::optional<Document>> LookForSecret(Call& call, std::string id) {
  std::string name = id;
  constexpr size_t kSuffix = 7;  // "-" and six characters
  if (id.starts_with("arn:")) {
    const size_t at = id.find(":secret:");
    if (at == std::string::npos) co_return std::optional<Document>();
    name = id.substr(at + 8);
  }
  MILL_CO_TRY(auto found, co_await call.ports.store.Get(SecretKey(call, name)));
  if (!found && id.starts_with("arn:") && name.size() > kSuffix &&
      name[name.size() - kSuffix] == '-') {
    const std::string bare = name.substr(0, name.size() - kSuffix);
    MILL_CO_TRY(found, co_await call.ports.store.Get(SecretKey(call, bare)));
    if (found && found->body.StringOr("arn", "") != id) found.reset();
  }
  if (found && found->body.Has("gone") &&
      found->body.IntOr("gone", 0) <= MillisSinceEpoch(call.now)) {
    DeleteAll(call, *found);
    found.reset();
  }
  co_return found;
}

Task<Document> FindSecret(Call& call) {
  MILL_CO_TRY(auto found, co_await LookForSecret(call, call.input.StringOr("SecretId", "")));
  if (!found) co_return NoSuchSecret();
  co_return *std::move(found);
}

Task<Document> FindLivingSecret(Call& call) {
  MILL_CO_TRY(Document found, co_await FindSecret(call));
  if (found.body.Has("deleted")) co_return IsDeleted();
  co_return found;
}

Task<Document> FindOwnSecret(Call& call) {
  MILL_CO_TRY(Document found, co_await FindLivingSecret(call));
  if (found.body.Has("owner")) co_return IsOwned(found.body.StringOr("owner", ""));
  co_return found;
}

std::string VersionWithStage(const Json& secret, std::string_view stage) {
  for (const Json::Member& version : secret["versions"].members())
    for (const Json& item : version.value["stages"].items())
      if (item.AsString() == stage) return version.name;
  return "";
}

namespace {

Json SetStages(const Json& secret, const std::string& version, Json::Array stages) {
  const Json& versions = secret["versions"];
  return secret.With("versions",
                     versions.With(version, versions[version].With("stages", std::move(stages))));
}

Json TakeStage(Json secret, const std::string& stage) {
  const std::string version = VersionWithStage(secret, stage);
  if (version.empty()) return secret;
  Json::Array stages = secret["versions"][version]["stages"].items();
  std::erase(stages, Json(stage));
  return SetStages(secret, version, std::move(stages));
}

Json GiveStage(const Json& secret, const std::string& stage, const std::string& version) {
  Json::Array stages = secret["versions"][version]["stages"].items();
  stages.emplace_back(stage);
  return SetStages(secret, version, std::move(stages));
}

/// The oldest versions without a stage go when there are too many.
Json DropOld(Call& call, Json secret) {
  const std::string name = secret.StringOr("name", "");
  while (secret["versions"].size() > kVersionsMax) {
    const auto& versions = secret["versions"].members();
    const auto old = std::find_if(
        versions.begin(), versions.end(),
        [](const Json::Member& version) { return version.value["stages"].size() == 0; });
    if (old == versions.end()) break;
    call.batch.Delete(VersionKey(call, name, old->name));
    secret = secret.With("versions", secret["versions"].Without(std::string(old->name)));
  }
  return secret;
}

}  // namespace

Json MoveStage(Json secret, const std::string& stage, const std::string& to_version) {
  const std::string before = VersionWithStage(secret, stage);
  if (before == to_version) return secret;
  secret = TakeStage(std::move(secret), stage);
  if (!to_version.empty()) secret = GiveStage(secret, stage, to_version);
  if (stage != "AWSCURRENT" || before.empty()) return secret;
  secret = TakeStage(std::move(secret), "AWSPREVIOUS");
  return GiveStage(secret, "AWSPREVIOUS", before);
}

Json StagesOf(const Json& secret) {
  Json::Object stages;
  for (const Json::Member& version : secret["versions"].members())
    if (version.value["stages"].size() > 0) stages.Add(version.name, version.value["stages"]);
  return stages;
}

Result<std::optional<Value>> ReadValue(const Json& input) {
  const std::string text = input.StringOr("SecretString", "");
  const std::string binary = input.StringOr("SecretBinary", "");
  if (!text.empty() && !binary.empty())
    return InvalidParameter(
        "You can't specify both a binary secret value and a string secret value in the same "
        "secret.");
  if (text.empty() && binary.empty()) return std::optional<Value>();
  return std::optional<Value>(text.empty() ? Value{"binary", binary} : Value{"string", text});
}

Task<Json> AddVersion(Call& call, Json secret, Value value, std::string version,
                      std::vector<std::string> stages) {
  const std::string name = secret.StringOr("name", "");
  const std::string context = secret.StringOr("arn", "") + "/" + version;
  const std::string digest =
      Hex(HmacSha256(call.ports.vault.Derive("secretsmanager").Reveal(), value.kind + value.text));
  MILL_CO_TRY(const auto before, co_await call.ports.store.Get(VersionKey(call, name, version)));
  if (before) {
    if (before->body.StringOr("digest", "") != digest) co_return VersionExists();
    co_return secret;
  }
  call.batch.Create(VersionKey(call, name, version),
                    Json::Object{{"sealed", call.ports.vault.Seal(Secret(value.text), context)},
                                 {"kind", value.kind},
                                 {"digest", digest}});
  const int64_t now = MillisSinceEpoch(call.now);
  secret = secret.With(
      "versions",
      secret["versions"].With(version, Json::Object{{"created", now}, {"stages", Json::Array{}}}));
  for (const std::string& stage : stages) secret = MoveStage(std::move(secret), stage, version);
  // The first version is the current one whatever it is called.
  if (VersionWithStage(secret, "AWSCURRENT").empty())
    secret = MoveStage(std::move(secret), "AWSCURRENT", version);
  co_return DropOld(call, secret.With("changed", now));
}

}  // namespace stepmill::secretsmanager
