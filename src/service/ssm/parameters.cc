#include "service/ssm/parameters.h"

#include <cstdio>

#include "base/strings.h"
#include "gate/vault.h"
#include "service/ports.h"
#include "service/ssm/errors.h"

namespace stepmill::ssm {

Key ParameterKey(const Call& call, std::string_view name) {
  return call.KeyFor({"ssm", "parameter", name});
}

Key VersionKey(const Call& call, std::string_view name, int64_t version) {
  char digits[24];
  std::snprintf(digits, sizeof digits, "%012lld", static_cast<long long>(version));
  return call.KeyFor({"ssm", "version", name, digits});
}

std::string ArnOf(const Call& call, std::string_view name) {
  return call.Arn("ssm", "parameter/" + std::string(name.substr(name.starts_with('/') ? 1 : 0)));
}

Result<Reference> ParseReference(std::string_view text) {
  Reference reference;
  if (text.starts_with("arn:")) {
    const size_t at = text.find(":parameter/");
    if (at == std::string_view::npos)
      return Invalid("Invalid parameter ARN: " + std::string(text) +
                     ". Expected arn:aws:ssm:REGION:ACCOUNT:parameter/NAME");
    text.remove_prefix(at + std::string_view(":parameter").size());
  }
  const size_t colon = text.find(':');
  reference.name = std::string(text.substr(0, colon));
  if (colon == std::string_view::npos) return reference;
  reference.selector = std::string(text.substr(colon + 1));
  if (reference.selector.empty() || reference.selector.find(':') != std::string::npos ||
      reference.name.empty())
    return Invalid(
        "Invalid parameter name. Please use correct syntax for referencing a version/label  "
        "<name>:<version/label>");
  return reference;
}

Task<std::optional<Document>> FindNewest(Call& call, std::string name) {
  MILL_CO_TRY(const Reference reference, ParseReference(name));
  MILL_CO_TRY(auto found, co_await call.ports.store.Get(ParameterKey(call, reference.name)));
  // An ARN does not tell "/name" from "name".
  if (!found && name.starts_with("arn:")) {
    const std::string bare = reference.name.substr(1);
    MILL_CO_TRY(found, co_await call.ports.store.Get(ParameterKey(call, bare)));
  }
  co_return found;
}

Task<Found> FindParameter(Call& call, std::string text) {
  MILL_CO_TRY(const Reference reference, ParseReference(text));
  std::string whole = text;
  if (!reference.selector.empty()) whole.resize(text.size() - reference.selector.size() - 1);
  MILL_CO_TRY(auto newest, co_await FindNewest(call, whole));
  if (!newest) co_return ParameterNotFound();
  Found found;
  found.name = newest->body.StringOr("name", "");
  found.selector = reference.selector;
  found.parameter = std::move(*newest);
  const Json& body = found.parameter.body;
  if (reference.selector.empty()) {
    found.version = body;
    co_return found;
  }
  const auto number = ParseInt(reference.selector);
  const int64_t wanted = number ? *number : body["labels"].IntOr(reference.selector, 0);
  if (wanted == body.IntOr("version", 0)) {
    found.version = body;
    co_return found;
  }
  MILL_CO_TRY(const auto version,
              co_await call.ports.store.Get(VersionKey(call, found.name, wanted)));
  if (!version) co_return ParameterVersionNotFound(found.name, reference.selector);
  found.version = version->body;
  co_return found;
}

Result<std::string> ValueOf(const Call& call, const Json& version, bool is_decrypted) {
  std::string value = version.StringOr("value", "");
  if (!is_decrypted || version.StringOr("type", "") != "SecureString") return value;
  MILL_TRY(const Secret opened,
           call.ports.vault.Open(value, ArnOf(call, version.StringOr("name", ""))));
  return opened.Reveal();
}

Result<Json> PrintParameter(const Call& call, const Json& version, std::string_view selector,
                            bool is_decrypted) {
  const std::string name = version.StringOr("name", "");
  MILL_TRY(const std::string value, ValueOf(call, version, is_decrypted));
  Json::Object parameter{
      {"Name", name}, {"Type", version["type"]}, {"Value", value}, {"Version", version["version"]}};
  if (!selector.empty()) parameter.Add("Selector", ":" + std::string(selector));
  parameter.Add("LastModifiedDate", SecondsSinceEpoch(TimeFromMillis(version.IntOr("date", 0))));
  parameter.Add("ARN", ArnOf(call, name));
  parameter.Add("DataType", version["dataType"]);
  return Json(std::move(parameter));
}

Json PrintMetadata(const Call& call, const Json& version) {
  Json::Object metadata{{"Name", version["name"]},
                        {"ARN", ArnOf(call, version.StringOr("name", ""))},
                        {"Type", version["type"]}};
  metadata.SetIf("KeyId", version.Find("keyId"));
  metadata.Add("LastModifiedDate", SecondsSinceEpoch(TimeFromMillis(version.IntOr("date", 0))));
  metadata.Add("LastModifiedUser", version["user"]);
  metadata.SetIf("Description", version.Find("description"));
  metadata.SetIf("AllowedPattern", version.Find("allowedPattern"));
  metadata.Add("Version", version["version"]);
  metadata.Add("Tier", version["tier"]);
  metadata.Add("Policies", Json::Array{});
  metadata.Add("DataType", version["dataType"]);
  return metadata;
}

Json LabelsOf(const Json& parameter, int64_t version) {
  Json::Array labels;
  if (const Json* all = parameter.Find("labels"))
    for (const Json::Member& label : all->members())
      if (label.value == Json(version)) labels.emplace_back(label.name);
  return labels;
}

std::string TokenFor(std::string_view key) { return Base64(key); }

Result<std::string> KeyOfToken(std::string_view token) {
  auto key = Unbase64(token);
  if (!key || key->empty()) return InvalidNextToken();
  return *std::move(key);
}

}  // namespace stepmill::ssm
