#include <algorithm>

#include "base/strings.h"
#include "service/page.h"
#include "service/ports.h"
#include "service/secretsmanager/errors.h"
#include "service/secretsmanager/secrets.h"

namespace stepmill::secretsmanager {

namespace {

constexpr int64_t kDayMs = 86'400'000;

Json Date(const Json& millis) {
  return SecondsSinceEpoch(TimeFromMillis(millis.is_integer() ? millis.AsInteger() : 0));
}

Json Print(const Json& secret, const char* stages_name) {
  Json::Object shown{{"ARN", secret["arn"]}, {"Name", secret["name"]}};
  shown.SetIf("Description", secret.Find("description"));
  shown.SetIf("KmsKeyId", secret.Find("kmsKeyId"));
  shown.Add("LastChangedDate", Date(secret["changed"]));
  if (secret.Has("deleted")) shown.Add("DeletedDate", Date(secret["gone"]));
  Json::Array tags;
  for (const Json::Member& tag : secret["tags"].members())
    tags.push_back(Json::Object{{"Key", tag.name}, {"Value", tag.value}});
  if (!tags.empty()) shown.Add("Tags", std::move(tags));
  if (Json stages = StagesOf(secret); stages.size() > 0) shown.Add(stages_name, std::move(stages));
  shown.SetIf("OwningService", secret.Find("owner"));
  shown.Add("CreatedDate", Date(secret["created"]));
  return shown;
}

/// One text of a filter; "!" in front turns it round.
bool Accepts(const std::string& key, std::string wanted, const Json& secret) {
  const bool is_turned = wanted.starts_with('!');
  if (is_turned) wanted.erase(0, 1);
  const std::string lower = ToLower(wanted);
  const auto has = [&](const std::string& text) {
    return ToLower(text).find(lower) != std::string::npos;
  };
  const auto any_tag = [&](bool is_key) {
    const auto& tags = secret["tags"].members();
    return std::any_of(tags.begin(), tags.end(), [&](const Json::Member& tag) {
      return (is_key ? tag.name : tag.value.AsString()).starts_with(wanted);
    });
  };
  const std::string name = secret.StringOr("name", "");
  const std::string description = secret.StringOr("description", "");
  bool is_match = false;
  if (key == "name") is_match = name.starts_with(wanted);
  if (key == "description") is_match = has(description);
  if (key == "tag-key") is_match = any_tag(true);
  if (key == "tag-value") is_match = any_tag(false);
  if (key == "all") is_match = has(name) || has(description) || any_tag(true) || any_tag(false);
  return is_match != is_turned;
}

bool MatchesFilters(const Json& filters, const Json& secret) {
  if (!filters.is_array()) return true;
  return std::all_of(filters.items().begin(), filters.items().end(), [&](const Json& filter) {
    const Json::Array values =
        filter["Values"].is_array() ? filter["Values"].items() : Json::Array{};
    return std::any_of(values.begin(), values.end(), [&](const Json& value) {
      return Accepts(filter.StringOr("Key", ""), value.AsString(), secret);
    });
  });
}

}  // namespace

Task<Json> DescribeSecret(Call& call) {
  MILL_CO_TRY(const Document secret, co_await FindSecret(call));
  co_return Print(secret.body, "VersionIdsToStages");
}

Task<Json> ListSecretVersionIds(Call& call) {
  MILL_CO_TRY(const Document secret, co_await FindSecret(call));
  Json::Array versions;
  for (const Json::Member& version : secret.body["versions"].members()) {
    if (version.value["stages"].size() == 0 && !call.input.BoolOr("IncludeDeprecated", false))
      continue;
    versions.push_back(Json::Object{{"VersionId", version.name},
                                    {"VersionStages", version.value["stages"]},
                                    {"CreatedDate", Date(version.value["created"])}});
  }
  MILL_CO_TRY(const Json page,
              PageOf(call.input, "Versions", versions, "MaxResults", "NextToken", InvalidToken()));
  co_return page.With("ARN", secret.body["arn"]).With("Name", secret.body["name"]);
}

Task<Json> ListSecrets(Call& call) {
  const Json& input = call.input;
  const Key prefix = SecretKey(call, "");
  const bool is_descending = input.StringOr("SortOrder", "asc") == "desc";
  if (input.StringOr("SortBy", "name") != "name") co_return NotBuilt("sorting by dates");
  Key from = prefix, to = PrefixEnd(prefix);
  if (const std::string token = input.StringOr("NextToken", ""); !token.empty()) {
    const auto key = Unbase64(token);
    if (!key || !key->starts_with(prefix)) co_return InvalidToken();
    (is_descending ? to : from) = is_descending ? *key + '\0' : *key;
  }
  const auto limit = static_cast<size_t>(input.IntOr("MaxResults", 100));
  Json::Array secrets;
  while (true) {
    MILL_CO_TRY(
        const auto page,
        co_await call.ports.store.Range(
            from, to, is_descending ? Direction::kBackward : Direction::kForward, kPageReadMax));
    for (const Document& document : page) {
      const Json& secret = document.body;
      if (secret.Has("deleted") && (!input.BoolOr("IncludePlannedDeletion", false) ||
                                    secret.IntOr("gone", 0) <= MillisSinceEpoch(call.now)))
        continue;
      if (!MatchesFilters(input["Filters"], secret)) continue;
      if (secrets.size() == limit)
        co_return Json::Object{{"SecretList", std::move(secrets)},
                               {"NextToken", Base64(document.key)}};
      secrets.push_back(Print(secret, "SecretVersionsToStages"));
    }
    if (page.size() < static_cast<size_t>(kPageReadMax)) break;
    if (is_descending)
      to = page.back().key;
    else
      from = page.back().key + '\0';
  }
  co_return Json::Object{{"SecretList", std::move(secrets)}};
}

Task<Json> DeleteSecret(Call& call) {
  const bool is_forced = call.input.BoolOr("ForceDeleteWithoutRecovery", false);
  if (is_forced && call.input.Has("RecoveryWindowInDays"))
    co_return InvalidParameter(
        "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.");
  const int64_t window = call.input.IntOr("RecoveryWindowInDays", 30);
  if (window < 7 || window > 30)
    co_return InvalidParameter(
        "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).");
  MILL_CO_TRY(const auto found, co_await LookForSecret(call, call.input.StringOr("SecretId", "")));
  const int64_t now = MillisSinceEpoch(call.now);
  if (!found) {
    if (!is_forced) co_return NoSuchSecret();
    // AWS answers a forced deletion of nothing with success.
    const std::string name = call.input.StringOr("SecretId", "");
    co_return Json::Object{{"ARN", call.Arn("secretsmanager", "secret:" + name)},
                           {"Name", name},
                           {"DeletionDate", Date(now)}};
  }
  const Json& secret = found->body;
  if (is_forced && secret.Has("owner")) co_return IsOwned(secret.StringOr("owner", ""));
  Json gone = now;
  if (is_forced) {
    DeleteAll(call, *found);
  } else {
    if (secret.Has("deleted")) co_return IsDeleted();
    gone = now + window * kDayMs;
    call.batch.Replace(*found, secret.With("deleted", now).With("gone", gone));
  }
  co_return Json::Object{
      {"ARN", secret["arn"]}, {"Name", secret["name"]}, {"DeletionDate", Date(gone)}};
}

Task<Json> RestoreSecret(Call& call) {
  MILL_CO_TRY(const Document secret, co_await FindSecret(call));
  call.batch.Replace(secret, secret.body.Without("deleted").Without("gone"));
  co_return Json::Object{{"ARN", secret.body["arn"]}, {"Name", secret.body["name"]}};
}

Task<Json> TagResource(Call& call) {
  MILL_CO_TRY(const Document secret, co_await FindOwnSecret(call));
  Json tags = secret.body["tags"];
  for (const Json& tag : call.input["Tags"].items())
    tags = tags.With(tag.StringOr("Key", ""), tag["Value"]);
  if (tags.size() > kTagsMax) co_return InvalidParameter("A secret can have at most 50 tags.");
  call.batch.Replace(secret, secret.body.With("tags", std::move(tags)));
  co_return Json(Json::Object{});
}

Task<Json> UntagResource(Call& call) {
  MILL_CO_TRY(const Document secret, co_await FindOwnSecret(call));
  Json tags = secret.body["tags"];
  for (const Json& key : call.input["TagKeys"].items()) tags = tags.Without(key.AsString());
  call.batch.Replace(secret, secret.body.With("tags", std::move(tags)));
  co_return Json(Json::Object{});
}

}  // namespace stepmill::secretsmanager
