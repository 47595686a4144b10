#include "service/sns/topics.h"

#include <algorithm>
#include <cctype>

#include "base/strings.h"
#include "json/each.h"
#include "service/page.h"
#include "service/ports.h"
#include "service/sns/errors.h"

namespace stepmill::sns {

namespace {

constexpr int kTopicsRead = 1000;
constexpr std::string_view kEffectiveDelivery =
    R"({"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,)"
    R"("numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,)"
    R"("backoffFunction":"linear"},"disableSubscriptionOverrides":false,)"
    R"("defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}})";
/// Attributes of a topic that can be set; those that are policies are JSON.
constexpr std::string_view kSettable[] = {"Policy",
                                          "DisplayName",
                                          "DeliveryPolicy",
                                          "KmsMasterKeyId",
                                          "TracingConfig",
                                          "FifoTopic",
                                          "SignatureVersion",
                                          "ArchivePolicy",
                                          "FifoThroughputScope",
                                          "ContentBasedDeduplication"};

bool IsName(std::string_view name, bool is_fifo) {
  if (name.empty() || name.size() > 256 || is_fifo != name.ends_with(".fifo")) return false;
  if (is_fifo) name.remove_suffix(5);
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_';
  });
}

Topic MakeTopic(const Call& call, Document document) {
  Topic topic;
  topic.name = document.body.StringOr("name", "");
  topic.arn = call.Arn("sns", topic.name);
  topic.is_fifo = topic.name.ends_with(".fifo");
  topic.document = std::move(document);
  return topic;
}

Result<> CheckAttribute(const std::string& name, const std::string& value, bool is_fifo) {
  if (std::find(std::begin(kSettable), std::end(kSettable), name) == std::end(kSettable))
    return InvalidParameter("AttributeName");
  const bool is_policy = name == "Policy" || name == "DeliveryPolicy";
  if (is_policy && !value.empty()) {
    const auto json = ParseJson(value);
    if (!json || !json->is_object()) return InvalidParameter(name + ": failed to parse JSON.");
  }
  const bool is_of_fifo = name == "ContentBasedDeduplication" || name == "FifoTopic" ||
                          name == "FifoThroughputScope" || name == "ArchivePolicy";
  if (is_of_fifo && !is_fifo)
    return InvalidParameter(name + " Reason: " + name + " is only valid for FIFO topics");
  if (name == "ArchivePolicy") return NotBuilt("the attribute ArchivePolicy");
  return {};
}

std::string DefaultPolicy(const Topic& topic, const Call& call) {
  const Json statement = Json::Object{
      {"Sid", "__default_statement_ID"},
      {"Effect", "Allow"},
      {"Principal", Json::Object{{"AWS", "*"}}},
      {"Action", *ParseJson(R"(["SNS:GetTopicAttributes","SNS:SetTopicAttributes",
          "SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe",
          "SNS:ListSubscriptionsByTopic","SNS:Publish"])")},
      {"Resource", topic.arn},
      {"Condition",
       Json::Object{{"StringEquals", Json::Object{{"AWS:SourceOwner", call.account}}}}}};
  return Json(Json::Object{{"Version", "2008-10-17"},
                           {"Id", "__default_policy_ID"},
                           {"Statement", Json::Array{statement}}})
      .Print();
}

Json TagsWith(Json tags, const Json& given) {
  for (const Json& tag : ItemsOf(given)) tags = tags.With(tag.StringOr("Key", ""), tag["Value"]);
  return tags;
}

Task<Topic> FindTagged(Call& call) {
  auto topic = co_await FindTopic(call, call.input.StringOr("ResourceArn", ""));
  if (!topic && topic.error().code == Code::kNotFound) co_return NoSuchResource();
  co_return topic;
}

}  // namespace

Key TopicKey(const Call& call, std::string_view name) {
  return call.KeyFor({"sns", "topic", name});
}

Task<Topic> FindTopic(Call& call, std::string arn) {
  const auto parts = Split(arn, ':');
  if (parts.size() < 6)
    co_return InvalidParameter("TopicArn Reason: An ARN must have at least 6 elements, not " +
                               std::to_string(parts.size()));
  const std::string prefix = call.Arn("sns", "");
  if (!arn.starts_with("arn:aws:sns:")) co_return InvalidParameter("TopicArn");
  if (!arn.starts_with(prefix) || parts.size() != 6) co_return NoSuchTopic();
  const std::string name = arn.substr(prefix.size());
  MILL_CO_TRY(auto found, co_await call.ports.store.Get(TopicKey(call, name)));
  if (!found) co_return NoSuchTopic();
  co_return MakeTopic(call, *std::move(found));
}

Task<Json> CreateTopic(Call& call) {
  const Json& input = call.input;
  const std::string name = input.StringOr("Name", "");
  const bool is_fifo = input["Attributes"].StringOr("FifoTopic", "") == "true";
  if (!IsName(name, is_fifo))
    co_return InvalidParameter(is_fifo ? "Fifo Topic names must end with .fifo and must be made up "
                                         "of only uppercase and lowercase ASCII letters, numbers, "
                                         "underscores, and hyphens, and must be between 1 and 256 "
                                         "characters long."
                                       : "Topic Name");
  for (const Json::Member& each : MembersOf(input["Attributes"]))
    MILL_CO_CHECK(CheckAttribute(each.name, each.value.AsString(), is_fifo));
  const Json answer = Json::Object{{"TopicArn", call.Arn("sns", name)}};
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(TopicKey(call, name)));
  const Json attributes = input.Has("Attributes") ? input["Attributes"] : Json(Json::Object{});
  if (found) {
    for (const Json::Member& each : attributes.members())
      if (found->body["attributes"][each.name] != each.value)
        co_return InvalidParameter(
            "Attributes Reason: Topic already exists with different attributes");
    co_return answer;
  }
  Json tags = TagsWith(Json(Json::Object{}), input["Tags"]);
  if (tags.size() > kTagsMax) co_return InvalidParameter("Tags Reason: more than 50 tags");
  call.batch.Create(
      TopicKey(call, name),
      Json::Object{{"name", name}, {"attributes", attributes}, {"tags", std::move(tags)}});
  co_return answer;
}

Task<Json> DeleteTopic(Call& call) {
  const auto topic = co_await FindTopic(call, call.input.StringOr("TopicArn", ""));
  if (!topic && topic.error().name == "NotFoundException") co_return Json(Json::Object{});
  if (!topic) co_return topic.error();
  MILL_CO_TRY(const auto subscriptions, co_await ReadSubscriptions(call, topic->name));
  for (const Document& each : subscriptions) call.batch.Delete(each.key);
  call.batch.expects.push_back({topic->document.key, topic->document.version});
  call.batch.Delete(topic->document.key);
  co_return Json(Json::Object{});
}

Task<Json> ListTopics(Call& call) {
  const Key prefix = TopicKey(call, "");
  const Key end = PrefixEnd(prefix);
  Json::Array topics;
  Key from = prefix;
  for (;;) {
    MILL_CO_TRY(const auto page,
                co_await call.ports.store.Range(from, end, Direction::kForward, kTopicsRead));
    for (const Document& each : page)
      topics.push_back(Json::Object{{"TopicArn", call.Arn("sns", each.body.StringOr("name", ""))}});
    if (page.size() < static_cast<size_t>(kTopicsRead)) break;
    from = page.back().key + '\0';
  }
  const Json sized = call.input.With("MaxResults", 100);
  const Error bad_token = InvalidParameter("NextToken");
  co_return PageOf(sized, "Topics", topics, "MaxResults", "NextToken", bad_token);
}

Task<Json> GetTopicAttributes(Call& call) {
  MILL_CO_TRY(const Topic topic, co_await FindTopic(call, call.input.StringOr("TopicArn", "")));
  MILL_CO_TRY(const auto subscriptions, co_await ReadSubscriptions(call, topic.name));
  const auto pending = std::count_if(subscriptions.begin(), subscriptions.end(),
                                     [](const Document& each) { return IsPending(each.body); });
  const auto confirmed = static_cast<long>(subscriptions.size()) - pending;
  Json::Object attributes{{"TopicArn", topic.arn},
                          {"Owner", call.account},
                          {"DisplayName", topic.Attribute("DisplayName")},
                          {"Policy", DefaultPolicy(topic, call)},
                          {"SubscriptionsConfirmed", std::to_string(confirmed)},
                          {"SubscriptionsPending", std::to_string(pending)},
                          {"SubscriptionsDeleted", "0"},
                          {"EffectiveDeliveryPolicy", kEffectiveDelivery}};
  if (topic.is_fifo) attributes.Add("ContentBasedDeduplication", "false");
  for (const Json::Member& each : MembersOf(topic.document.body["attributes"]))
    if (!each.value.AsString().empty()) attributes.Set(each.name, each.value);
  co_return Json::Object{{"Attributes", std::move(attributes)}};
}

Task<Json> SetTopicAttributes(Call& call) {
  MILL_CO_TRY(const Topic topic, co_await FindTopic(call, call.input.StringOr("TopicArn", "")));
  const std::string name = call.input.StringOr("AttributeName", "");
  const std::string value = call.input.StringOr("AttributeValue", "");
  MILL_CO_CHECK(CheckAttribute(name, value, topic.is_fifo));
  if (name == "FifoTopic") co_return InvalidParameter("AttributeName");
  const Json& body = topic.document.body;
  call.batch.Replace(topic.document, body.With("attributes", body["attributes"].With(name, value)));
  co_return Json(Json::Object{});
}

Task<Json> TagResource(Call& call) {
  MILL_CO_TRY(const Topic topic, co_await FindTagged(call));
  Json tags = TagsWith(topic.document.body["tags"], call.input["Tags"]);
  if (tags.size() > kTagsMax)
    co_return Error{Code::kLimit, "TagLimitExceededException",
                    "Could not complete request: tag quota of per resource exceeded"};
  call.batch.Replace(topic.document, topic.document.body.With("tags", std::move(tags)));
  co_return Json(Json::Object{});
}

Task<Json> UntagResource(Call& call) {
  MILL_CO_TRY(const Topic topic, co_await FindTagged(call));
  Json tags = topic.document.body["tags"];
  for (const Json& key : ItemsOf(call.input["TagKeys"])) tags = tags.Without(key.AsString());
  call.batch.Replace(topic.document, topic.document.body.With("tags", std::move(tags)));
  co_return Json(Json::Object{});
}

Task<Json> ListTagsForResource(Call& call) {
  MILL_CO_TRY(const Topic topic, co_await FindTagged(call));
  Json::Array tags;
  for (const Json::Member& tag : MembersOf(topic.document.body["tags"]))
    tags.push_back(Json::Object{{"Key", tag.name}, {"Value", tag.value}});
  co_return Json::Object{{"Tags", std::move(tags)}};
}

}  // namespace stepmill::sns
