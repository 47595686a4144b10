// AWS::S3::Bucket, AWS::SSM::Parameter, AWS::Logs::LogGroup, AWS::ECR::Repository: a few calls
// each.
#include "base/strings.h"
#include "lang/template/resolve.h"
#include "service/cloudformation/types.h"

namespace stepmill::cloudformation {
namespace {

// ---- AWS::S3::Bucket

std::string BucketName(const ResourceContext& context, const std::string& suffix) {
  return ToLower(NameOr(context, "BucketName", suffix, 63));
}

/// The template's encryption as PutBucketEncryption takes it.
Json EncryptionOf(const Json& encryption) {
  Json::Array rules;
  const Json& given = encryption["ServerSideEncryptionConfiguration"];
  if (given.is_array()) {
    for (const Json& rule : given.items()) {
      Json out = rule.Without("ServerSideEncryptionByDefault");
      if (rule.Has("ServerSideEncryptionByDefault")) {
        out = out.With("ApplyServerSideEncryptionByDefault", rule["ServerSideEncryptionByDefault"]);
      }
      rules.push_back(out);
    }
  }
  return Json(Json::Object{{"Rules", Json(std::move(rules))}});
}

void ConfigureBucket(const ResourceContext& context, std::vector<ApiCall>& calls) {
  const Json& properties = context.properties;
  const Json name(context.physical_id);
  if (properties.Has("VersioningConfiguration")) {
    calls.push_back(
        {"s3", "PutBucketVersioning",
         Json(Json::Object{{"Bucket", name},
                           {"VersioningConfiguration", properties["VersioningConfiguration"]}})});
  }
  if (properties.Has("PublicAccessBlockConfiguration")) {
    calls.push_back({"s3", "PutPublicAccessBlock",
                     Json(Json::Object{{"Bucket", name},
                                       {"PublicAccessBlockConfiguration",
                                        properties["PublicAccessBlockConfiguration"]}})});
  }
  if (properties.Has("BucketEncryption")) {
    calls.push_back({"s3", "PutBucketEncryption",
                     Json(Json::Object{{"Bucket", name},
                                       {"ServerSideEncryptionConfiguration",
                                        EncryptionOf(properties["BucketEncryption"])}})});
  }
  if (properties.Has("OwnershipControls")) {
    calls.push_back({"s3", "PutBucketOwnershipControls",
                     Json(Json::Object{{"Bucket", name},
                                       {"OwnershipControls", properties["OwnershipControls"]}})});
  }
  const Json& bridge = properties["NotificationConfiguration"]["EventBridgeConfiguration"];
  if (!bridge.is_null()) {
    Json::Object notification;
    if (bridge.BoolOr("EventBridgeEnabled", true)) {
      notification.Set("EventBridgeConfiguration", Json(Json::Object{}));
    }
    calls.push_back(
        {"s3", "PutBucketNotificationConfiguration",
         Json(Json::Object{{"Bucket", name},
                           {"NotificationConfiguration", Json(std::move(notification))}})});
  }
  const Json tags = MergedTags(context, "Key", "Value");
  if (tags.size() == 0 && context.old_properties.Has("Tags")) {
    calls.push_back(
        {"s3", "DeleteBucketTagging", Json(Json::Object{{"Bucket", context.physical_id}})});
  }

  if (tags.size() > 0) {
    calls.push_back(
        {"s3", "PutBucketTagging",
         Json(Json::Object{{"Bucket", name}, {"Tagging", Json(Json::Object{{"TagSet", tags}})}})});
  }
}

Result<std::optional<ApiCall>> CreateBucket(const ResourceContext& context,
                                            const Json::Array& answers) {
  Json::Object input{{"Bucket", context.physical_id}};
  if (context.region != "us-east-1") {
    input.Set("CreateBucketConfiguration",
              Json(Json::Object{{"LocationConstraint", context.region}}));
  }
  std::vector<ApiCall> calls{{"s3", "CreateBucket", Json(std::move(input))}};
  ConfigureBucket(context, calls);
  return CallAt(calls, answers);
}
Result<std::optional<ApiCall>> UpdateBucket(const ResourceContext& context,
                                            const Json::Array& answers) {
  std::vector<ApiCall> calls;
  ConfigureBucket(context, calls);
  return CallAt(calls, answers);
}
Result<std::optional<ApiCall>> RemoveBucket(const ResourceContext& context,
                                            const Json::Array& answers) {
  const Json input(Json::Object{{"Bucket", context.physical_id}});
  return CallAt({ApiCall{"s3", "DeleteBucket", input, {"NoSuchBucket"}}}, answers);
}
Json BucketAttributes(const ResourceContext& context, const Json::Array& /*answers*/) {
  const std::string& name = context.physical_id;
  return Json(Json::Object{
      {"Ref", name},
      {"Arn", "arn:aws:s3:::" + name},
      {"DomainName", name + ".s3.amazonaws.com"},
      {"RegionalDomainName", name + ".s3." + context.region + ".amazonaws.com"},
      {"DualStackDomainName", name + ".s3.dualstack." + context.region + ".amazonaws.com"},
      {"WebsiteURL", "http://" + name + ".s3-website-" + context.region + ".amazonaws.com"}});
}

// ---- AWS::SSM::Parameter

std::string ParameterName(const ResourceContext& context, const std::string& suffix) {
  return NameOr(context, "Name", "CFN" + suffix, 1011);
}

std::optional<ApiCall> PutParameter(const ResourceContext& context, const Json::Array& answers,
                                    bool overwrites) {
  Json::Object input{{"Name", context.physical_id}, {"Overwrite", overwrites}};
  for (const char* name :
       {"Type", "Value", "Description", "AllowedPattern", "Tier", "DataType", "Policies"}) {
    if (!context.properties.Has(name)) continue;
    input.Set(name, cfn::ScalarText(context.properties[name]).value_or(""));
  }
  const Json tags = MergedTags(context, "Key", "Value");
  if (tags.size() > 0 && !overwrites) input.Set("Tags", tags);
  return CallAt({ApiCall{"ssm", "PutParameter", Json(std::move(input))}}, answers);
}
Result<std::optional<ApiCall>> CreateParameter(const ResourceContext& context,
                                               const Json::Array& answers) {
  return PutParameter(context, answers, false);
}
Result<std::optional<ApiCall>> UpdateParameter(const ResourceContext& context,
                                               const Json::Array& answers) {
  std::vector<ApiCall> calls{*PutParameter(context, {}, true)};
  const Json subject(
      Json::Object{{"ResourceType", "Parameter"}, {"ResourceId", context.physical_id}});
  Retag(context,
        {"ssm", "AddTagsToResource", "RemoveTagsFromResource", subject, "Tags", "TagKeys", "Key",
         "Value"},
        calls);
  return CallAt(calls, answers);
}
Result<std::optional<ApiCall>> RemoveParameter(const ResourceContext& context,
                                               const Json::Array& answers) {
  const Json input(Json::Object{{"Name", context.physical_id}});
  return CallAt({ApiCall{"ssm", "DeleteParameter", input, {"ParameterNotFound"}}}, answers);
}
Json ParameterAttributes(const ResourceContext& context, const Json::Array& /*answers*/) {
  return Json(Json::Object{{"Ref", context.physical_id},
                           {"Type", context.properties["Type"]},
                           {"Value", cfn::ScalarText(context.properties["Value"]).value_or("")}});
}

// ---- AWS::Logs::LogGroup

std::string GroupName(const ResourceContext& context, const std::string& suffix) {
  return NameOr(context, "LogGroupName", suffix, 512);
}
ApiCall GroupCall(const ResourceContext& context, const char* operation, Json::Object more,
                  std::vector<std::string> tolerated = {}) {
  Json::Object input{{"logGroupName", context.physical_id}};
  for (Json::Member& member : more.members) input.Set(member.name, member.value);
  return ApiCall{"logs", operation, Json(std::move(input)), std::move(tolerated)};
}
Result<std::optional<ApiCall>> CreateGroup(const ResourceContext& context,
                                           const Json::Array& answers) {
  Json::Object more;
  more.SetIf("kmsKeyId", context.properties.Find("KmsKeyId"));
  more.SetIf("logGroupClass", context.properties.Find("LogGroupClass"));
  const Json tags = TagMap(context);
  if (tags.size() > 0) more.Set("tags", tags);
  std::vector<ApiCall> calls{GroupCall(context, "CreateLogGroup", std::move(more))};
  if (context.properties.Has("RetentionInDays")) {
    calls.push_back(GroupCall(context, "PutRetentionPolicy",
                              {{"retentionInDays", context.properties["RetentionInDays"]}}));
  }
  return CallAt(calls, answers);
}
Result<std::optional<ApiCall>> UpdateGroup(const ResourceContext& context,
                                           const Json::Array& answers) {
  std::vector<ApiCall> calls;
  if (context.properties.Has("RetentionInDays")) {
    calls.push_back(GroupCall(context, "PutRetentionPolicy",
                              {{"retentionInDays", context.properties["RetentionInDays"]}}));
  } else if (context.old_properties.Has("RetentionInDays")) {
    calls.push_back(GroupCall(context, "DeleteRetentionPolicy", {}));
  }
  const Json subject(
      Json::Object{{"resourceArn", "arn:aws:logs:" + context.region + ":" + context.account +
                                       ":log-group:" + context.physical_id}});
  Retag(context, {"logs", "TagResource", "UntagResource", subject, "tags", "tagKeys", "", ""},
        calls);
  return CallAt(calls, answers);
}
Result<std::optional<ApiCall>> RemoveGroup(const ResourceContext& context,
                                           const Json::Array& answers) {
  return CallAt({GroupCall(context, "DeleteLogGroup", {}, {"ResourceNotFoundException"})}, answers);
}
Json GroupAttributes(const ResourceContext& context, const Json::Array& /*answers*/) {
  return Json(Json::Object{{"Ref", context.physical_id},
                           {"Arn", "arn:aws:logs:" + context.region + ":" + context.account +
                                       ":log-group:" + context.physical_id + ":*"}});
}

// ---- AWS::ECR::Repository

std::string RepositoryName(const ResourceContext& context, const std::string& suffix) {
  return ToLower(NameOr(context, "RepositoryName", suffix, 256));
}
void ConfigureRepository(const ResourceContext& context, std::vector<ApiCall>& calls) {
  const Json& properties = context.properties;
  const Json name(context.physical_id);
  const Json& lifecycle = properties["LifecyclePolicy"]["LifecyclePolicyText"];
  if (!lifecycle.is_null()) {
    calls.push_back({"ecr", "PutLifecyclePolicy",
                     Json(Json::Object{{"repositoryName", name},
                                       {"lifecyclePolicyText", DocumentText(lifecycle)}})});
  }
  if (properties.Has("RepositoryPolicyText")) {
    calls.push_back(
        {"ecr", "SetRepositoryPolicy",
         Json(Json::Object{{"repositoryName", name},
                           {"policyText", DocumentText(properties["RepositoryPolicyText"])}})});
  }
}
Result<std::optional<ApiCall>> CreateRepository(const ResourceContext& context,
                                                const Json::Array& answers) {
  const Json& properties = context.properties;
  Json::Object input{{"repositoryName", context.physical_id}};
  input.SetIf("imageTagMutability", properties.Find("ImageTagMutability"));
  if (properties.Has("ImageScanningConfiguration")) {
    // The one property whose member is small in templates already.
    input.Set("imageScanningConfiguration", LowerMembers(properties["ImageScanningConfiguration"]));
  }
  if (properties.Has("EncryptionConfiguration")) {
    input.Set("encryptionConfiguration", LowerMembers(properties["EncryptionConfiguration"]));
  }
  const Json tags = MergedTags(context, "Key", "Value");
  if (tags.size() > 0) input.Set("tags", tags);
  std::vector<ApiCall> calls{{"ecr", "CreateRepository", Json(std::move(input))}};
  ConfigureRepository(context, calls);
  return CallAt(calls, answers);
}
Result<std::optional<ApiCall>> UpdateRepository(const ResourceContext& context,
                                                const Json::Array& answers) {
  std::vector<ApiCall> calls;
  const Json& now = context.properties;
  if (!(now["ImageTagMutability"] == context.old_properties["ImageTagMutability"])) {
    calls.push_back({"ecr", "PutImageTagMutability",
                     Json(Json::Object{
                         {"repositoryName", context.physical_id},
                         {"imageTagMutability", now.StringOr("ImageTagMutability", "MUTABLE")}})});
  }
  ConfigureRepository(context, calls);
  const Json subject(
      Json::Object{{"resourceArn", "arn:aws:ecr:" + context.region + ":" + context.account +
                                       ":repository/" + context.physical_id}});
  Retag(context,
        {"ecr", "TagResource", "UntagResource", subject, "tags", "tagKeys", "Key", "Value"}, calls);
  return CallAt(calls, answers);
}
Result<std::optional<ApiCall>> RemoveRepository(const ResourceContext& context,
                                                const Json::Array& answers) {
  const Json input(Json::Object{{"repositoryName", context.physical_id},
                                {"force", context.old_properties.BoolOr("EmptyOnDelete", false)}});
  return CallAt({ApiCall{"ecr", "DeleteRepository", input, {"RepositoryNotFoundException"}}},
                answers);
}
Json RepositoryAttributes(const ResourceContext& context, const Json::Array& /*answers*/) {
  const std::string& name = context.physical_id;
  return Json(Json::Object{
      {"Ref", name},
      {"Arn", "arn:aws:ecr:" + context.region + ":" + context.account + ":repository/" + name},
      {"RepositoryUri",
       context.account + ".dkr.ecr." + context.region + ".amazonaws.com/" + name}});
}

}  // namespace

constexpr ResourceType kBucketType{
    .name = "AWS::S3::Bucket",
    .properties =
        "BucketName,BucketEncryption,NotificationConfiguration,OwnershipControls,"
        "PublicAccessBlockConfiguration,Tags,VersioningConfiguration",
    .unbuilt =
        "AccelerateConfiguration,AccessControl,AnalyticsConfigurations,CorsConfiguration,"
        "IntelligentTieringConfigurations,InventoryConfigurations,LifecycleConfiguration,"
        "LoggingConfiguration,MetricsConfigurations,ObjectLockConfiguration,"
        "ObjectLockEnabled,ReplicationConfiguration,WebsiteConfiguration",
    .required = "",
    .replaced_by = "BucketName",
    .numbers = "",
    .booleans =
        "BlockPublicAcls,BlockPublicPolicy,IgnorePublicAcls,RestrictPublicBuckets,"
        "BucketKeyEnabled,EventBridgeEnabled",
    .physical_id = BucketName,
    .create = CreateBucket,
    .update = UpdateBucket,
    .remove = RemoveBucket,
    .attributes = BucketAttributes,
};
constexpr ResourceType kParameterType{
    .name = "AWS::SSM::Parameter",
    .properties = "AllowedPattern,DataType,Description,Name,Policies,Tags,Tier,Type,Value",
    .unbuilt = "",
    .required = "Type,Value",
    .replaced_by = "Name",
    .numbers = "",
    .booleans = "",
    .physical_id = ParameterName,
    .create = CreateParameter,
    .update = UpdateParameter,
    .remove = RemoveParameter,
    .attributes = ParameterAttributes,
};
constexpr ResourceType kLogGroupType{
    .name = "AWS::Logs::LogGroup",
    .properties = "KmsKeyId,LogGroupClass,LogGroupName,RetentionInDays,Tags",
    .unbuilt = "DataProtectionPolicy,FieldIndexPolicies",
    .required = "",
    .replaced_by = "LogGroupName",
    .numbers = "RetentionInDays",
    .booleans = "",
    .physical_id = GroupName,
    .create = CreateGroup,
    .update = UpdateGroup,
    .remove = RemoveGroup,
    .attributes = GroupAttributes,
};
constexpr ResourceType kRepositoryType{
    .name = "AWS::ECR::Repository",
    .properties =
        "EmptyOnDelete,EncryptionConfiguration,ImageScanningConfiguration,"
        "ImageTagMutability,LifecyclePolicy,RepositoryName,RepositoryPolicyText,Tags",
    .unbuilt = "",
    .required = "",
    .replaced_by = "RepositoryName,EncryptionConfiguration",
    .numbers = "",
    .booleans = "EmptyOnDelete,ScanOnPush,scanOnPush",
    .physical_id = RepositoryName,
    .create = CreateRepository,
    .update = UpdateRepository,
    .remove = RemoveRepository,
    .attributes = RepositoryAttributes,
};

}  // namespace stepmill::cloudformation
