#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gate/operation.h"

/// Topics and subscriptions as documents.
///
///   sns/topic/NAME               name, attributes {name: text, as set}, tags {key: text}
///   sns/subscription/NAME/ID     id, arn, topic, protocol, endpoint, owner, attributes, token
///                                (until it is confirmed)
namespace stepmill::sns {

inline constexpr size_t kMessageBytesMax = 262'144;
inline constexpr size_t kTagsMax = 50;
inline constexpr size_t kBatchMax = 10;
inline constexpr int kSubscriptionsRead = 500;

struct Topic {
  Document document;
  std::string name, arn;
  bool is_fifo = false;
  std::string Attribute(std::string_view attribute) const {
    return document.body["attributes"].StringOr(attribute, "");
  }
};

Key TopicKey(const Call& call, std::string_view name);
Key SubscriptionKey(const Call& call, std::string_view topic, std::string_view id);
/// InvalidParameter for what is no ARN of a topic, NotFound.
Task<Topic> FindTopic(Call& call, std::string arn);
/// "TOPIC_ARN:ID"
Task<Document> FindSubscription(Call& call, std::string arn);
Task<std::vector<Document>> ReadSubscriptions(Call& call, std::string topic);
bool IsPending(const Json& subscription);

Task<Json> CreateTopic(Call& call);
Task<Json> DeleteTopic(Call& call);
Task<Json> ListTopics(Call& call);
Task<Json> GetTopicAttributes(Call& call);
Task<Json> SetTopicAttributes(Call& call);
Task<Json> TagResource(Call& call);
Task<Json> UntagResource(Call& call);
Task<Json> ListTagsForResource(Call& call);
Task<Json> Subscribe(Call& call);
Task<Json> ConfirmSubscription(Call& call);
Task<Json> Unsubscribe(Call& call);
Task<Json> ListSubscriptions(Call& call);
Task<Json> ListSubscriptionsByTopic(Call& call);
Task<Json> GetSubscriptionAttributes(Call& call);
Task<Json> SetSubscriptionAttributes(Call& call);
Task<Json> Publish(Call& call);
Task<Json> PublishBatch(Call& call);

}  // namespace stepmill::sns
