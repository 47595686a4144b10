// AWS::DynamoDB::Table
#include "service/cloudformation/types.h"

namespace stepmill::cloudformation {
namespace {

constexpr size_t kNameCharactersMax = 255;

std::string PhysicalId(const ResourceContext& context, const std::string& suffix) {
  return NameOr(context, "TableName", suffix, kNameCharactersMax);
}

std::string ArnOf(const ResourceContext& context) {
  return "arn:aws:dynamodb:" + context.region + ":" + context.account + ":table/" +
         context.physical_id;
}

Result<std::optional<ApiCall>> Create(const ResourceContext& context, const Json::Array& answers) {
  Json::Object input{{"TableName", context.physical_id}};
  for (const char* name : {"AttributeDefinitions", "KeySchema", "BillingMode",
                           "ProvisionedThroughput", "GlobalSecondaryIndexes",
                           "LocalSecondaryIndexes", "TableClass", "DeletionProtectionEnabled"})
    input.SetIf(name, context.properties.Find(name));
  const Json tags = MergedTags(context, "Key", "Value");
  if (tags.size() > 0) input.Add("Tags", tags);
  return CallAt({ApiCall{"dynamodb", "CreateTable", Json(std::move(input))}}, answers);
}
Result<std::optional<ApiCall>> Update(const ResourceContext& context, const Json::Array& answers) {
  std::vector<ApiCall> calls;
  Json::Object changes{{"TableName", context.physical_id}};
  for (const char* name :
       {"BillingMode", "ProvisionedThroughput", "TableClass", "DeletionProtectionEnabled"})
    if (context.properties[name] != context.old_properties[name])
      changes.SetIf(name, context.properties.Find(name));
  if (changes.members.size() > 1)
    calls.push_back({"dynamodb", "UpdateTable", Json(std::move(changes))});
  const Json subject = Json::Object{{"ResourceArn", ArnOf(context)}};
  Retag(context,
        {"dynamodb", "TagResource", "UntagResource", subject, "Tags", "TagKeys", "Key", "Value"},
        calls);
  return CallAt(calls, answers);
}
Result<std::optional<ApiCall>> Remove(const ResourceContext& context, const Json::Array& answers) {
  const Json input = Json::Object{{"TableName", context.physical_id}};
  return CallAt({ApiCall{"dynamodb", "DeleteTable", input, {"ResourceNotFoundException"}}},
                answers);
}
Json Attributes(const ResourceContext& context, const Json::Array& /*answers*/) {
  return Json::Object{{"Ref", context.physical_id}, {"Arn", ArnOf(context)}};
}

}  // namespace

constexpr ResourceType kTableType{
    .name = "AWS::DynamoDB::Table",
    .properties =
        "TableName,AttributeDefinitions,KeySchema,BillingMode,ProvisionedThroughput,"
        "GlobalSecondaryIndexes,LocalSecondaryIndexes,TableClass,"
        "DeletionProtectionEnabled,Tags",
    .unbuilt =
        "StreamSpecification,SSESpecification,TimeToLiveSpecification,"
        "PointInTimeRecoverySpecification,KinesisStreamSpecification,ImportSourceSpecification,"
        "ContributorInsightsSpecification,ResourcePolicy,OnDemandThroughput,WarmThroughput",
    .required = "KeySchema",
    .replaced_by =
        "TableName,KeySchema,AttributeDefinitions,GlobalSecondaryIndexes,"
        "LocalSecondaryIndexes",
    .numbers = "ReadCapacityUnits,WriteCapacityUnits",
    .booleans = "DeletionProtectionEnabled",
    .physical_id = PhysicalId,
    .create = Create,
    .update = Update,
    .remove = Remove,
    .attributes = Attributes,
};

}  // namespace stepmill::cloudformation
