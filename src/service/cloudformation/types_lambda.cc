// AWS::Lambda::Function, Version, Alias, Permission, LayerVersion, EventInvokeConfig
#include "base/strings.h"
#include "lang/template/resolve.h"
#include "service/cloudformation/inline_zip.h"
#include "service/cloudformation/types.h"

namespace stepmill::cloudformation {
namespace {

constexpr size_t kNameCharactersMax = 64;

std::string Arn(const ResourceContext& context, const std::string& name) {
  if (name.starts_with("arn:")) return name;
  return "arn:aws:lambda:" + context.region + ":" + context.account + ":function:" + name;
}
std::string Text(const Json& properties, const char* name) {
  return cfn::ScalarText(properties[name]).value_or("");
}
ApiCall LambdaCall(const char* operation, Json::Object input,
                   std::vector<std::string> tolerated = {}) {
  return ApiCall{"lambda", operation, Json(std::move(input)), std::move(tolerated)};
}
const std::vector<std::string> kGone{"ResourceNotFoundException"};

// ---- AWS::Lambda::Function

std::string FunctionName(const ResourceContext& context, const std::string& suffix) {
  return NameOr(context, "FunctionName", suffix, kNameCharactersMax);
}

/// AWS::Lambda::Function Code, ZipFile: source text, which becomes the file "index".
Json CodeInput(const ResourceContext& context) {
  const Json& code = context.properties["Code"];
  const auto source = cfn::ScalarText(code["ZipFile"]);
  if (!source) return code;
  const bool is_node = Text(context.properties, "Runtime").starts_with("nodejs");
  return code.With("ZipFile", Base64(InlineZip(is_node ? "index.js" : "index.py", *source)));
}

/// Values of variables are texts, whatever a template writes.
Json EnvironmentInput(const Json& environment) {
  Json::Object variables;
  const Json& given = environment["Variables"];
  if (given.is_object())
    for (const Json::Member& variable : given.members())
      variables.Set(variable.name,
                    cfn::ScalarText(variable.value).value_or(variable.value.Print()));
  return Json::Object{{"Variables", std::move(variables)}};
}

Json ConfigurationInput(const ResourceContext& context) {
  Json::Object input{{"FunctionName", context.physical_id}};
  for (const char* name :
       {"Runtime", "Role", "Handler", "Description", "Timeout", "MemorySize", "DeadLetterConfig",
        "TracingConfig", "Layers", "EphemeralStorage", "LoggingConfig", "ImageConfig", "SnapStart"})
    input.SetIf(name, context.properties.Find(name));
  const bool has_now = context.properties.Has("Environment");
  if (has_now || context.old_properties["Environment"].is_object())
    input.Set("Environment", EnvironmentInput(context.properties["Environment"]));
  return Json(std::move(input));
}

std::optional<ApiCall> ConcurrencyCall(const ResourceContext& context) {
  const Json& now = context.properties["ReservedConcurrentExecutions"];
  if (now == context.old_properties["ReservedConcurrentExecutions"]) return std::nullopt;
  const Json name = context.physical_id;
  if (now.is_null()) return LambdaCall("DeleteFunctionConcurrency", {{"FunctionName", name}});
  return LambdaCall("PutFunctionConcurrency",
                    {{"FunctionName", name}, {"ReservedConcurrentExecutions", now}});
}

Result<std::optional<ApiCall>> CreateFunction(const ResourceContext& context,
                                              const Json::Array& answers) {
  Json input = ConfigurationInput(context).With("Code", CodeInput(context));
  for (const char* name : {"PackageType", "Architectures"})
    if (const Json* given = context.properties.Find(name)) input = input.With(name, *given);
  const Json tags = TagMap(context);
  if (tags.size() > 0) input = input.With("Tags", tags);
  std::vector<ApiCall> calls{{"lambda", "CreateFunction", input}};
  if (auto call = ConcurrencyCall(context)) calls.push_back(*std::move(call));
  return CallAt(calls, answers);
}

/// The next of `calls`, each once the one before has taken effect: between two of them it is asked
/// how the function stands.
Result<std::optional<ApiCall>> CallWhenIdle(const ResourceContext& context,
                                            const std::vector<ApiCall>& calls,
                                            const Json::Array& answers) {
  constexpr size_t kLooksMax = 2000;
  size_t done = 0;
  bool is_idle = true;
  for (const Json& answer : answers) {
    const bool is_look = !is_idle;
    if (!is_look) ++done;
    is_idle = is_look && answer.StringOr("LastUpdateStatus", "Successful") != "InProgress" &&
              answer.StringOr("State", "Active") != "Pending";
  }
  if (answers.size() > kLooksMax)
    return Error{Code::kTimeout, "NotStabilized", "The function's update does not end."};
  if (is_idle && done >= calls.size()) return std::optional<ApiCall>();
  if (is_idle) return std::optional<ApiCall>(calls[done]);
  return std::optional<ApiCall>(
      LambdaCall("GetFunctionConfiguration", {{"FunctionName", context.physical_id}}));
}

Result<std::optional<ApiCall>> UpdateFunction(const ResourceContext& context,
                                              const Json::Array& answers) {
  std::vector<ApiCall> calls;
  const Json& old = context.old_properties;
  if (context.properties["Code"] != old["Code"]) {
    const Json code = CodeInput(context);
    Json::Object input{{"FunctionName", context.physical_id}};
    for (const Json::Member& member : code.members()) input.Set(member.name, member.value);
    calls.push_back({"lambda", "UpdateFunctionCode", Json(std::move(input))});
  }
  ResourceContext before = context;
  before.properties = old;
  if (ConfigurationInput(context) != ConfigurationInput(before))
    calls.push_back({"lambda", "UpdateFunctionConfiguration", ConfigurationInput(context)});
  if (auto call = ConcurrencyCall(context)) calls.push_back(*std::move(call));
  const Json subject(Json::Object{{"Resource", Arn(context, context.physical_id)}});
  Retag(context, {"lambda", "TagResource", "UntagResource", subject, "Tags", "TagKeys", "", ""},
        calls);
  return CallWhenIdle(context, calls, answers);
}

Result<std::optional<ApiCall>> RemoveFunction(const ResourceContext& context,
                                              const Json::Array& answers) {
  return CallAt({LambdaCall("DeleteFunction", {{"FunctionName", context.physical_id}}, kGone)},
                answers);
}

Json FunctionAttributes(const ResourceContext& context, const Json::Array& /*answers*/) {
  return Json::Object{{"Ref", context.physical_id}, {"Arn", Arn(context, context.physical_id)}};
}

// ---- AWS::Lambda::Version: the service gives it its number

std::string VersionId(const ResourceContext& context, const std::string& suffix) {
  return GeneratedName(context, suffix, kNameCharactersMax);
}

Result<std::optional<ApiCall>> CreateVersion(const ResourceContext& context,
                                             const Json::Array& answers) {
  Json::Object input{{"FunctionName", context.properties["FunctionName"]}};
  for (const char* name : {"Description", "CodeSha256"})
    input.SetIf(name, context.properties.Find(name));
  // What was just made or changed must have taken effect.
  const Json look = Json::Object{{"FunctionName", context.properties["FunctionName"]}};
  const bool is_idle = !answers.empty() &&
                       answers.back().StringOr("LastUpdateStatus", "") != "InProgress" &&
                       answers.back().StringOr("State", "") != "Pending";
  if (!is_idle) return std::optional<ApiCall>(ApiCall{"lambda", "GetFunctionConfiguration", look});
  if (answers.back().StringOr("Version", "$LATEST") != "$LATEST") return std::optional<ApiCall>();
  return std::optional<ApiCall>(LambdaCall("PublishVersion", std::move(input)));
}

Result<std::optional<ApiCall>> NothingToDo(const ResourceContext&, const Json::Array&) {
  return std::optional<ApiCall>();
}

Result<std::optional<ApiCall>> RemoveVersion(const ResourceContext& context,
                                             const Json::Array& answers) {
  if (!context.physical_id.starts_with("arn:")) return std::optional<ApiCall>();
  return CallAt({LambdaCall("DeleteFunction", {{"FunctionName", context.physical_id}}, kGone)},
                answers);
}

Json VersionAttributes(const ResourceContext& context, const Json::Array& answers) {
  std::string arn = context.physical_id;
  for (const Json& answer : answers)
    if (answer.StringOr("Version", "$LATEST") != "$LATEST")
      arn = answer.StringOr("FunctionArn", arn);
  return Json::Object{{"Ref", arn},
                      {"PhysicalId", arn},
                      {"FunctionArn", arn},
                      {"Version", arn.substr(arn.rfind(':') + 1)}};
}

// ---- AWS::Lambda::Alias

std::string AliasId(const ResourceContext& context, const std::string& /*suffix*/) {
  const std::string function = Text(context.properties, "FunctionName");
  return Arn(context, function) + ":" + Text(context.properties, "Name");
}

Json AliasInput(const ResourceContext& context) {
  const Json& properties = context.properties;
  Json::Object input{{"FunctionName", properties["FunctionName"]}, {"Name", properties["Name"]}};
  input.Set("FunctionVersion", Text(properties, "FunctionVersion"));
  input.SetIf("Description", properties.Find("Description"));
  const Json& routing = properties["RoutingConfig"]["AdditionalVersionWeights"];
  Json::Object weights;
  if (routing.is_array())
    for (const Json& weight : routing.items())
      weights.Set(Text(weight, "FunctionVersion"), weight["FunctionWeight"]);
  if (!weights.members.empty() || context.old_properties["RoutingConfig"].is_object())
    input.Set("RoutingConfig", Json::Object{{"AdditionalVersionWeights", std::move(weights)}});
  return Json(std::move(input));
}

Result<std::optional<ApiCall>> CreateAlias(const ResourceContext& context,
                                           const Json::Array& answers) {
  return CallAt({ApiCall{"lambda", "CreateAlias", AliasInput(context)}}, answers);
}
Result<std::optional<ApiCall>> UpdateAlias(const ResourceContext& context,
                                           const Json::Array& answers) {
  return CallAt({ApiCall{"lambda", "UpdateAlias", AliasInput(context)}}, answers);
}
Result<std::optional<ApiCall>> RemoveAlias(const ResourceContext& context,
                                           const Json::Array& answers) {
  const Json& old = context.old_properties;
  return CallAt({LambdaCall("DeleteAlias",
                            {{"FunctionName", old["FunctionName"]}, {"Name", old["Name"]}}, kGone)},
                answers);
}
Json AliasAttributes(const ResourceContext& context, const Json::Array& /*answers*/) {
  return Json::Object{{"Ref", context.physical_id}, {"AliasArn", context.physical_id}};
}

// ---- AWS::Lambda::Permission

std::string PermissionId(const ResourceContext& context, const std::string& suffix) {
  return GeneratedName(context, suffix, 100);
}

Result<std::optional<ApiCall>> CreatePermission(const ResourceContext& context,
                                                const Json::Array& answers) {
  Json::Object input{{"StatementId", context.physical_id}};
  for (const char* name : {"FunctionName", "Action", "Principal", "SourceArn", "SourceAccount",
                           "EventSourceToken", "PrincipalOrgID"})
    if (const auto text = cfn::ScalarText(context.properties[name])) input.Set(name, *text);
  return CallAt({ApiCall{"lambda", "AddPermission", Json(std::move(input))}}, answers);
}
Result<std::optional<ApiCall>> RemovePermission(const ResourceContext& context,
                                                const Json::Array& answers) {
  return CallAt({LambdaCall("RemovePermission",
                            {{"FunctionName", context.old_properties["FunctionName"]},
                             {"StatementId", context.physical_id}},
                            kGone)},
                answers);
}
Json PermissionAttributes(const ResourceContext& context, const Json::Array& /*answers*/) {
  return Json::Object{{"Ref", context.physical_id}, {"Id", context.physical_id}};
}

// ---- AWS::Lambda::LayerVersion

std::string LayerId(const ResourceContext& context, const std::string& suffix) {
  return NameOr(context, "LayerName", suffix, 140);
}
Result<std::optional<ApiCall>> CreateLayer(const ResourceContext& context,
                                           const Json::Array& answers) {
  Json input = context.properties;
  if (!input.Has("LayerName")) input = input.With("LayerName", context.physical_id);
  return CallAt({ApiCall{"lambda", "PublishLayerVersion", input}}, answers);
}
Result<std::optional<ApiCall>> RemoveLayer(const ResourceContext& context,
                                           const Json::Array& answers) {
  const size_t colon = context.physical_id.rfind(':');
  if (colon == std::string::npos) return std::optional<ApiCall>();
  const int64_t version = ParseInt(context.physical_id.substr(colon + 1)).value_or(0);
  return CallAt(
      {LambdaCall("DeleteLayerVersion",
                  {{"LayerName", context.physical_id.substr(0, colon)}, {"VersionNumber", version}},
                  kGone)},
      answers);
}
Json LayerAttributes(const ResourceContext& context, const Json::Array& answers) {
  std::string arn = context.physical_id;
  for (const Json& answer : answers) arn = answer.StringOr("LayerVersionArn", arn);
  return Json::Object{{"Ref", arn}, {"PhysicalId", arn}, {"LayerVersionArn", arn}};
}

// ---- AWS::Lambda::EventInvokeConfig

std::string EventConfigId(const ResourceContext& context, const std::string& suffix) {
  return GeneratedName(context, suffix, 100);
}
Json EventConfigSubject(const Json& properties) {
  return Json::Object{{"FunctionName", properties["FunctionName"]},
                      {"Qualifier", properties["Qualifier"]}};
}
Result<std::optional<ApiCall>> PutEventConfig(const ResourceContext& context,
                                              const Json::Array& answers) {
  Json input = EventConfigSubject(context.properties);
  for (const char* name : {"DestinationConfig", "MaximumEventAgeInSeconds", "MaximumRetryAttempts"})
    if (const Json* given = context.properties.Find(name)) input = input.With(name, *given);
  return CallAt({ApiCall{"lambda", "PutFunctionEventInvokeConfig", input}}, answers);
}
Result<std::optional<ApiCall>> RemoveEventConfig(const ResourceContext& context,
                                                 const Json::Array& answers) {
  const Json subject = EventConfigSubject(context.old_properties);
  return CallAt({ApiCall{"lambda", "DeleteFunctionEventInvokeConfig", subject, kGone}}, answers);
}
Json EventConfigAttributes(const ResourceContext& context, const Json::Array& /*answers*/) {
  return Json::Object{{"Ref", context.physical_id}};
}

}  // namespace

constexpr ResourceType kFunctionType{
    .name = "AWS::Lambda::Function",
    .properties =
        "Architectures,Code,DeadLetterConfig,Description,Environment,EphemeralStorage,FunctionName,"
        "Handler,ImageConfig,Layers,LoggingConfig,MemorySize,PackageType,"
        "ReservedConcurrentExecutions,Role,Runtime,SnapStart,Tags,Timeout,TracingConfig",
    .unbuilt =
        "CapacityProviderConfig,CodeSigningConfigArn,DurableConfig,FileSystemConfigs,"
        "FunctionScalingConfig,KmsKeyArn,PublishToLatestPublished,RecursiveLoop,"
        "RuntimeManagementConfig,SnapStartResponse,TenancyConfig,VpcConfig",
    .required = "Code,Role",
    .replaced_by = "FunctionName,PackageType",
    .numbers = "Timeout,MemorySize,Size,ReservedConcurrentExecutions",
    .booleans = "",
    .physical_id = FunctionName,
    .create = CreateFunction,
    .update = UpdateFunction,
    .remove = RemoveFunction,
    .attributes = FunctionAttributes,
};
constexpr ResourceType kFunctionVersionType{
    .name = "AWS::Lambda::Version",
    .properties = "CodeSha256,Description,FunctionName",
    .unbuilt = "FunctionScalingConfig,ProvisionedConcurrencyConfig,RuntimePolicy",
    .required = "FunctionName",
    .replaced_by = "CodeSha256,Description,FunctionName",
    .numbers = "",
    .booleans = "",
    .physical_id = VersionId,
    .create = CreateVersion,
    .update = NothingToDo,
    .remove = RemoveVersion,
    .attributes = VersionAttributes,
};
constexpr ResourceType kFunctionAliasType{
    .name = "AWS::Lambda::Alias",
    .properties = "Description,FunctionName,FunctionVersion,Name,RoutingConfig",
    .unbuilt = "ProvisionedConcurrencyConfig",
    .required = "FunctionName,FunctionVersion,Name",
    .replaced_by = "FunctionName,Name",
    .numbers = "FunctionWeight",
    .booleans = "",
    .physical_id = AliasId,
    .create = CreateAlias,
    .update = UpdateAlias,
    .remove = RemoveAlias,
    .attributes = AliasAttributes,
};
constexpr ResourceType kFunctionPermissionType{
    .name = "AWS::Lambda::Permission",
    .properties =
        "Action,EventSourceToken,FunctionName,Principal,PrincipalOrgID,SourceAccount,SourceArn",
    .unbuilt = "FunctionUrlAuthType,InvokedViaFunctionUrl",
    .required = "Action,FunctionName,Principal",
    .replaced_by =
        "Action,EventSourceToken,FunctionName,Principal,PrincipalOrgID,SourceAccount,SourceArn",
    .numbers = "",
    .booleans = "",
    .physical_id = PermissionId,
    .create = CreatePermission,
    .update = NothingToDo,
    .remove = RemovePermission,
    .attributes = PermissionAttributes,
};
constexpr ResourceType kLayerVersionType{
    .name = "AWS::Lambda::LayerVersion",
    .properties =
        "CompatibleArchitectures,CompatibleRuntimes,Content,Description,LayerName,LicenseInfo",
    .unbuilt = "",
    .required = "Content",
    .replaced_by =
        "CompatibleArchitectures,CompatibleRuntimes,Content,Description,LayerName,LicenseInfo",
    .numbers = "",
    .booleans = "",
    .physical_id = LayerId,
    .create = CreateLayer,
    .update = NothingToDo,
    .remove = RemoveLayer,
    .attributes = LayerAttributes,
};
constexpr ResourceType kEventInvokeConfigType{
    .name = "AWS::Lambda::EventInvokeConfig",
    .properties =
        "DestinationConfig,FunctionName,MaximumEventAgeInSeconds,MaximumRetryAttempts,Qualifier",
    .unbuilt = "",
    .required = "FunctionName,Qualifier",
    .replaced_by = "FunctionName,Qualifier",
    .numbers = "MaximumEventAgeInSeconds,MaximumRetryAttempts",
    .booleans = "",
    .physical_id = EventConfigId,
    .create = PutEventConfig,
    .update = PutEventConfig,
    .remove = RemoveEventConfig,
    .attributes = EventConfigAttributes,
};

}  // namespace stepmill::cloudformation
