#include "service/states/settings.h"

#include <cctype>

#include "base/strings.h"
#include "gate/door.h"
#include "gate/principal.h"
#include "service/ports.h"
#include "service/states/errors.h"
#include "service/states/execution_log.h"
#include "service/states/machines.h"
#include "service/states/task_performer.h"

namespace stepmill::states {
namespace {

constexpr int64_t kDiagnosticsDefault = 100;
constexpr int64_t kKeyReuseDefault = 300;  // seconds

/// A key's id or ARN, an alias or its ARN (AWS KMS: "Key identifiers").
bool IsKmsKey(std::string_view id) {
  if (id.starts_with("alias/")) return id.size() > 6;
  if (id.starts_with("arn:")) {
    const auto parts = Split(id, ':');
    return parts.size() == 6 && parts[2] == "kms" &&
           (parts[5].starts_with("key/") || parts[5].starts_with("alias/"));
  }
  if (id.starts_with("mrk-")) id.remove_prefix(4);
  for (const char c : id)
    if (c != '-' && !std::isxdigit(static_cast<unsigned char>(c))) return false;
  return id.size() == 36 || id.size() == 32;
}

}  // namespace

Result<Json> ReadLogging(const Json* given) {
  Json::Object out{{"level", "OFF"}, {"includeExecutionData", false}};
  if (!given) return Json(std::move(out));
  out.Set("level", given->StringOr("level", "OFF"));
  out.Set("includeExecutionData", given->BoolOr("includeExecutionData", false));
  const Json& destinations = (*given)["destinations"];
  if (destinations.is_array()) out.Set("destinations", destinations);
  const size_t count = destinations.is_array() ? destinations.size() : 0;
  const bool is_off = given->StringOr("level", "OFF") == "OFF";
  if (count > 1 || (!is_off && count != 1))
    return InvalidLoggingConfiguration("Must specify exactly one Log Destination.");
  return Json(std::move(out));
}

Task<> CheckLogDestination(Call& call, Json logging) {
  if (!logging["destinations"].is_array() || logging["destinations"].size() == 0)
    co_return Result<>();
  const LogSettings settings = ReadLogSettings(logging);
  const Error missing = InvalidLoggingConfiguration("Log Destination not found.");
  if (settings.group.empty()) co_return missing;
  const Json input = Json::Object{{"logGroupNamePrefix", settings.group}};
  const auto found = co_await AskToRead(call, "logs", "DescribeLogGroups", input);
  if (!found) co_return missing;
  for (const Json& group : found->output["logGroups"].items())
    if (group.StringOr("logGroupName", "") == settings.group) co_return Result<>();
  co_return missing;
}

Json ReadTracing(const Json* given) {
  return Json::Object{{"enabled", given ? given->BoolOr("enabled", false) : false}};
}

Result<Json> ReadEncryption(const Json* given) {
  const std::string type = given ? given->StringOr("type", "") : "AWS_OWNED_KEY";
  if (type == "AWS_OWNED_KEY") {
    if (given && (given->Has("kmsKeyId") || given->Has("kmsDataKeyReusePeriodSeconds")))
      return InvalidEncryptionConfiguration(
          "kmsKeyId and kmsDataKeyReusePeriodSeconds cannot be set when type is AWS_OWNED_KEY");
    return Json(Json::Object{{"type", type}});
  }
  if (!given->Has("kmsKeyId"))
    return InvalidEncryptionConfiguration(
        "kmsKeyId must be set when type is CUSTOMER_MANAGED_KMS_KEY");
  const std::string key = given->StringOr("kmsKeyId", "");
  if (!IsKmsKey(key)) return InvalidEncryptionConfiguration("Invalid kmsKeyId: " + key);
  return Json(Json::Object{{"kmsKeyId", key},
                           {"kmsDataKeyReusePeriodSeconds",
                            given->IntOr("kmsDataKeyReusePeriodSeconds", kKeyReuseDefault)},
                           {"type", type}});
}

Result<> CheckRole(std::string_view arn) {
  if (!RolePrincipal(arn, "check")) return InvalidArnPrefix(arn);
  return {};
}

asl::CompileOptions OptionsOf(Call& call, bool is_express) {
  asl::CompileOptions options;
  options.is_express = is_express;
  options.check_parameters = [&door = call.ports.door](const asl::Resource& resource,
                                                       const Json& parameters) {
    return CheckTaskParameters(door, resource, parameters);
  };
  return options;
}

Result<std::shared_ptr<const asl::Definition>> CheckDefinition(Call& call, const std::string& text,
                                                               bool is_express) {
  const asl::CompileOptions options = OptionsOf(call, is_express);
  asl::Compiled compiled = asl::Compile(text, options);
  if (!compiled.definition) return InvalidDefinition(asl::JoinFindings(compiled.findings));
  return compiled.definition;
}

void AddVariableReferences(Json::Object& answer, const std::string& definition) {
  const asl::Compiled compiled = asl::Compile(definition);
  if (!compiled.definition) return;
  const Json references = asl::VariableReferences(*compiled.definition);
  if (!references.is_null()) answer.Set("variableReferences", references);
}

Task<Json> ValidateStateMachineDefinition(Call& call) {
  const asl::CompileOptions options =
      OptionsOf(call, call.input.StringOr("type", "STANDARD") == "EXPRESS");
  const asl::Compiled compiled = asl::Compile(call.input.StringOr("definition", ""), options);
  int64_t limit = call.input.IntOr("maxResults", 0);
  if (limit == 0) limit = kDiagnosticsDefault;
  const bool wants_warnings = call.input.StringOr("severity", "ERROR") == "WARNING";
  Json::Array diagnostics;
  bool has_error = false;
  bool is_truncated = false;
  for (int turn = 0; turn < 2; ++turn) {  // errors first
    for (const asl::Finding& finding : compiled.findings) {
      if (finding.is_error != (turn == 0)) continue;
      has_error = has_error || finding.is_error;
      if (!finding.is_error && !wants_warnings) continue;
      if (static_cast<int64_t>(diagnostics.size()) >= limit) {
        is_truncated = true;
        break;
      }
      Json::Object diagnostic{{"severity", finding.is_error ? "ERROR" : "WARNING"},
                              {"code", finding.code},
                              {"message", finding.message}};
      if (!finding.location.empty()) diagnostic.Set("location", finding.location);
      diagnostics.push_back(std::move(diagnostic));
    }
  }
  co_return Json::Object{{"result", has_error ? "FAIL" : "OK"},
                         {"diagnostics", Json(std::move(diagnostics))},
                         {"truncated", is_truncated}};
}

}  // namespace stepmill::states
