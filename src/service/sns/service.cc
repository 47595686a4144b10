#include "engine/engine.h"
#include "gate/model.h"
#include "service/ports.h"
#include "service/sns/delivery.h"
#include "service/sns/sns.h"
#include "service/sns/topics.h"

namespace stepmill::sns {
namespace {

constexpr std::string_view kTopic = "{TopicArn}";
constexpr std::string_view kSubscription = "{SubscriptionArn}";

constexpr Operation Row(std::string_view name, Task<Json> (*handler)(Call&),
                        std::string_view action, Access access, std::string_view resource = kTopic,
                        std::string_view keeps = "") {
  return {.name = name,
          .handler = handler,
          .action = action,
          .resource = resource,
          .access = access,
          .keeps = keeps};
}

constexpr Operation kOperations[] = {
    Row("CreateTopic", CreateTopic, "sns:CreateTopic", Access::kWrite,
        "arn:aws:sns:{region}:{account}:{Name}"),
    Row("DeleteTopic", DeleteTopic, "sns:DeleteTopic", Access::kWrite),
    Row("ListTopics", ListTopics, "sns:ListTopics", Access::kList, "*"),
    Row("GetTopicAttributes", GetTopicAttributes, "sns:GetTopicAttributes", Access::kRead),
    Row("SetTopicAttributes", SetTopicAttributes, "sns:SetTopicAttributes", Access::kWrite),
    Row("TagResource", TagResource, "sns:TagResource", Access::kWrite, "{ResourceArn}"),
    Row("UntagResource", UntagResource, "sns:UntagResource", Access::kWrite, "{ResourceArn}"),
    Row("ListTagsForResource", ListTagsForResource, "sns:ListTagsForResource", Access::kList,
        "{ResourceArn}"),
    Row("Subscribe", Subscribe, "sns:Subscribe", Access::kWrite),
    {.name = "ConfirmSubscription",
     .handler = ConfirmSubscription,
     .action = "sns:ConfirmSubscription",
     .resource = kTopic,
     .access = Access::kWrite,
     .keeps = "AuthenticateOnUnsubscribe"},
    Row("Unsubscribe", Unsubscribe, "sns:Unsubscribe", Access::kWrite, kSubscription),
    Row("ListSubscriptions", ListSubscriptions, "sns:ListSubscriptions", Access::kList, "*"),
    Row("ListSubscriptionsByTopic", ListSubscriptionsByTopic, "sns:ListSubscriptionsByTopic",
        Access::kList),
    Row("GetSubscriptionAttributes", GetSubscriptionAttributes, "sns:GetSubscriptionAttributes",
        Access::kRead, kSubscription),
    Row("SetSubscriptionAttributes", SetSubscriptionAttributes, "sns:SetSubscriptionAttributes",
        Access::kWrite, kSubscription),
    Row("Publish", Publish, "sns:Publish", Access::kWrite),
    Row("PublishBatch", PublishBatch, "sns:Publish", Access::kWrite),
};

void WireUp(Ports& ports) {
  ports.engine.AddMachine(std::string(kDeliveryMachine), JsonMachine(AdvanceDelivery));
  ports.engine.AddPerformer(std::string(kDeliverer), [&ports](Engine::Performance performance) {
    return PerformDelivery(ports, std::move(performance));
  });
}

}  // namespace

const Service kService = {.name = "sns",
                          .host = "sns.amazonaws.com",
                          .model = &models::kSns,
                          .operations = kOperations,
                          .wire_up = WireUp};

}  // namespace stepmill::sns
