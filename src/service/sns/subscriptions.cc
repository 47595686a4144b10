#include <algorithm>

#include "base/strings.h"
#include "gate/door.h"
#include "json/each.h"
#include "service/page.h"
#include "service/ports.h"
#include "service/sns/delivery.h"
#include "service/sns/errors.h"
#include "service/sns/topics.h"
#include "task/ports.h"

namespace stepmill::sns {

namespace {

constexpr std::string_view kSettable[] = {"RawMessageDelivery", "FilterPolicy",
                                          "FilterPolicyScope",  "RedrivePolicy",
                                          "DeliveryPolicy",     "SubscriptionRoleArn"};

Result<> CheckAttribute(const std::string& name, const std::string& value,
                        const std::string& protocol) {
  if (std::find(std::begin(kSettable), std::end(kSettable), name) == std::end(kSettable))
    return InvalidParameter("AttributeName");
  if (name == "RawMessageDelivery") {
    if (value != "true" && value != "false")
      return InvalidParameter("Attributes Reason: RawMessageDelivery: Invalid value [" + value +
                              "]. Must be true or false.");
    if (value == "true" && protocol != "sqs" && protocol != "https")
      return InvalidParameter("Attributes Reason: Delivery protocol [" + protocol +
                              "] does not support raw message delivery.");
  }
  if (name == "FilterPolicyScope" && value != "MessageAttributes" && value != "MessageBody")
    return InvalidParameter("FilterPolicyScope: Invalid value [" + value +
                            "]. Please use either MessageBody or MessageAttributes");
  if (name == "FilterPolicy" && !value.empty()) return CheckFilterPolicy(value);
  if (name == "RedrivePolicy" && !value.empty()) {
    const auto policy = ParseJson(value);
    if (!policy || !policy->StringOr("deadLetterTargetArn", "").starts_with("arn:aws:sqs:"))
      return InvalidParameter("RedrivePolicy: failed to deserialize");
  }
  return {};
}

Result<> CheckEndpoint(const Call& call, const Topic& topic, const std::string& protocol,
                       const std::string& endpoint) {
  constexpr std::string_view kKnown[] = {"http",        "https", "email",    "email-json", "sms",
                                         "application", "sqs",   "firehose", "lambda"};
  if (std::find(std::begin(kKnown), std::end(kKnown), protocol) == std::end(kKnown))
    return InvalidParameter("Amazon SNS does not support this protocol string: " + protocol);
  if (protocol == "lambda" && !call.ports.door.FindOperation("lambda", "Invoke"))
    return NotBuilt("the protocol lambda");
  if (protocol != "sqs" && protocol != "lambda" && protocol != "https" && protocol != "email")
    return NotBuilt("the protocol " + protocol + " (there are sqs, lambda, https and email)");
  if (protocol == "sqs" && !endpoint.starts_with("arn:aws:sqs:"))
    return InvalidParameter("SQS endpoint ARN");
  if (protocol == "sqs" && !topic.is_fifo && endpoint.ends_with(".fifo"))
    return InvalidParameter(
        "Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics");
  if (protocol == "lambda" && !endpoint.starts_with("arn:aws:lambda:"))
    return InvalidParameter("Lambda endpoint ARN");
  if (protocol == "https" && !endpoint.starts_with("https://"))
    return InvalidParameter("Endpoint must match the specified protocol");
  if (protocol == "email" && endpoint.find('@') == std::string::npos)
    return InvalidParameter("Email address");
  if (topic.is_fifo && protocol != "sqs")
    return InvalidParameter("Invalid protocol type: " + protocol);
  return {};
}

Json PrintSubscription(const Json& subscription) {
  return Json::Object{{"SubscriptionArn",
                       IsPending(subscription) ? Json("PendingConfirmation") : subscription["arn"]},
                      {"Owner", subscription["owner"]},
                      {"Protocol", subscription["protocol"]},
                      {"Endpoint", subscription["endpoint"]},
                      {"TopicArn", subscription["topic"]}};
}

Result<Json> PageOfSubscriptions(const Call& call, const std::vector<Document>& all) {
  Json::Array printed;
  for (const Document& each : all) printed.push_back(PrintSubscription(each.body));
  return PageOf(call.input.With("MaxResults", 100), "Subscriptions", printed, "MaxResults",
                "NextToken", InvalidParameter("NextToken"));
}

Task<std::vector<Document>> ReadAll(Call& call, Key prefix) {
  std::vector<Document> all;
  const Key end = PrefixEnd(prefix);
  Key from = prefix;
  for (;;) {
    MILL_CO_TRY(auto page, co_await call.ports.store.Range(from, end, Direction::kForward,
                                                           kSubscriptionsRead));
    const bool is_last = page.size() < static_cast<size_t>(kSubscriptionsRead);
    if (!is_last) from = page.back().key + '\0';
    for (Document& each : page) all.push_back(std::move(each));
    if (is_last) co_return all;
  }
}

}  // namespace

Key SubscriptionKey(const Call& call, std::string_view topic, std::string_view id) {
  return call.KeyFor({"sns", "subscription", topic, id});
}

bool IsPending(const Json& subscription) { return subscription.Has("token"); }

Task<std::vector<Document>> ReadSubscriptions(Call& call, std::string topic) {
  return ReadAll(call, SubscriptionKey(call, topic, ""));
}

Task<Document> FindSubscription(Call& call, std::string arn) {
  const std::string prefix = call.Arn("sns", "");
  const auto parts = Split(arn, ':');
  if (parts.size() < 6 || !arn.starts_with("arn:aws:sns:"))
    co_return InvalidParameter(
        "SubscriptionArn Reason: An ARN must have at least 6 elements, not " +
        std::to_string(parts.size()));
  if (parts.size() != 7 || !arn.starts_with(prefix)) co_return NoSuchSubscription();
  MILL_CO_TRY(auto found, co_await call.ports.store.Get(SubscriptionKey(call, parts[5], parts[6])));
  if (!found) co_return NoSuchSubscription();
  co_return *std::move(found);
}

Task<Json> Subscribe(Call& call) {
  const Json& input = call.input;
  MILL_CO_TRY(const Topic topic, co_await FindTopic(call, input.StringOr("TopicArn", "")));
  const std::string protocol = input.StringOr("Protocol", "");
  const std::string endpoint = input.StringOr("Endpoint", "");
  MILL_CO_CHECK(CheckEndpoint(call, topic, protocol, endpoint));
  for (const Json::Member& each : MembersOf(input["Attributes"]))
    MILL_CO_CHECK(CheckAttribute(each.name, each.value.AsString(), protocol));
  const Json attributes = input.Has("Attributes") ? input["Attributes"] : Json(Json::Object{});
  const bool wants_arn = input.BoolOr("ReturnSubscriptionArn", false);
  MILL_CO_TRY(const auto all, co_await ReadSubscriptions(call, topic.name));
  for (const Document& each : all) {
    if (each.body["protocol"] != input["Protocol"] ||
        each.body.StringOr("endpoint", "") != endpoint)
      continue;
    if (attributes.size() > 0 && each.body["attributes"] != attributes)
      co_return InvalidParameter(
          "Attributes Reason: Subscription already exists with different attributes");
    const bool is_shown = wants_arn || !IsPending(each.body);
    co_return Json::Object{
        {"SubscriptionArn", is_shown ? each.body["arn"] : Json("pending confirmation")}};
  }
  const std::string id = call.ports.random.NewUuid();
  const std::string arn = topic.arn + ":" + id;
  Json::Object subscription{{"id", id},
                            {"arn", arn},
                            {"topic", topic.arn},
                            {"protocol", protocol},
                            {"endpoint", endpoint},
                            {"owner", call.account},
                            {"attributes", attributes}};
  // Queues and functions of the own account need not be asked.
  const bool is_pending = protocol == "https" || protocol == "email";
  if (is_pending)
    subscription.Add(
        "token", ReplaceAll(call.ports.random.NewUuid() + call.ports.random.NewUuid(), "-", ""));
  const Json body(std::move(subscription));
  if (is_pending) AskToConfirm(call, topic, body);
  call.batch.expects.push_back({topic.document.key, topic.document.version});
  call.batch.Create(SubscriptionKey(call, topic.name, id), body);
  co_return Json::Object{
      {"SubscriptionArn", is_pending && !wants_arn ? Json("pending confirmation") : Json(arn)}};
}

Task<Json> ConfirmSubscription(Call& call) {
  MILL_CO_TRY(const Topic topic, co_await FindTopic(call, call.input.StringOr("TopicArn", "")));
  const std::string token = call.input.StringOr("Token", "");
  MILL_CO_TRY(const auto all, co_await ReadSubscriptions(call, topic.name));
  for (const Document& each : all) {
    const bool is_new = each.body.StringOr("token", "") == token;
    if (token.empty() || (!is_new && each.body.StringOr("confirmed", "") != token)) continue;
    if (is_new) call.batch.Replace(each, each.body.Without("token").With("confirmed", token));
    co_return Json::Object{{"SubscriptionArn", each.body["arn"]}};
  }
  co_return InvalidParameter("Token");
}

Task<Json> Unsubscribe(Call& call) {
  const auto found = co_await FindSubscription(call, call.input.StringOr("SubscriptionArn", ""));
  if (found) call.batch.Delete(found->key);
  if (!found && found.error().code != Code::kNotFound) co_return found.error();
  co_return Json(Json::Object{});
}

Task<Json> ListSubscriptions(Call& call) {
  const Key prefix = call.KeyFor({"sns", "subscription", ""});
  MILL_CO_TRY(const auto all, co_await ReadAll(call, prefix));
  co_return PageOfSubscriptions(call, all);
}

Task<Json> ListSubscriptionsByTopic(Call& call) {
  MILL_CO_TRY(const Topic topic, co_await FindTopic(call, call.input.StringOr("TopicArn", "")));
  MILL_CO_TRY(const auto all, co_await ReadSubscriptions(call, topic.name));
  co_return PageOfSubscriptions(call, all);
}

Task<Json> GetSubscriptionAttributes(Call& call) {
  MILL_CO_TRY(const Document found,
              co_await FindSubscription(call, call.input.StringOr("SubscriptionArn", "")));
  const Json& body = found.body;
  Json::Object attributes{{"SubscriptionArn", body["arn"]},
                          {"TopicArn", body["topic"]},
                          {"Owner", body["owner"]},
                          {"Protocol", body["protocol"]},
                          {"Endpoint", body["endpoint"]},
                          {"PendingConfirmation", IsPending(body) ? "true" : "false"},
                          {"ConfirmationWasAuthenticated", "true"},
                          {"RawMessageDelivery", "false"}};
  for (const Json::Member& each : MembersOf(body["attributes"]))
    if (!each.value.AsString().empty()) attributes.Set(each.name, each.value);
  if (body["attributes"].Has("FilterPolicy") && !body["attributes"].Has("FilterPolicyScope"))
    attributes.Add("FilterPolicyScope", "MessageAttributes");
  co_return Json::Object{{"Attributes", std::move(attributes)}};
}

Task<Json> SetSubscriptionAttributes(Call& call) {
  MILL_CO_TRY(const Document found,
              co_await FindSubscription(call, call.input.StringOr("SubscriptionArn", "")));
  const std::string name = call.input.StringOr("AttributeName", "");
  const std::string value = call.input.StringOr("AttributeValue", "");
  MILL_CO_CHECK(CheckAttribute(name, value, found.body.StringOr("protocol", "")));
  const Json& before = found.body["attributes"];
  call.batch.Replace(
      found, found.body.With("attributes",
                             value.empty() ? before.Without(name) : before.With(name, value)));
  co_return Json(Json::Object{});
}

}  // namespace stepmill::sns
