// AWS::SQS::Queue, AWS::SQS::QueuePolicy
#include <utility>

#include "lang/template/resolve.h"
#include "service/cloudformation/types.h"

namespace stepmill::cloudformation {
namespace {

constexpr size_t kNameCharactersMax = 80;

/// Properties that are attributes of the queue, and what they are when the template has none.
constexpr std::pair<const char*, const char*> kAttributes[] = {
    {"VisibilityTimeout", "30"},
    {"DelaySeconds", "0"},
    {"MaximumMessageSize", "1048576"},
    {"MessageRetentionPeriod", "345600"},
    {"ReceiveMessageWaitTimeSeconds", "0"},
    {"KmsMasterKeyId", ""},
    {"KmsDataKeyReusePeriodSeconds", ""},
    {"SqsManagedSseEnabled", "true"},
    {"ContentBasedDeduplication", ""},
    {"DeduplicationScope", ""},
    {"FifoThroughputLimit", ""},
    {"RedrivePolicy", ""},
    {"RedriveAllowPolicy", ""}};

std::string QueueUrl(const ResourceContext& context, const std::string& suffix) {
  const bool is_fifo = cfn::ScalarText(context.properties["FifoQueue"]).value_or("") == "true";
  std::string name = NameOr(context, "QueueName", suffix, kNameCharactersMax - (is_fifo ? 5 : 0));
  if (is_fifo && !name.ends_with(".fifo")) name += ".fifo";
  return "https://sqs." + context.region + ".amazonaws.com/" + context.account + "/" + name;
}

std::string NameOf(const ResourceContext& context) {
  return context.physical_id.substr(context.physical_id.rfind('/') + 1);
}

std::string TextOf(const Json& property) {
  if (property.is_object()) return property.Print();
  return cfn::ScalarText(property).value_or("");
}

Json AttributesOf(const ResourceContext& context, bool is_update) {
  Json::Object attributes;
  for (const auto& [name, initial] : kAttributes) {
    if (context.properties.Has(name))
      attributes.Add(name, TextOf(context.properties[name]));
    else if (is_update && context.old_properties.Has(name))
      attributes.Add(name, initial);
  }
  return attributes;
}

Result<std::optional<ApiCall>> CreateQueue(const ResourceContext& context,
                                           const Json::Array& answers) {
  Json attributes = AttributesOf(context, false);
  const std::string name = NameOf(context);
  if (name.ends_with(".fifo")) attributes = attributes.With("FifoQueue", "true");
  Json::Object input{{"QueueName", name}, {"Attributes", std::move(attributes)}};
  const Json tags = TagMap(context);
  if (tags.size() > 0) input.Add("tags", tags);
  return CallAt({ApiCall{"sqs", "CreateQueue", Json(std::move(input))}}, answers);
}
Result<std::optional<ApiCall>> UpdateQueue(const ResourceContext& context,
                                           const Json::Array& answers) {
  std::vector<ApiCall> calls;
  const Json attributes = AttributesOf(context, true);
  const Json subject = Json::Object{{"QueueUrl", context.physical_id}};
  if (attributes.size() > 0)
    calls.push_back({"sqs", "SetQueueAttributes", subject.With("Attributes", attributes)});
  Retag(context, {"sqs", "TagQueue", "UntagQueue", subject, "Tags", "TagKeys", "", ""}, calls);
  return CallAt(calls, answers);
}
Result<std::optional<ApiCall>> RemoveQueue(const ResourceContext& context,
                                           const Json::Array& answers) {
  const Json input = Json::Object{{"QueueUrl", context.physical_id}};
  return CallAt({ApiCall{"sqs", "DeleteQueue", input, {"QueueDoesNotExist"}}}, answers);
}
Json QueueAttributes(const ResourceContext& context, const Json::Array& /*answers*/) {
  const std::string name = NameOf(context);
  return Json::Object{
      {"Ref", context.physical_id},
      {"QueueUrl", context.physical_id},
      {"QueueName", name},
      {"Arn", "arn:aws:sqs:" + context.region + ":" + context.account + ":" + name}};
}

// ---- AWS::SQS::QueuePolicy

std::string PolicyName(const ResourceContext& context, const std::string& suffix) {
  return GeneratedName(context, suffix, 128);
}
Result<std::optional<ApiCall>> SetPolicy(const Json& queues, const std::string& policy,
                                         const Json::Array& answers,
                                         std::vector<std::string> tolerated) {
  std::vector<ApiCall> calls;
  for (const Json& queue : queues.is_array() ? queues.items() : Json::Array{})
    calls.push_back(
        {"sqs", "SetQueueAttributes",
         Json(Json::Object{{"QueueUrl", queue}, {"Attributes", Json::Object{{"Policy", policy}}}}),
         tolerated});
  return CallAt(calls, answers);
}
Result<std::optional<ApiCall>> PutPolicy(const ResourceContext& context,
                                         const Json::Array& answers) {
  return SetPolicy(context.properties["Queues"], DocumentText(context.properties["PolicyDocument"]),
                   answers, {});
}
Result<std::optional<ApiCall>> RemovePolicy(const ResourceContext& context,
                                            const Json::Array& answers) {
  return SetPolicy(context.old_properties["Queues"], "", answers, {"QueueDoesNotExist"});
}
Json PolicyAttributes(const ResourceContext& context, const Json::Array& /*answers*/) {
  return Json::Object{{"Ref", context.physical_id}, {"Id", context.physical_id}};
}

}  // namespace

constexpr ResourceType kQueueType{
    .name = "AWS::SQS::Queue",
    .properties =
        "QueueName,FifoQueue,VisibilityTimeout,DelaySeconds,MaximumMessageSize,"
        "MessageRetentionPeriod,ReceiveMessageWaitTimeSeconds,KmsMasterKeyId,"
        "KmsDataKeyReusePeriodSeconds,SqsManagedSseEnabled,ContentBasedDeduplication,"
        "DeduplicationScope,FifoThroughputLimit,RedrivePolicy,RedriveAllowPolicy,Tags",
    .unbuilt = "",
    .required = "",
    .replaced_by = "QueueName,FifoQueue",
    .numbers = "maxReceiveCount",
    .booleans = "",
    .physical_id = QueueUrl,
    .create = CreateQueue,
    .update = UpdateQueue,
    .remove = RemoveQueue,
    .attributes = QueueAttributes,
};

constexpr ResourceType kQueuePolicyType{
    .name = "AWS::SQS::QueuePolicy",
    .properties = "PolicyDocument,Queues",
    .unbuilt = "",
    .required = "PolicyDocument,Queues",
    .replaced_by = "",
    .numbers = "",
    .booleans = "",
    .physical_id = PolicyName,
    .create = PutPolicy,
    .update = PutPolicy,
    .remove = RemovePolicy,
    .attributes = PolicyAttributes,
};

}  // namespace stepmill::cloudformation
