// AWS::Serverless::Function and AWS::Serverless::SimpleTable, as far as templates around state
// machines use them.
#include <algorithm>

#include "lang/template/managed_policies.h"
#include "lang/template/sam_parts.h"

namespace stepmill::cfn {
namespace {

constexpr std::string_view kSamTag = "lambda:createdBy";

constexpr PropertyRule kRules[] = {
    {"FunctionName", PropertyKind::kStringOrMap},
    {"Handler"},
    {"Runtime"},
    {"CodeUri"},
    {"ImageUri"},
    {"PackageType"},
    {"InlineCode"},
    {"DeadLetterQueue", PropertyKind::kMap},
    {"Description"},
    {"MemorySize"},
    {"Timeout"},
    {"VpcConfig"},
    {"Role", PropertyKind::kString},
    {"AssumeRolePolicyDocument", PropertyKind::kMap},
    {"Policies", PropertyKind::kPolicies},
    {"RolePath"},
    {"PermissionsBoundary", PropertyKind::kString},
    {"Environment", PropertyKind::kMapOfMaps},
    {"Events", PropertyKind::kMapOfMaps},
    {"Tags", PropertyKind::kMap},
    {"PropagateTags", PropertyKind::kBool},
    {"Tracing", PropertyKind::kStringOrMap},
    {"KmsKeyArn"},
    {"ReservedConcurrentExecutions"},
    {"Layers", PropertyKind::kListOfStringOrMap},
    {"EphemeralStorage"},
    {"FileSystemConfigs"},
    {"ImageConfig"},
    {"CodeSigningConfigArn"},
    {"Architectures"},
    {"SnapStart", PropertyKind::kMap},
    {"RuntimeManagementConfig"},
    {"LoggingConfig"},
    {"RecursiveLoop"},
    {"SourceKMSKeyArn"},
    {"TenancyConfig"},
};

/// Properties of SAM that stand for further resources, which are not made here.
constexpr std::string_view kRefused[] = {
    "DeploymentPreference",         "EventInvokeConfig",  "AutoPublishAlias",
    "AutoPublishCodeSha256",        "VersionDescription", "AutoPublishAliasAllProperties",
    "ProvisionedConcurrencyConfig", "FunctionUrlConfig",  "CapacityProviderConfig",
    "FunctionScalingConfig",        "DurableConfig",      "VersionDeletionPolicy",
    "PublishToLatestPublished",
};

constexpr const char* kCopied[] = {
    "Handler",
    "Runtime",
    "Description",
    "MemorySize",
    "Timeout",
    "VpcConfig",
    "Environment",
    "KmsKeyArn",
    "Layers",
    "FileSystemConfigs",
    "ImageConfig",
    "PackageType",
    "Architectures",
    "SnapStart",
    "EphemeralStorage",
    "CodeSigningConfigArn",
    "LoggingConfig",
    "TenancyConfig",
    "RecursiveLoop",
    "RuntimeManagementConfig",
    "ReservedConcurrentExecutions",
};

Result<Json> CodeOf(const SamResource& resource) {
  const Json& properties = resource.properties;
  const std::string package =
      IsTruthy(properties["PackageType"]) ? properties.StringOr("PackageType", "?") : "Zip";
  Json::Object code;
  if (package == "Image") {
    if (!IsTruthy(properties["ImageUri"])) {
      return InvalidResource(resource.id, "'ImageUri' must be set.");
    }
    return Json(Json::Object{{"ImageUri", properties["ImageUri"]}});
  }
  if (package != "Zip") {
    return InvalidResource(resource.id, "invalid 'PackageType' : " + package);
  }
  const Json& uri = properties["CodeUri"];
  if (!properties["InlineCode"].is_null()) {
    code.Set("ZipFile", properties["InlineCode"]);
  } else if (uri.is_null()) {
    return InvalidResource(resource.id, "Only one of 'InlineCode' or 'CodeUri' can be set.");
  } else if (uri.is_object()) {
    if (!IsTruthy(uri["Bucket"]) || !IsTruthy(uri["Key"])) {
      return InvalidResource(resource.id,
                             "'CodeUri' requires Bucket and Key properties to be specified.");
    }
    code = Json::Object{{"S3Bucket", uri["Bucket"]}, {"S3Key", uri["Key"]}};
    if (uri.Has("Version")) code.Set("S3ObjectVersion", uri["Version"]);
  } else if (!uri.is_string()) {
    return InvalidResource(resource.id, "'CodeUri' must be of type dict or string.");
  } else {
    const Json place = ParseS3Uri(uri);
    if (place.is_null()) {
      return InvalidResource(resource.id,
                             "'CodeUri' is not a valid S3 Uri of the form 's3://bucket/key' with "
                             "optional versionId query parameter.");
    }
    code = Json::Object{{"S3Bucket", place["Bucket"]}, {"S3Key", place["Key"]}};
    if (place.Has("Version")) code.Set("S3ObjectVersion", place["Version"]);
  }
  if (IsTruthy(properties["SourceKMSKeyArn"])) {
    code.Set("SourceKMSKeyArn", properties["SourceKMSKeyArn"]);
  }
  return Json(std::move(code));
}

Result<> CheckPackage(const SamResource& resource) {
  const Json& properties = resource.properties;
  if (properties.StringOr("PackageType", "Zip") == "Image") {
    for (const char* name : {"Handler", "Runtime", "Layers"}) {
      if (!IsTruthy(properties[name])) continue;
      return InvalidResource(
          resource.id,
          "Runtime, Handler, Layers cannot be present when PackageType is of type `Image`");
    }
    return {};
  }
  if (!IsTruthy(properties["Runtime"]) || !IsTruthy(properties["Handler"])) {
    return InvalidResource(
        resource.id, "Runtime and Handler needs to be present when PackageType is of type `Zip`");
  }
  if (IsTruthy(properties["ImageConfig"])) {
    return InvalidResource(
        resource.id, "ImageUri or ImageConfig cannot be present when PackageType is of type `Zip`");
  }
  return {};
}

Result<> CheckDeadLetterQueue(const SamResource& resource) {
  const Json& queue = resource.properties["DeadLetterQueue"];
  if (!IsTruthy(queue)) return {};
  if (!IsTruthy(queue["Type"]) || !IsTruthy(queue["TargetArn"])) {
    return InvalidResource(
        resource.id, "'DeadLetterQueue' requires Type and TargetArn properties to be specified.");
  }
  const std::string type = queue.StringOr("Type", "");
  if (type == "SQS" || type == "SNS") return {};
  return InvalidResource(resource.id, "'DeadLetterQueue' requires Type of ['SQS', 'SNS']");
}

bool IsTraced(const SamResource& resource) {
  Json tracing = resource.properties["Tracing"];
  if (!IsTruthy(tracing)) return false;
  if (IsFunction(tracing, "Ref") && tracing["Ref"].is_string()) {
    const Json* value = resource.options->parameters.Find(tracing["Ref"].AsString());
    if (value) tracing = *value;
  }
  return !(tracing.is_string() && tracing.AsString() == "Disabled");
}

Result<CfnResource> RoleOf(const SamResource& resource) {
  const Json& properties = resource.properties;
  const std::string& partition = resource.options->partition;
  RoleRequest request;
  request.resource_id = resource.id;
  request.attributes = InheritedAttributes(resource.attributes);
  request.trust = properties["AssumeRolePolicyDocument"].is_null()
                      ? TrustPolicy("lambda.amazonaws.com")
                      : properties["AssumeRolePolicyDocument"];
  request.managed_arns.push_back(ManagedPolicyArn(partition, "AWSLambdaBasicExecutionRole"));
  if (IsTraced(resource)) {
    request.managed_arns.push_back(ManagedPolicyArn(
        partition, partition == "aws" ? "AWSXrayWriteOnlyAccess" : "AWSXRayDaemonWriteAccess"));
  }
  if (IsTruthy(properties["VpcConfig"])) {
    request.managed_arns.push_back(ManagedPolicyArn(partition, "AWSLambdaVPCAccessExecutionRole"));
  }
  const Json& queue = properties["DeadLetterQueue"];
  if (IsTruthy(queue)) {
    const std::string action =
        queue.StringOr("Type", "") == "SQS" ? "sqs:SendMessage" : "sns:Publish";
    const Json statement(
        Json::Object{{"Action", action}, {"Resource", queue["TargetArn"]}, {"Effect", "Allow"}});
    const Json document(
        Json::Object{{"Version", "2012-10-17"}, {"Statement", Json(Json::Array{statement})}});
    request.documents.push_back(
        Json::Object{{"PolicyName", "DeadLetterQueuePolicy"}, {"PolicyDocument", document}});
  }
  request.policies =
      IsTruthy(properties["Policies"]) ? properties["Policies"] : Json(Json::Array{});
  request.path = properties["RolePath"];
  request.permissions_boundary = properties["PermissionsBoundary"];
  request.tags = TagList(std::string(kSamTag), properties["Tags"]);
  return MakeRole(std::move(request), *resource.options);
}

}  // namespace

Result<CfnResources> TranslateFunction(const SamResource& resource) {
  const Json& properties = resource.properties;
  for (const std::string_view name : kRefused) {
    if (properties.Has(name)) {
      return InvalidResource(resource.id, "The property '" + std::string(name) +
                                              "' of a function cannot be translated here.");
    }
  }
  MILL_CHECK(CheckProperties(resource.id, "AWS::Serverless::Function", properties, kRules,
                             std::size(kRules)));
  const Json& events = properties["Events"];
  if (IsTruthy(events)) {
    for (const Json::Member& event : events.members()) {
      MILL_CHECK(CheckEvent(resource.id, event.name, event.value, true));
    }
  }
  MILL_CHECK(CheckDeadLetterQueue(resource));
  CfnResource function{
      resource.id, "AWS::Lambda::Function", resource.depends_on, resource.attributes, {}};
  MILL_TRY(const Json code, CodeOf(resource));
  MILL_CHECK(CheckPackage(resource));
  function.properties.Set("Code", code);
  if (IsTruthy(properties["FunctionName"])) {
    function.properties.Set("FunctionName", properties["FunctionName"]);
  }
  for (const char* name : kCopied) function.properties.Set(name, properties[name]);
  function.properties.Set("Tags", TagList(std::string(kSamTag), properties["Tags"]));
  if (IsTraced(resource)) {
    function.properties.Set("TracingConfig", Json(Json::Object{{"Mode", properties["Tracing"]}}));
  }
  const Json& queue = properties["DeadLetterQueue"];
  if (IsTruthy(queue)) {
    function.properties.Set("DeadLetterConfig",
                            Json(Json::Object{{"TargetArn", queue["TargetArn"]}}));
  }
  CfnResources out;
  if (properties["Role"].is_null()) {
    MILL_TRY(CfnResource role, RoleOf(resource));
    function.properties.Set("Role", GetAtt(role.id, "Arn"));
    out.push_back(std::move(role));
  } else {
    function.properties.Set("Role", properties["Role"]);
  }
  out.insert(out.begin(), std::move(function));
  if (!IsTruthy(events)) return out;
  EventTarget target;
  target.arn = GetAtt(resource.id, "Arn");
  target.function_id = resource.id;
  target.attributes = InheritedAttributes(resource.attributes);
  for (const Json::Member& event : events.members()) {
    MILL_TRY(CfnResources made, TranslateEvent(resource.id, event.name, event.value, target));
    for (CfnResource& one : made) out.push_back(std::move(one));
  }
  return out;
}

Result<CfnResources> TranslateSimpleTable(const SamResource& resource) {
  static constexpr PropertyRule kTableRules[] = {
      {"PointInTimeRecoverySpecification"},
      {"PrimaryKey", PropertyKind::kMap},
      {"ProvisionedThroughput", PropertyKind::kMap},
      {"TableName", PropertyKind::kStringOrMap},
      {"Tags", PropertyKind::kMap},
      {"SSESpecification", PropertyKind::kMap},
  };
  const Json& properties = resource.properties;
  MILL_CHECK(CheckProperties(resource.id, "AWS::Serverless::SimpleTable", properties, kTableRules,
                             std::size(kTableRules)));
  Json name("id");
  std::string type = "S";
  const Json& key = properties["PrimaryKey"];
  if (IsTruthy(key)) {
    for (const char* member : {"Name", "Type"}) {
      if (key[member].is_null()) {
        return InvalidResource(resource.id,
                               "Property 'PrimaryKey." + std::string(member) + "' is required.");
      }
    }
    name = key["Name"];
    const std::string given = key.StringOr("Type", "");
    type = given == "String" ? "S" : given == "Number" ? "N" : given == "Binary" ? "B" : "";
    if (type.empty()) return InvalidResource(resource.id, "Invalid 'Type' \"" + given + "\".");
  }
  CfnResource table{
      resource.id, "AWS::DynamoDB::Table", resource.depends_on, resource.attributes, {}};
  const Json attribute(Json::Object{{"AttributeName", name}, {"AttributeType", type}});
  const Json schema(Json::Object{{"AttributeName", name}, {"KeyType", "HASH"}});
  table.properties.Set("AttributeDefinitions", Json(Json::Array{attribute}));
  table.properties.Set("KeySchema", Json(Json::Array{schema}));
  if (!IsTruthy(properties["ProvisionedThroughput"])) {
    table.properties.Set("BillingMode", "PAY_PER_REQUEST");
  }
  for (const char* member : {"PointInTimeRecoverySpecification", "ProvisionedThroughput",
                             "SSESpecification", "TableName"}) {
    if (IsTruthy(properties[member])) table.properties.Set(member, properties[member]);
  }
  if (IsTruthy(properties["Tags"])) table.properties.Set("Tags", TagList("", properties["Tags"]));
  return CfnResources{std::move(table)};
}

}  // namespace stepmill::cfn
