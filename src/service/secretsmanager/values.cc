#include <algorithm>
#include <cctype>

#include "base/strings.h"
#include "gate/vault.h"
#include "service/ports.h"
#include "service/secretsmanager/errors.h"
#include "service/secretsmanager/secrets.h"
#include "task/ports.h"

namespace stepmill::secretsmanager {

namespace {

Result<> CheckName(const std::string& name) {
  const bool is_clean = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) ||
           std::string_view("-/_+=.@!").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (is_clean) return {};
  return Error{Code::kInvalid, "ValidationException",
               "Invalid name. Must be a valid name containing alphanumeric characters, or any of "
               "the following: -/_+=.@!"};
}

Json NameAndArn(const Json& secret) {
  return Json::Object{{"ARN", secret["arn"]}, {"Name", secret["name"]}};
}

std::string TokenOrNew(Call& call) {
  const std::string token = call.input.StringOr("ClientRequestToken", "");
  return token.empty() ? call.ports.random.NewUuid() : token;
}

Task<std::string> ChooseVersion(Call& call, Json secret) {
  const std::string version = call.input.StringOr("VersionId", "");
  const std::string stage = call.input.StringOr("VersionStage", "");
  if (version.empty()) {
    const std::string wanted = stage.empty() ? "AWSCURRENT" : stage;
    const std::string found = VersionWithStage(secret, wanted);
    if (found.empty()) co_return NoSuchStage(wanted);
    co_return found;
  }
  const Json* found = secret["versions"].Find(version);
  if (!found) co_return NoSuchVersion(version);
  if (!stage.empty() && VersionWithStage(secret, stage) != version)
    co_return InvalidRequest(
        "You provided a VersionStage that is not associated to the provided VersionId.");
  co_return version;
}

}  // namespace

std::string RandomSuffix(Random& random) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::string suffix = "-";
  for (int i = 0; i < 6; ++i) suffix += kLetters[random.Next() % kLetters.size()];
  return suffix;
}

Task<Json> CreateSecret(Call& call) {
  const Json& input = call.input;
  const std::string name = input.StringOr("Name", "");
  MILL_CO_CHECK(CheckName(name));
  if (input["AddReplicaRegions"].size() > 0) co_return NotBuilt("the member AddReplicaRegions");
  if (input.Has("Type")) co_return NotBuilt("the member Type");
  MILL_CO_TRY(const auto value, ReadValue(input));
  const std::string token = TokenOrNew(call);
  MILL_CO_TRY(const auto found, co_await LookForSecret(call, name));
  if (found) {
    if (found->body.Has("deleted"))
      co_return InvalidRequest(
          "You can't create this secret because a secret with this name is already scheduled for "
          "deletion.");
    // The same call again: AddVersion tells whether it is.
    if (!value || !found->body["versions"].Has(token)) co_return SecretExists(name);
    MILL_CO_CHECK(
        co_await AddVersion(call, found->body, *value, token, std::vector<std::string>()));
    co_return NameAndArn(found->body).With("VersionId", token);
  }
  Json::Object secret{{"name", name}};
  secret.Add("arn", call.Arn("secretsmanager", "secret:" + name + RandomSuffix(call.ports.random)));
  secret.SetIf("description", input.Find("Description"));
  secret.SetIf("kmsKeyId", input.Find("KmsKeyId"));
  secret.Add("created", MillisSinceEpoch(call.now));
  secret.Add("changed", MillisSinceEpoch(call.now));
  Json tags = Json::Object{};
  if (const Json* list = input.Find("Tags"))
    for (const Json& tag : list->items()) tags = tags.With(tag.StringOr("Key", ""), tag["Value"]);
  secret.Add("tags", std::move(tags));
  secret.Add("versions", Json::Object{});
  Json body = std::move(secret);
  Json answer = NameAndArn(body);
  if (value) {
    MILL_CO_TRY(body, co_await AddVersion(call, std::move(body), *value, token,
                                          std::vector<std::string>()));
    answer = answer.With("VersionId", token);
  }
  // One that has just ended its recovery is replaced, not created: no expectation of its absence.
  const bool is_replaced = !call.batch.deletes.empty();
  if (is_replaced)
    call.batch.PutDocument(SecretKey(call, name), std::move(body));
  else
    call.batch.Create(SecretKey(call, name), std::move(body));
  co_return answer;
}

Task<Json> GetSecretValue(Call& call) {
  MILL_CO_TRY(const Document secret, co_await FindLivingSecret(call));
  MILL_CO_TRY(const std::string version, co_await ChooseVersion(call, secret.body));
  const std::string name = secret.body.StringOr("name", "");
  MILL_CO_TRY(const auto stored, co_await call.ports.store.Get(VersionKey(call, name, version)));
  if (!stored) co_return NoSuchVersion(version);
  const std::string context = secret.body.StringOr("arn", "") + "/" + version;
  MILL_CO_TRY(const Secret value,
              call.ports.vault.Open(stored->body.StringOr("sealed", ""), context));
  const bool is_binary = stored->body.StringOr("kind", "") == "binary";
  const Json& about = secret.body["versions"][version];
  Json answer = NameAndArn(secret.body).With("VersionId", version);
  answer = answer.With(is_binary ? "SecretBinary" : "SecretString", value.Reveal());
  answer = answer.With("VersionStages", about["stages"]);
  co_return answer.With("CreatedDate",
                        SecondsSinceEpoch(TimeFromMillis(about.IntOr("created", 0))));
}

Task<Json> PutSecretValue(Call& call) {
  MILL_CO_TRY(const Document secret, co_await FindOwnSecret(call));
  if (call.input.Has("RotationToken")) co_return NotBuilt("the member RotationToken");
  MILL_CO_TRY(const auto value, ReadValue(call.input));
  if (!value) co_return InvalidRequest("You must provide either SecretString or SecretBinary.");
  std::vector<std::string> stages;
  if (const Json* list = call.input.Find("VersionStages"))
    for (const Json& stage : list->items()) stages.push_back(stage.AsString());
  if (stages.empty()) stages.emplace_back("AWSCURRENT");
  const std::string token = TokenOrNew(call);
  MILL_CO_TRY(const Json changed, co_await AddVersion(call, secret.body, *value, token, stages));
  if (!call.batch.is_empty()) call.batch.Replace(secret, changed);
  co_return NameAndArn(changed)
      .With("VersionId", token)
      .With("VersionStages", changed["versions"][token]["stages"]);
}

Task<Json> UpdateSecret(Call& call) {
  MILL_CO_TRY(const Document secret, co_await FindOwnSecret(call));
  if (call.input.Has("Type")) co_return NotBuilt("the member Type");
  MILL_CO_TRY(const auto value, ReadValue(call.input));
  Json body = secret.body.With("changed", MillisSinceEpoch(call.now));
  if (const Json* text = call.input.Find("Description")) body = body.With("description", *text);
  if (const Json* key = call.input.Find("KmsKeyId")) body = body.With("kmsKeyId", *key);
  Json answer = NameAndArn(body);
  if (value) {
    const std::string token = TokenOrNew(call);
    const std::vector<std::string> current(1, "AWSCURRENT");
    MILL_CO_TRY(body, co_await AddVersion(call, std::move(body), *value, token, current));
    answer = answer.With("VersionId", token);
  }
  call.batch.Replace(secret, std::move(body));
  co_return answer;
}

Task<Json> UpdateSecretVersionStage(Call& call) {
  MILL_CO_TRY(const Document secret, co_await FindOwnSecret(call));
  const std::string stage = call.input.StringOr("VersionStage", "");
  const std::string from = call.input.StringOr("RemoveFromVersionId", "");
  const std::string to = call.input.StringOr("MoveToVersionId", "");
  const std::string now = VersionWithStage(secret.body, stage);
  if (!from.empty() && !secret.body["versions"].Has(from)) co_return NoSuchVersion(from);
  if (!to.empty() && !secret.body["versions"].Has(to)) co_return NoSuchVersion(to);
  if (now != from && !(now.empty() && from.empty()) && now != to)
    co_return InvalidParameter("The parameter RemoveFromVersionId can't be empty. Staging label " +
                               stage + " is currently attached to version " + now +
                               ", so you must explicitly reference that version in "
                               "RemoveFromVersionId.");
  if (stage == "AWSCURRENT" && to.empty())
    co_return InvalidParameter(
        "You can only move staging label AWSCURRENT to a different secret version. It can't be "
        "completely removed.");
  call.batch.Replace(secret, MoveStage(secret.body, stage, to));
  co_return NameAndArn(secret.body);
}

}  // namespace stepmill::secretsmanager
