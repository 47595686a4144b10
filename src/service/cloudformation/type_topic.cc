// AWS::SNS::Topic, AWS::SNS::Subscription, AWS::SNS::TopicPolicy
#include "lang/template/resolve.h"
#include "service/cloudformation/types.h"

namespace stepmill::cloudformation {
namespace {

constexpr size_t kNameCharactersMax = 256;

std::string TopicArn(const ResourceContext& context, const std::string& suffix) {
  const bool is_fifo = cfn::ScalarText(context.properties["FifoTopic"]).value_or("") == "true";
  std::string name = NameOr(context, "TopicName", suffix, kNameCharactersMax - (is_fifo ? 5 : 0));
  if (is_fifo && !name.ends_with(".fifo")) name += ".fifo";
  return "arn:aws:sns:" + context.region + ":" + context.account + ":" + name;
}

std::string NameOf(const ResourceContext& context) {
  return context.physical_id.substr(context.physical_id.rfind(':') + 1);
}

/// A property as the text of an attribute.
std::string TextOf(const Json& property) {
  if (property.is_object()) return property.Print();
  return cfn::ScalarText(property).value_or("");
}

Json Named(const ResourceContext& context) {
  return Json::Object{{"TopicArn", context.physical_id}};
}

void SubscribeAll(const ResourceContext& context, std::vector<ApiCall>& calls) {
  const Json& list = context.properties["Subscription"];
  for (const Json& each : list.is_array() ? list.items() : Json::Array{})
    calls.push_back(
        {"sns", "Subscribe",
         Named(context).With("Protocol", each["Protocol"]).With("Endpoint", each["Endpoint"])});
}

Result<std::optional<ApiCall>> CreateTopic(const ResourceContext& context,
                                           const Json::Array& answers) {
  Json::Object attributes;
  for (const char* name : {"DisplayName", "KmsMasterKeyId", "FifoTopic", "SignatureVersion",
                           "ContentBasedDeduplication", "FifoThroughputScope", "TracingConfig"})
    if (context.properties.Has(name)) attributes.Add(name, TextOf(context.properties[name]));
  Json::Object input{{"Name", NameOf(context)}, {"Attributes", std::move(attributes)}};
  const Json tags = MergedTags(context, "Key", "Value");
  if (tags.size() > 0) input.Add("Tags", tags);
  std::vector<ApiCall> calls{{"sns", "CreateTopic", Json(std::move(input))}};
  SubscribeAll(context, calls);
  return CallAt(calls, answers);
}
Result<std::optional<ApiCall>> UpdateTopic(const ResourceContext& context,
                                           const Json::Array& answers) {
  std::vector<ApiCall> calls;
  for (const char* name : {"DisplayName", "KmsMasterKeyId", "SignatureVersion",
                           "ContentBasedDeduplication", "FifoThroughputScope", "TracingConfig"})
    if (context.properties[name] != context.old_properties[name])
      calls.push_back({"sns", "SetTopicAttributes",
                       Named(context)
                           .With("AttributeName", name)
                           .With("AttributeValue", TextOf(context.properties[name]))});
  SubscribeAll(context, calls);  // those that are there stay
  const Json subject = Json::Object{{"ResourceArn", context.physical_id}};
  Retag(context,
        {"sns", "TagResource", "UntagResource", subject, "Tags", "TagKeys", "Key", "Value"}, calls);
  return CallAt(calls, answers);
}
Result<std::optional<ApiCall>> RemoveTopic(const ResourceContext& context,
                                           const Json::Array& answers) {
  return CallAt({ApiCall{"sns", "DeleteTopic", Named(context)}}, answers);
}
Json TopicAttributes(const ResourceContext& context, const Json::Array& /*answers*/) {
  return Json::Object{{"Ref", context.physical_id},
                      {"TopicArn", context.physical_id},
                      {"TopicName", NameOf(context)}};
}

// ---- AWS::SNS::Subscription: its id is the service's, so it is found by what it leads to

constexpr const char* kSubscriptionAttributes[] = {
    "RawMessageDelivery", "FilterPolicy", "FilterPolicyScope", "RedrivePolicy", "DeliveryPolicy"};

std::string SubscriptionName(const ResourceContext& context, const std::string& suffix) {
  return GeneratedName(context, suffix, 128);
}

/// The subscription among those of its topic; "" when there is none.
std::string ArnAmong(const Json& listed, const Json& properties) {
  const Json& list = listed["Subscriptions"];
  for (const Json& each : list.is_array() ? list.items() : Json::Array{})
    if (each["Endpoint"] == properties["Endpoint"] && each["Protocol"] == properties["Protocol"])
      return each.StringOr("SubscriptionArn", "");
  return "";
}

Result<std::optional<ApiCall>> CreateSubscription(const ResourceContext& context,
                                                  const Json::Array& answers) {
  const Json& properties = context.properties;
  Json::Object attributes;
  for (const char* name : kSubscriptionAttributes)
    if (properties.Has(name)) attributes.Add(name, TextOf(properties[name]));
  Json::Object input{{"TopicArn", properties["TopicArn"]},
                     {"Protocol", properties["Protocol"]},
                     {"ReturnSubscriptionArn", true},
                     {"Attributes", std::move(attributes)}};
  input.SetIf("Endpoint", properties.Find("Endpoint"));
  return CallAt({ApiCall{"sns", "Subscribe", Json(std::move(input))}}, answers);
}
Result<std::optional<ApiCall>> UpdateSubscription(const ResourceContext& context,
                                                  const Json::Array& answers) {
  const Json& properties = context.properties;
  std::vector<ApiCall> calls{{"sns", "ListSubscriptionsByTopic",
                              Json(Json::Object{{"TopicArn", properties["TopicArn"]}})}};
  const std::string arn = answers.empty() ? "" : ArnAmong(answers[0], properties);
  for (const char* name : kSubscriptionAttributes)
    if (properties[name] != context.old_properties[name])
      calls.push_back({"sns", "SetSubscriptionAttributes",
                       Json(Json::Object{{"SubscriptionArn", arn},
                                         {"AttributeName", name},
                                         {"AttributeValue", TextOf(properties[name])}})});
  return CallAt(calls, answers);
}
Result<std::optional<ApiCall>> RemoveSubscription(const ResourceContext& context,
                                                  const Json::Array& answers) {
  const Json& properties = context.old_properties;
  const ApiCall list{"sns",
                     "ListSubscriptionsByTopic",
                     Json(Json::Object{{"TopicArn", properties["TopicArn"]}}),
                     {"NotFoundException"}};
  if (answers.empty()) return std::optional<ApiCall>(list);
  const std::string arn = ArnAmong(answers[0], properties);
  if (answers.size() > 1 || !arn.starts_with("arn:")) return std::optional<ApiCall>();
  return std::optional<ApiCall>(
      ApiCall{"sns", "Unsubscribe", Json(Json::Object{{"SubscriptionArn", arn}})});
}
Json SubscriptionAttributes(const ResourceContext& context, const Json::Array& answers) {
  Json arn(context.physical_id);
  if (!answers.empty() && answers[0].Has("SubscriptionArn")) arn = answers[0]["SubscriptionArn"];
  if (!answers.empty() && answers[0].Has("Subscriptions"))
    arn = ArnAmong(answers[0], context.properties);
  return Json::Object{{"Ref", arn}, {"Arn", arn}};
}

// ---- AWS::SNS::TopicPolicy

Result<std::optional<ApiCall>> SetPolicy(const Json& topics, const std::string& policy,
                                         const Json::Array& answers,
                                         std::vector<std::string> tolerated) {
  std::vector<ApiCall> calls;
  for (const Json& topic : topics.is_array() ? topics.items() : Json::Array{})
    calls.push_back(
        {"sns", "SetTopicAttributes",
         Json(Json::Object{
             {"TopicArn", topic}, {"AttributeName", "Policy"}, {"AttributeValue", policy}}),
         tolerated});
  return CallAt(calls, answers);
}
Result<std::optional<ApiCall>> PutPolicy(const ResourceContext& context,
                                         const Json::Array& answers) {
  return SetPolicy(context.properties["Topics"], DocumentText(context.properties["PolicyDocument"]),
                   answers, {});
}
Result<std::optional<ApiCall>> RemovePolicy(const ResourceContext& context,
                                            const Json::Array& answers) {
  return SetPolicy(context.old_properties["Topics"], "", answers, {"NotFoundException"});
}
Json PolicyAttributes(const ResourceContext& context, const Json::Array& /*answers*/) {
  return Json::Object{{"Ref", context.physical_id}, {"Id", context.physical_id}};
}

}  // namespace

constexpr ResourceType kTopicType{
    .name = "AWS::SNS::Topic",
    .properties =
        "TopicName,DisplayName,FifoTopic,ContentBasedDeduplication,KmsMasterKeyId,"
        "SignatureVersion,FifoThroughputScope,TracingConfig,Subscription,Tags",
    .unbuilt = "ArchivePolicy,DataProtectionPolicy,DeliveryStatusLogging",
    .required = "",
    .replaced_by = "TopicName,FifoTopic",
    .numbers = "",
    .booleans = "",
    .physical_id = TopicArn,
    .create = CreateTopic,
    .update = UpdateTopic,
    .remove = RemoveTopic,
    .attributes = TopicAttributes,
};

constexpr ResourceType kSubscriptionType{
    .name = "AWS::SNS::Subscription",
    .properties =
        "TopicArn,Protocol,Endpoint,RawMessageDelivery,FilterPolicy,FilterPolicyScope,"
        "RedrivePolicy,DeliveryPolicy,Region",
    .unbuilt = "ReplayPolicy,SubscriptionRoleArn",
    .required = "TopicArn,Protocol",
    .replaced_by = "TopicArn,Protocol,Endpoint",
    .numbers = "",
    .booleans = "",
    .physical_id = SubscriptionName,
    .create = CreateSubscription,
    .update = UpdateSubscription,
    .remove = RemoveSubscription,
    .attributes = SubscriptionAttributes,
};

constexpr ResourceType kTopicPolicyType{
    .name = "AWS::SNS::TopicPolicy",
    .properties = "PolicyDocument,Topics",
    .unbuilt = "",
    .required = "PolicyDocument,Topics",
    .replaced_by = "",
    .numbers = "",
    .booleans = "",
    .physical_id = SubscriptionName,
    .create = PutPolicy,
    .update = PutPolicy,
    .remove = RemovePolicy,
    .attributes = PolicyAttributes,
};

}  // namespace stepmill::cloudformation
