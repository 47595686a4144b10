// AWS::Events::Connection
#include "service/cloudformation/types.h"

namespace stepmill::cloudformation {
namespace {

constexpr size_t kNameCharactersMax = 64;

std::string PhysicalId(const ResourceContext& context, const std::string& suffix) {
  return NameOr(context, "Name", suffix, kNameCharactersMax);
}

ApiCall ConnectionCall(const ResourceContext& context, const char* operation,
                       const std::vector<const char*>& members = {},
                       std::vector<std::string> tolerated = {}) {
  Json::Object input{{"Name", context.physical_id}};
  for (const char* member : members) input.SetIf(member, context.properties.Find(member));
  return ApiCall{"events", operation, Json(std::move(input)), std::move(tolerated)};
}

/// Put, then describe: the ARNs are the service's.
Result<std::optional<ApiCall>> Put(const ResourceContext& context, const Json::Array& answers,
                                   const char* operation) {
  return CallAt(
      {ConnectionCall(context, operation,
                      {"AuthorizationType", "AuthParameters", "Description", "KmsKeyIdentifier"}),
       ConnectionCall(context, "DescribeConnection")},
      answers);
}
Result<std::optional<ApiCall>> Create(const ResourceContext& context, const Json::Array& answers) {
  return Put(context, answers, "CreateConnection");
}
Result<std::optional<ApiCall>> Update(const ResourceContext& context, const Json::Array& answers) {
  return Put(context, answers, "UpdateConnection");
}
Result<std::optional<ApiCall>> Remove(const ResourceContext& context, const Json::Array& answers) {
  return CallAt({ConnectionCall(context, "DeleteConnection", {}, {"ResourceNotFoundException"})},
                answers);
}

Json Attributes(const ResourceContext& context, const Json::Array& answers) {
  Json::Object attributes{{"Ref", context.physical_id}};
  attributes.Add("ArnForPolicy", "arn:aws:events:" + context.region + ":" + context.account +
                                     ":connection/" + context.physical_id);
  const Json described = answers.empty() ? Json() : answers.back();
  attributes.SetIf("Arn", described.Find("ConnectionArn"));
  attributes.SetIf("SecretArn", described.Find("SecretArn"));
  return Json(std::move(attributes));
}

}  // namespace

constexpr ResourceType kConnectionType{
    .name = "AWS::Events::Connection",
    .properties = "AuthorizationType,AuthParameters,Description,KmsKeyIdentifier,Name",
    .unbuilt = "InvocationConnectivityParameters",
    .required = "",
    .replaced_by = "Name",
    .numbers = "",
    .booleans = "IsValueSecret",
    .physical_id = PhysicalId,
    .create = Create,
    .update = Update,
    .remove = Remove,
    .attributes = Attributes,
};

}  // namespace stepmill::cloudformation
