#include "service/sns/delivery.h"

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "gate/door.h"
#include "json/each.h"
#include "lang/pattern/pattern.h"
#include "service/ask.h"
#include "service/ports.h"
#include "service/sns/errors.h"
#include "task/ports.h"
#include "task/web.h"

namespace stepmill::sns {

namespace {

// AWS: "Amazon SNS message delivery retries". Customer-managed endpoints get 50 attempts in an
// hour; queues and functions far more, over 23 days.
constexpr int64_t kWebAttemptsMax = 50;
constexpr int64_t kOwnAttemptsMax = 100'015;
constexpr Seconds kDelayMax{20};

/// {"Type", "Value"} of each attribute, as envelopes have them.
Json PrintAttributes(const Json& attributes) {
  Json::Object out;
  for (const Json::Member& each : MembersOf(attributes)) {
    const std::string type = each.value.StringOr("DataType", "");
    const bool is_binary = type.starts_with("Binary");
    out.Add(each.name,
            Json::Object{{"Type", type},
                         {"Value", each.value[is_binary ? "BinaryValue" : "StringValue"]}});
  }
  return out;
}

Json EnvelopeOf(const Topic& topic, const Message& message, std::string_view protocol) {
  Json::Object envelope{{"Type", "Notification"}, {"MessageId", message.id}};
  if (!message.sequence.empty()) envelope.Add("SequenceNumber", message.sequence);
  envelope.Add("TopicArn", topic.arn);
  if (!message.subject.empty()) envelope.Add("Subject", message.subject);
  envelope.Add("Message", message.TextFor(protocol));
  envelope.Add("Timestamp", FormatIso(message.at));
  if (message.attributes.size() > 0)
    envelope.Add("MessageAttributes", PrintAttributes(message.attributes));
  return envelope;
}

/// As SNS prints it: a member a line, blanks around the colon.
std::string PrintEnvelope(const Json& envelope) {
  std::string out = "{";
  for (const Json::Member& member : envelope.members())
    out += (out.size() == 1 ? "\n  " : ",\n  ") + Json(member.name).Print() + " : " +
           member.value.Print();
  return out + "\n}";
}

/// What a filter policy looks at: the attributes, or the body when that is JSON.
Json Filtered(const Message& message, bool is_body) {
  if (is_body) return ParseJson(message.text).value_or(Json());
  Json::Object out;
  for (const Json::Member& each : MembersOf(message.attributes)) {
    const std::string type = each.value.StringOr("DataType", "");
    const std::string text = each.value.StringOr("StringValue", "");
    if (type == "String.Array" || type.starts_with("Number"))
      out.Add(each.name, ParseJson(text).value_or(Json(text)));
    else if (type.starts_with("String"))
      out.Add(each.name, Json(text));
  }
  return out;
}

void Start(Call& call, Json what, int64_t attempts_max) {
  what = what.With("account", call.account).With("region", call.region);
  call.ports.engine.Start(
      call.batch, "sns-delivery/" + call.ports.random.NewUuid(), kDeliveryMachine,
      Json::Object{{"what", std::move(what)}, {"attempt", 1}, {"attemptsMax", attempts_max}});
}

Step Try(const Json& state) {
  Step step;
  step.state = state;
  const std::string stage = state.BoolOr("isDead", false) ? "dead-" : "try-";
  Json what = state["what"];
  if (state.BoolOr("isDead", false)) what = what.With("protocol", "dead");
  step.turn.effects.push_back({stage + std::to_string(state.IntOr("attempt", 1)),
                               std::string(kDeliverer), std::move(what)});
  return step;
}

bool IsPassing(const Json& error) {
  for (const char* part : {"Throttl", "TooManyRequests", "Internal", "Unavailable",
                           "OperationAborted", "Timeout", "Web"})
    if (error.StringOr("name", "").find(part) != std::string::npos) return true;
  return false;
}

Task<Json> PostTo(Ports& ports, const Json& what) {
  WebRequest request;
  request.method = "POST";
  request.url = what.StringOr("endpoint", "");
  request.timeout = std::chrono::seconds(15);
  request.headers = {{"x-amz-sns-message-type", what.StringOr("type", "")},
                     {"x-amz-sns-message-id", what.StringOr("id", "")},
                     {"x-amz-sns-topic-arn", what.StringOr("topic", "")},
                     {"Content-Type", "text/plain; charset=UTF-8"},
                     {"User-Agent", "Amazon Simple Notification Service Agent"}};
  if (what.Has("subscription"))
    request.headers.push_back({"x-amz-sns-subscription-arn", what.StringOr("subscription", "")});
  if (what.BoolOr("isRaw", false)) request.headers.push_back({"x-amz-sns-rawdelivery", "true"});
  request.body = what.StringOr("body", "");
  const auto answer = co_await ports.web.Send(std::move(request));
  // Every failure counts as an attempt: AWS gives up after so many.
  if (!answer) co_return Error{Code::kTimeout, "WebUnavailable", answer.error().message};
  if (answer->status / 100 == 2) co_return Json(Json::Object{});
  co_return Error{Code::kTimeout, "WebStatus" + std::to_string(answer->status),
                  "the endpoint answered " + std::to_string(answer->status)};
}

Task<Json> InvokeFunction(Asker asker, Json what, std::string effect_id) {
  const Json input = Json::Object{{"FunctionName", what["endpoint"]},
                                  {"InvocationType", "Event"},
                                  {"Payload", Base64(what.StringOr("body", ""))}};
  MILL_CO_CHECK(co_await AskService(asker, "lambda", "Invoke", input, effect_id));
  co_return Json(Json::Object{});
}

}  // namespace

std::string Message::TextFor(std::string_view protocol) const {
  if (texts.is_null()) return text;
  const Json* own = texts.Find(protocol);
  return own && own->is_string() ? own->AsString() : texts.StringOr("default", "");
}

Result<> CheckFilterPolicy(const std::string& text) {
  const auto policy = ParseJson(text);
  if (!policy || !policy->is_object())
    return InvalidParameter("FilterPolicy: failed to parse JSON.");
  const auto compiled = pattern::CompileJson(*policy);
  if (compiled) return {};
  return InvalidParameter(
      "FilterPolicy: " +
      ReplaceAll(compiled.error().message, "Event pattern is not valid. Reason: ", ""));
}

bool Passes(const Json& subscription, const Message& message) {
  const Json& attributes = subscription["attributes"];
  const std::string text = attributes.StringOr("FilterPolicy", "");
  if (text.empty()) return true;
  const auto policy = ParseJson(text);
  if (!policy || policy->size() == 0) return true;  // {} lets everything pass
  const auto compiled = pattern::CompileJson(*policy);
  const bool is_body = attributes.StringOr("FilterPolicyScope", "") == "MessageBody";
  return compiled && compiled->Matches(Filtered(message, is_body));
}

std::string Envelope(const Topic& topic, const Json& subscription, const Message& message) {
  const std::string protocol = subscription.StringOr("protocol", "");
  if (subscription["attributes"].StringOr("RawMessageDelivery", "") == "true")
    return message.TextFor(protocol);
  return PrintEnvelope(EnvelopeOf(topic, message, protocol));
}

Json QueueInput(const Topic& topic, const Json& subscription, const Message& message) {
  const auto parts = Split(subscription.StringOr("endpoint", ""), ':');
  const std::string url = "https://sqs." + std::string(parts.size() == 6 ? parts[3] : "") +
                          ".amazonaws.com/" + std::string(parts.size() == 6 ? parts[4] : "") + "/" +
                          std::string(parts.size() == 6 ? parts[5] : "");
  Json::Object input{{"QueueUrl", url}, {"MessageBody", Envelope(topic, subscription, message)}};
  const bool is_raw = subscription["attributes"].StringOr("RawMessageDelivery", "") == "true";
  if (is_raw && message.attributes.size() > 0) input.Add("MessageAttributes", message.attributes);
  const bool is_fifo = url.ends_with(".fifo");
  if (!message.group.empty()) input.Add("MessageGroupId", message.group);
  if (is_fifo && !message.dedup.empty()) input.Add("MessageDeduplicationId", message.dedup);
  return input;
}

void Deliver(Call& call, const Topic& topic, const Json& subscription, const Message& message) {
  const std::string protocol = subscription.StringOr("protocol", "");
  Json::Object what{
      {"protocol", protocol},
      {"endpoint", subscription["endpoint"]},
      {"subscription", subscription["arn"]},
      {"topic", topic.arn},
      {"id", message.id},
      {"type", "Notification"},
      {"isRaw", subscription["attributes"].StringOr("RawMessageDelivery", "") == "true"}};
  const auto redrive = ParseJson(subscription["attributes"].StringOr("RedrivePolicy", ""));
  if (redrive) what.Add("dead", (*redrive)["deadLetterTargetArn"]);
  if (protocol == "sqs") {
    what.Add("input", QueueInput(topic, subscription, message));
  } else if (protocol == "lambda") {
    Json record = EnvelopeOf(topic, message, protocol);
    if (!record.Has("Subject")) record = record.With("Subject", Json());
    if (!record.Has("MessageAttributes"))
      record = record.With("MessageAttributes", Json(Json::Object{}));
    const Json event = Json::Object{
        {"Records", Json::Array{Json::Object{{"EventSource", "aws:sns"},
                                             {"EventVersion", "1.0"},
                                             {"EventSubscriptionArn", subscription["arn"]},
                                             {"Sns", record}}}}};
    what.Add("body", event.Print());
  } else {
    what.Add("body", protocol == "email" ? message.TextFor(protocol)
                                         : Envelope(topic, subscription, message));
    what.Add("subject", message.subject);
  }
  Start(call, std::move(what), protocol == "https" ? kWebAttemptsMax : kOwnAttemptsMax);
}

void AskToConfirm(Call& call, const Topic& topic, const Json& subscription) {
  const std::string id = call.ports.random.NewUuid();
  const std::string token = subscription.StringOr("token", "");
  const Json envelope = Json::Object{
      {"Type", "SubscriptionConfirmation"},
      {"MessageId", id},
      {"Token", token},
      {"TopicArn", topic.arn},
      {"Message", "You have chosen to subscribe to the topic " + topic.arn +
                      ".\nTo confirm the subscription, call ConfirmSubscription with the Token "
                      "included in this message."},
      {"Timestamp", FormatIso(call.now)}};
  Start(call,
        Json::Object{{"protocol", subscription["protocol"]},
                     {"endpoint", subscription["endpoint"]},
                     {"topic", topic.arn},
                     {"id", id},
                     {"type", "SubscriptionConfirmation"},
                     {"subject", "confirm with token " + token},
                     {"body", PrintEnvelope(envelope)}},
        kWebAttemptsMax);
}

Step AdvanceDelivery(const std::string&, const Json& state, const Event& event) {
  if (event.kind == "start") return Try(event.data);
  if (event.kind == "timer") return Try(state);
  Step step;
  step.state = state;
  step.turn.is_finished = true;
  if (event.kind != "effect" || !event.data.Has("error")) return step;
  const int64_t attempt = state.IntOr("attempt", 1);
  if (IsPassing(event.data["error"]) && attempt < state.IntOr("attemptsMax", 1)) {
    const int64_t doublings = std::min<int64_t>(attempt - 1, 5);
    step.state = state.With("attempt", attempt + 1);
    step.turn.is_finished = false;
    step.turn.timers.push_back(
        {"again", event.at + std::min<Seconds>(Seconds(int64_t{1} << doublings), kDelayMax)});
    return step;
  }
  if (!state["what"].Has("dead") || state.BoolOr("isDead", false)) return step;
  return Try(state.With("isDead", true).With("attempt", 1));
}

Task<Json> PerformDelivery(Ports& ports, Engine::Performance performance) {
  const Json what = performance.what;
  const std::string protocol = what.StringOr("protocol", "");
  const std::string account = what.StringOr("account", "");
  Asker asker{ports, ServicePrincipal("sns.amazonaws.com", account), account,
              what.StringOr("region", "")};
  Result<Json> done = Json(Json::Object{});
  if (protocol == "sqs") {
    done = co_await AskService(asker, "sqs", "SendMessage", what["input"], performance.effect_id);
  } else if (protocol == "lambda") {
    done = co_await InvokeFunction(asker, what, performance.effect_id);
  } else if (protocol == "https") {
    done = co_await PostTo(ports, what);
  } else if (protocol == "dead") {
    const auto parts = Split(what.StringOr("dead", ""), ':');
    const std::string name(parts.empty() ? "" : parts.back());
    const Json body = what.Has("input") ? what["input"]["MessageBody"] : what["body"];
    const Json input = Json::Object{{"QueueUrl", name}, {"MessageBody", body}};
    done = co_await AskService(asker, "sqs", "SendMessage", input, performance.effect_id);
  } else {
    MILL_LOG(kInfo, "sns: to " + what.StringOr("endpoint", "") + ", topic " +
                        what.StringOr("topic", "") + ": " + what.StringOr("subject", "") + "\n" +
                        what.StringOr("body", ""));
  }
  if (!done)
    MILL_LOG(kWarn, "sns: " + what.StringOr("subscription", what.StringOr("endpoint", "")) + ": " +
                        done.error().name + ": " + done.error().message);
  co_return done;
}

}  // namespace stepmill::sns
