#include <re2/re2.h>

#include <algorithm>

#include "base/strings.h"
#include "engine/engine.h"
#include "gate/vault.h"
#include "service/ports.h"
#include "service/ssm/errors.h"
#include "service/ssm/parameters.h"

namespace stepmill::ssm {

namespace {

Result<> CheckName(std::string_view name) {
  constexpr const char* kSyntax =
      "If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can "
      "be formed as a mix of letters, numbers and the following 3 symbols .-_";
  const std::string lower =
      ToLower(name.substr(std::min(name.find_first_not_of('/'), name.size())));
  const bool is_path = name.find('/') != std::string_view::npos;
  if (lower.starts_with("aws") || lower.starts_with("ssm")) {
    if (is_path && name.starts_with('/') && lower.starts_with("aws"))
      return Error{Code::kDenied, "AccessDeniedException",
                   "No access to reserved parameter name: " + std::string(name) + "."};
    if (!is_path || name.rfind('/') == 0)
      return Invalid(
          "Parameter name: can't be prefixed with \"aws\" or \"ssm\" "
          "(case-insensitive).");
    return Invalid(std::string("Parameter name: can't be prefixed with \"ssm\" "
                               "(case-insensitive). ") +
                   kSyntax);
  }
  if (is_path && !name.starts_with('/'))
    return Invalid("Parameter name must be a fully qualified name.");
  const bool is_clean = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '.' || c == '-' || c == '_' || c == '/';
  });
  if (!is_clean || name.find("//") != std::string_view::npos || name.ends_with('/'))
    return Invalid(std::string("Parameter name: can't be prefixed with \"ssm\" "
                               "(case-insensitive). ") +
                   kSyntax);
  if (static_cast<size_t>(std::count(name.begin(), name.end(), '/')) > kLevelsMax)
    return HierarchyLevelLimitExceeded();
  return {};
}

/// The tier that the value ends up in.
Result<std::string> ChooseTier(const std::string& wanted, const std::string& before,
                               const std::string& value) {
  std::string tier = wanted.empty() ? (before.empty() ? "Standard" : before) : wanted;
  const size_t length = Utf16Length(value);
  if (tier == "Intelligent-Tiering")
    tier = length > kStandardCharsMax || before == "Advanced" ? "Advanced" : "Standard";
  if (before == "Advanced" && tier == "Standard")
    return Invalid(
        "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the "
        "advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the "
        "advanced parameter and recreate it as a standard parameter.");
  if (tier == "Standard" && length > kStandardCharsMax)
    return Invalid(
        "Standard tier parameters support a maximum parameter value of 4096 characters. To create "
        "a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For "
        "more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/"
        "parameter-store-advanced-parameters.html");
  if (length > kAdvancedCharsMax)
    return Invalid(
        "Advanced tier parameters support a maximum parameter value of 8192 characters.");
  return tier;
}

Result<> CheckPattern(const std::string& pattern, const std::string& value) {
  if (pattern.empty()) return {};
  RE2::Options options;
  options.set_log_errors(false);
  const RE2 compiled(pattern, options);
  if (!compiled.ok()) return InvalidAllowedPattern(pattern);
  if (!RE2::PartialMatch(value, compiled)) return ParameterPatternMismatch(pattern);
  return {};
}

Result<> CheckInput(const Json& input, bool is_new, const Json& before) {
  const std::string value = input.StringOr("Value", "");
  if (value.empty())
    return Invalid(
        "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member "
        "must have length greater than or equal to 1.");
  if (input.StringOr("Policies", "") != "") return NotBuilt("the member Policies");
  const std::string data_type = input.StringOr("DataType", "text");
  if (data_type == "aws:ec2:image") return NotBuilt("the data type aws:ec2:image");
  if (data_type != "text" && data_type != "aws:ssm:integration")
    return Invalid("The following data type is not supported: " + data_type +
                   " (Data type names are all lowercase.)");
  const std::string type = input.StringOr("Type", "");
  if (is_new && type.empty())
    return Invalid("A parameter type is required when you create a parameter.");
  if (!is_new && !type.empty() && type != before.StringOr("type", ""))
    return HierarchyTypeMismatch();
  if (input.BoolOr("Overwrite", false) && input["Tags"].size() > 0)
    return Invalid(
        "Invalid request: tags and overwrite can't be used together. To create a parameter with "
        "tags, please remove overwrite flag. To update tags for an existing parameter, please use "
        "AddTagsToResource or RemoveTagsFromResource.");
  if (input["Tags"].size() > kTagsMax) return TooManyTags();
  return {};
}

Json ChangeEvent(const Call& call, const Json& version, std::string_view operation) {
  Json::Object detail{
      {"operation", operation}, {"name", version["name"]}, {"type", version["type"]}};
  detail.SetIf("description", version.Find("description"));
  return MakeEvent("aws.ssm", "Parameter Store Change", call.account, call.region,
                   {ArnOf(call, version.StringOr("name", ""))}, std::move(detail));
}

/// Makes room for one more version: the oldest goes, unless it has a label.
Result<int64_t> DropOldest(Call& call, const Json& before, int64_t next) {
  const int64_t oldest = before.IntOr("oldest", 1);
  if (next - oldest < kVersionsMax) return oldest;
  const std::string name = before.StringOr("name", "");
  if (LabelsOf(before, oldest).size() > 0) return ParameterMaxVersionLimitExceeded(name, oldest);
  call.batch.Delete(VersionKey(call, name, oldest));
  return oldest + 1;
}

/// All that goes with a parameter's name.
void DeleteAll(Call& call, const Document& parameter) {
  const Json& body = parameter.body;
  const std::string name = body.StringOr("name", "");
  call.batch.expects.push_back({parameter.key, parameter.version});
  call.batch.Delete(parameter.key);
  for (int64_t at = body.IntOr("oldest", 1); at <= body.IntOr("version", 0); ++at)
    call.batch.Delete(VersionKey(call, name, at));
  call.batch.events.push_back(ChangeEvent(call, body, "Delete"));
}

}  // namespace

Task<Json> PutParameter(Call& call) {
  const Json& input = call.input;
  std::string name = input.StringOr("Name", "");
  if (name.starts_with("arn:")) {
    MILL_CO_TRY(const auto named, co_await FindNewest(call, name));
    if (!named) co_return ParameterNotFound();
    name = named->body.StringOr("name", "");
  }
  MILL_CO_CHECK(CheckName(name));
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(ParameterKey(call, name)));
  const Json before = found ? found->body : Json();
  if (found && !input.BoolOr("Overwrite", false)) co_return ParameterAlreadyExists();
  MILL_CO_CHECK(CheckInput(input, !found, before));
  const std::string value = input.StringOr("Value", "");
  MILL_CO_CHECK(CheckPattern(input.StringOr("AllowedPattern", ""), value));
  MILL_CO_TRY(const std::string tier,
              ChooseTier(input.StringOr("Tier", ""), before.StringOr("tier", ""), value));

  const std::string type = input.StringOr("Type", before.StringOr("type", ""));
  const bool is_secure = type == "SecureString";
  const int64_t number = before.IntOr("version", 0) + 1;
  Json::Object version{{"name", name}, {"type", type}};
  version.Add("value", is_secure ? call.ports.vault.Seal(Secret(value), ArnOf(call, name)) : value);
  version.Add("version", number);
  version.Add("date", MillisSinceEpoch(call.now));
  version.Add("user", call.principal.arn);
  version.SetIf("description", input.Find("Description"));
  if (is_secure)
    version.Add("keyId", input.StringOr("KeyId", before.StringOr("keyId", "alias/aws/ssm")));
  version.SetIf("allowedPattern", input.Find("AllowedPattern"));
  version.Add("tier", tier);
  version.Add("dataType", input.StringOr("DataType", "text"));
  call.batch.PutDocument(VersionKey(call, name, number), version);

  Json::Object newest = version;
  if (found) {
    MILL_CO_TRY(const int64_t oldest, DropOldest(call, before, number));
    newest.Add("oldest", oldest);
    newest.SetIf("labels", before.Find("labels"));
    newest.SetIf("tags", before.Find("tags"));
    call.batch.Replace(*found, std::move(newest));
  } else {
    newest.Add("oldest", 1);
    Json tags = Json::Object{};
    for (const Json& tag : input["Tags"].is_array() ? input["Tags"].items() : Json::Array{})
      tags = tags.With(tag.StringOr("Key", ""), tag["Value"]);
    newest.Add("tags", std::move(tags));
    call.batch.Create(ParameterKey(call, name), std::move(newest));
  }
  call.batch.events.push_back(ChangeEvent(call, Json(version), found ? "Update" : "Create"));
  co_return Json::Object{{"Version", number}, {"Tier", tier}};
}

Task<Json> DeleteParameter(Call& call) {
  MILL_CO_TRY(const auto found, co_await FindNewest(call, call.input.StringOr("Name", "")));
  if (!found) co_return ParameterNotFound();
  DeleteAll(call, *found);
  co_return Json(Json::Object{});
}

Task<Json> DeleteParameters(Call& call) {
  Json::Array deleted, invalid;
  const Json names = call.input["Names"];
  for (const Json& name : names.items()) {
    MILL_CO_TRY(const auto found, co_await FindNewest(call, name.AsString()));
    const bool is_repeated = std::find(deleted.begin(), deleted.end(), name) != deleted.end();
    if (!found || is_repeated) {
      if (!found) invalid.push_back(name);
      continue;
    }
    DeleteAll(call, *found);
    deleted.push_back(name);
  }
  co_return Json::Object{{"DeletedParameters", std::move(deleted)},
                         {"InvalidParameters", std::move(invalid)}};
}

}  // namespace stepmill::ssm
