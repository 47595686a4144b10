#include "service/lambda/configuration.h"

#include <algorithm>

#include "base/digest.h"
#include "base/strings.h"
#include "json/each.h"
#include "service/lambda/errors.h"
#include "service/lambda/limits.h"
#include "service/lambda/records.h"

namespace stepmill::lambda {

namespace {

// AWS: "Lambda runtimes": those of today, those that nobody can create any more.
constexpr std::string_view kRunning[] = {
    "nodejs24.x", "nodejs22.x", "nodejs20.x", "nodejs18.x", "python3.14",   "python3.13",
    "python3.12", "python3.11", "python3.10", "python3.9",  "provided.al2", "provided.al2023"};
constexpr std::string_view kNotHere[] = {"java25",    "java21",   "java17",  "java11",
                                         "java8.al2", "dotnet10", "dotnet8", "dotnet6",
                                         "ruby3.4",   "ruby3.3",  "ruby3.2"};
constexpr std::string_view kGone[] = {
    "nodejs",        "nodejs4.3",     "nodejs4.3-edge", "nodejs6.10",    "nodejs8.10",
    "nodejs10.x",    "nodejs12.x",    "nodejs14.x",     "nodejs16.x",    "python2.7",
    "python3.6",     "python3.7",     "python3.8",      "java8",         "go1.x",
    "dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1",  "dotnetcore3.1", "ruby2.5",
    "ruby2.7",       "provided"};

// AWS: "Defined runtime environment variables", the reserved ones.
constexpr std::string_view kReserved[] = {"_HANDLER",
                                          "_X_AMZN_TRACE_ID",
                                          "AWS_DEFAULT_REGION",
                                          "AWS_REGION",
                                          "AWS_EXECUTION_ENV",
                                          "AWS_LAMBDA_FUNCTION_NAME",
                                          "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                                          "AWS_LAMBDA_FUNCTION_VERSION",
                                          "AWS_LAMBDA_INITIALIZATION_TYPE",
                                          "AWS_LAMBDA_LOG_GROUP_NAME",
                                          "AWS_LAMBDA_LOG_STREAM_NAME",
                                          "AWS_ACCESS_KEY",
                                          "AWS_ACCESS_KEY_ID",
                                          "AWS_SECRET_ACCESS_KEY",
                                          "AWS_SESSION_TOKEN",
                                          "AWS_LAMBDA_RUNTIME_API",
                                          "LAMBDA_TASK_ROOT",
                                          "LAMBDA_RUNTIME_DIR"};

template <size_t N>
bool IsOneOf(const std::string_view (&list)[N], std::string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

Result<> CheckRuntime(const std::string& runtime) {
  if (IsOneOf(kRunning, runtime)) return {};
  if (IsOneOf(kNotHere, runtime))
    return InvalidValue("The runtime " + runtime +
                        " is not supported by stepmill: functions run on python3.*, nodejs*, "
                        "provided.al2, provided.al2023, or from a container image");
  if (IsOneOf(kGone, runtime))
    return InvalidValue("The runtime parameter of " + runtime +
                        " is no longer supported for creating or updating AWS Lambda functions. We "
                        "recommend you use a supported runtime while creating or updating "
                        "functions.");
  std::string names;
  for (const std::string_view name : kRunning)
    names += (names.empty() ? "" : ", ") + std::string(name);
  return InvalidValue("Value " + runtime +
                      " at 'runtime' failed to satisfy constraint: Member must satisfy enum value "
                      "set: [" +
                      names + "] or be a valid ARN");
}

Result<> CheckVariables(const Json& variables) {
  size_t bytes = 0;
  std::string reserved;
  for (const auto& variable : MembersOf(variables)) {
    bytes += variable.name.size() + variable.value.AsString().size();
    if (IsOneOf(kReserved, variable.name))
      reserved += (reserved.empty() ? "" : ", ") + variable.name;
  }
  if (!reserved.empty())
    return InvalidValue(
        "Lambda was unable to configure your environment variables because the environment "
        "variables you have provided contains reserved keys that are currently not supported for "
        "modification. Reserved keys used in this request: " +
        reserved);
  if (bytes > kEnvironmentBytesMax)
    return InvalidValue(
        "Lambda was unable to configure your environment variables because the environment "
        "variables you have provided exceeded the 4KB limit. String measured: " +
        variables.Print());
  return {};
}

Result<> CheckDeadLetters(const Json& config) {
  const std::string arn = config.StringOr("TargetArn", "");
  if (arn.empty() || arn.starts_with("arn:aws:sqs:") || arn.starts_with("arn:aws:sns:")) return {};
  return Constraint(arn, "deadLetterConfig.targetArn",
                    "Member must satisfy regular expression pattern: "
                    "(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()");
}

Json Defaulted(const Json& input, const char* name, Json otherwise) {
  const Json* given = input.Find(name);
  return given ? *given : std::move(otherwise);
}

}  // namespace

RuntimeKind KindOfRuntime(const Json& config) {
  if (config.StringOr("PackageType", "Zip") == "Image") return RuntimeKind::kImage;
  const std::string runtime = config.StringOr("Runtime", "");
  if (runtime.starts_with("python")) return RuntimeKind::kPython;
  if (runtime.starts_with("nodejs")) return RuntimeKind::kNode;
  return RuntimeKind::kProvided;
}

Result<> CheckConfiguration(const Json& input) {
  if (input.Has("Runtime")) MILL_CHECK(CheckRuntime(input.StringOr("Runtime", "")));
  const int64_t timeout = input.IntOr("Timeout", 3);
  if (timeout > kTimeoutSecondsMax)
    return Constraint(std::to_string(timeout), "timeout",
                      "Member must have value less than or equal to 900");
  const int64_t memory = input.IntOr("MemorySize", 128);
  if (memory > kMemoryMibMax)
    return Constraint(std::to_string(memory), "memorySize",
                      "Member must have value less than or equal to 10240");
  MILL_CHECK(CheckVariables(input["Environment"]["Variables"]));
  MILL_CHECK(CheckDeadLetters(input["DeadLetterConfig"]));
  if (input["LoggingConfig"].StringOr("LogFormat", "Text") != "Text")
    return NotBuilt("LogFormat JSON");
  if (input["SnapStart"].StringOr("ApplyOn", "None") != "None") return NotBuilt("SnapStart");
  for (const Json& architecture : ItemsOf(input["Architectures"]))
    if (architecture != Json("x86_64")) return NotBuilt("Architecture " + architecture.AsString());
  return {};
}

Result<> CheckCreation(const Json& input) {
  const bool is_image = input.StringOr("PackageType", "Zip") == "Image";
  const bool has_names = input.Has("Runtime") && input.Has("Handler");
  if (!is_image && !has_names)
    return InvalidValue(
        "Runtime and Handler are mandatory parameters for functions created with deployment "
        "packages.");
  if (is_image && (input.Has("Runtime") || input.Has("Handler")))
    return InvalidValue(
        "Please don't provide Handler or Runtime or Layer when the intended function PackageType "
        "is Image.");
  if (!is_image && input.Has("ImageConfig"))
    return InvalidValue(
        "Please don't provide ImageConfig when the intended function PackageType is Zip.");
  return {};
}

Json NewConfiguration(const Json& input, const std::string& name, const std::string& account,
                      const std::string& region) {
  const bool is_image = input.StringOr("PackageType", "Zip") == "Image";
  Json::Object config{{"FunctionName", name}, {"FunctionArn", FunctionArn(account, region, name)}};
  for (const char* member : {"Runtime", "Role", "Handler"})
    config.SetIf(member, input.Find(member));
  config.Set("Description", input.StringOr("Description", ""));
  config.Set("Timeout", input.IntOr("Timeout", 3));
  config.Set("MemorySize", input.IntOr("MemorySize", 128));
  config.Set("Version", kLatest);
  config.SetIf("DeadLetterConfig", input.Find("DeadLetterConfig"));
  if (input["Environment"].Has("Variables")) config.Set("Environment", input["Environment"]);
  config.Set("TracingConfig",
             Json::Object{{"Mode", input["TracingConfig"].StringOr("Mode", "PassThrough")}});
  config.Set("PackageType", is_image ? "Image" : "Zip");
  if (input.Has("ImageConfig"))
    config.Set("ImageConfigResponse", Json::Object{{"ImageConfig", input["ImageConfig"]}});
  config.Set("Architectures", Json::Array{"x86_64"});
  config.Set("EphemeralStorage", Defaulted(input, "EphemeralStorage", Json::Object{{"Size", 512}}));
  config.Set("SnapStart", Json::Object{{"ApplyOn", "None"}, {"OptimizationStatus", "Off"}});
  if (!is_image) {
    const std::string runtime = Hex(Sha256(input.StringOr("Runtime", "")));
    config.Set(
        "RuntimeVersionConfig",
        Json::Object{{"RuntimeVersionArn", "arn:aws:lambda:" + region + "::runtime:" + runtime}});
  }
  config.Set("LoggingConfig", Json::Object{{"LogFormat", "Text"},
                                           {"LogGroup", input["LoggingConfig"].StringOr(
                                                            "LogGroup", "/aws/lambda/" + name)}});
  return config;
}

Json ChangedConfiguration(const Json& config, const Json& input) {
  Json out = config;
  for (const char* member : {"Runtime", "Role", "Handler", "Description", "Timeout", "MemorySize",
                             "TracingConfig", "EphemeralStorage", "DeadLetterConfig"})
    if (const Json* given = input.Find(member)) out = out.With(member, *given);
  if (out["DeadLetterConfig"].StringOr("TargetArn", "").empty())
    out = out.Without("DeadLetterConfig");
  if (input.Has("Environment")) {
    const bool is_empty = input["Environment"]["Variables"].size() == 0;
    out = is_empty ? out.Without("Environment") : out.With("Environment", input["Environment"]);
  }
  if (input.Has("ImageConfig"))
    out = out.With("ImageConfigResponse", Json::Object{{"ImageConfig", input["ImageConfig"]}});
  if (input["LoggingConfig"].Has("LogGroup"))
    out = out.With("LoggingConfig",
                   out["LoggingConfig"].With("LogGroup", input["LoggingConfig"]["LogGroup"]));
  return out;
}

bool IsSameVersion(const Json& latest, const Json& published) {
  Json a = latest, b = published;
  for (const char* member : {"FunctionArn", "Version", "LastModified", "RevisionId", "Description",
                             "State", "StateReason", "StateReasonCode", "LastUpdateStatus",
                             "LastUpdateStatusReason", "LastUpdateStatusReasonCode"}) {
    a = a.Without(member);
    b = b.Without(member);
  }
  return a == b;
}

}  // namespace stepmill::lambda
