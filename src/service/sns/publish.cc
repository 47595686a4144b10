#include <algorithm>
#include <set>

#include "base/digest.h"
#include "base/strings.h"
#include "json/each.h"
#include "service/ask.h"
#include "service/ports.h"
#include "service/sns/delivery.h"
#include "service/sns/errors.h"
#include "service/sns/topics.h"
#include "task/ports.h"

namespace stepmill::sns {

namespace {

Result<> CheckText(const Json& entry) {
  const std::string text = entry.StringOr("Message", "");
  if (text.empty()) return InvalidParameter("Empty message");
  size_t bytes = text.size();
  for (const Json::Member& each : MembersOf(entry["MessageAttributes"]))
    bytes += each.name.size() + each.value.StringOr("DataType", "").size() +
             each.value.StringOr("StringValue", "").size() +
             each.value.StringOr("BinaryValue", "").size() / 4 * 3;
  if (bytes > kMessageBytesMax) return InvalidParameter("Message too long");
  const std::string subject = entry.StringOr("Subject", "");
  if (entry.Has("Subject") &&
      (subject.empty() || Utf16Length(subject) > 100 || subject.find('\n') != std::string::npos))
    return InvalidParameter("Subject");
  return {};
}

Result<> CheckAttributes(const Json& attributes) {
  for (const Json::Member& each : MembersOf(attributes)) {
    const std::string type = each.value.StringOr("DataType", "");
    const std::string kind = type.substr(0, type.find('.'));
    const auto invalid = [&](const std::string& why) {
      return Error{Code::kInvalid, "InvalidParameterValueException", why};
    };
    if (kind != "String" && kind != "Number" && kind != "Binary")
      return invalid("The message attribute '" + each.name +
                     "' has an invalid message attribute type, the set of supported type prefixes "
                     "is Binary, Number, and String.");
    if (each.value.StringOr(kind == "Binary" ? "BinaryValue" : "StringValue", "").empty())
      return invalid("The message attribute '" + each.name +
                     "' must contain non-empty message attribute value for message attribute type "
                     "'" +
                     type + "'.");
    if (type == "String.Array") {
      const auto array = ParseJson(each.value.StringOr("StringValue", ""));
      if (!array || !array->is_array())
        return invalid("The message attribute '" + each.name + "' is no JSON array.");
    }
  }
  return {};
}

/// What a request says, and what this makes of it.
Result<Message> ReadMessage(Call& call, const Topic& topic, const Json& entry) {
  MILL_CHECK(CheckText(entry));
  MILL_CHECK(CheckAttributes(entry["MessageAttributes"]));
  Message message;
  message.id = call.ports.random.NewUuid();
  message.at = call.now;
  message.text = entry.StringOr("Message", "");
  message.subject = entry.StringOr("Subject", "");
  message.attributes = entry["MessageAttributes"];
  message.group = entry.StringOr("MessageGroupId", "");
  message.dedup = entry.StringOr("MessageDeduplicationId", "");
  const std::string structure = entry.StringOr("MessageStructure", "");
  if (!structure.empty() && structure != "json") return InvalidParameter("MessageStructure");
  if (structure == "json") {
    const auto texts = ParseJson(message.text);
    if (!texts || !texts->is_object())
      return InvalidParameter("Message Structure - JSON message body failed to parse");
    if (!(*texts)["default"].is_string())
      return InvalidParameter("Message Structure - No default entry in JSON message body");
    message.texts = *texts;
  }
  if (!topic.is_fifo) {
    if (!message.dedup.empty())
      return InvalidParameter(
          "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter "
          "that is not valid for this topic type");
    return message;
  }
  if (message.group.empty())
    return InvalidParameter("The MessageGroupId parameter is required for FIFO topics");
  if (message.dedup.empty()) {
    if (topic.Attribute("ContentBasedDeduplication") != "true")
      return InvalidParameter(
          "The topic should either have ContentBasedDeduplication enabled or "
          "MessageDeduplicationId provided explicitly");
    message.dedup = Hex(Sha256(message.text));
  }
  return message;
}

/// The number that a FIFO topic gives its next message: kept with the topic, which orders them.
std::string NextSequence(Call& call, Topic& topic) {
  const int64_t next = topic.document.body.IntOr("sequence", 0) + 1;
  Json body = topic.document.body.With("sequence", next);
  topic.document.body = body;
  std::string text = std::to_string(next);
  text.insert(0, 19 - std::min<size_t>(text.size(), 19), '0');
  call.batch.expects.push_back({topic.document.key, topic.document.version});
  call.batch.PutDocument(topic.document.key, std::move(body));
  return "1" + text;
}

/// One message to all that subscribed; its answer.
Task<Json> Send(Call& call, Topic& topic, const std::vector<Document>& subscriptions, Json entry) {
  MILL_CO_TRY(Message message, ReadMessage(call, topic, entry));
  if (topic.is_fifo) message.sequence = NextSequence(call, topic);
  for (const Document& each : subscriptions) {
    if (IsPending(each.body) || !Passes(each.body, message)) continue;
    if (topic.is_fifo) {
      // In order: the queue has it with this very transaction.
      const Json input = QueueInput(topic, each.body, message);
      const auto sent = co_await AskWithin(call, "sqs", "SendMessage", input);
      if (sent) continue;
    }
    Deliver(call, topic, each.body, message);
  }
  Json::Object answer{{"MessageId", message.id}};
  if (topic.is_fifo) answer.Add("SequenceNumber", message.sequence);
  co_return answer;
}

Result<> CheckBatch(const Json::Array& entries) {
  if (entries.empty())
    return BatchError("EmptyBatchRequest", "The batch request doesn't contain any entries.");
  if (entries.size() > kBatchMax)
    return BatchError("TooManyEntriesInBatchRequest",
                      "The batch request contains more entries than permissible.");
  std::set<std::string> ids;
  size_t bytes = 0;
  for (const Json& entry : entries) {
    if (!ids.insert(entry.StringOr("Id", "")).second)
      return BatchError("BatchEntryIdsNotDistinct",
                        "Two or more batch entries in the request have the same Id.");
    bytes += entry.StringOr("Message", "").size();
  }
  if (bytes > kMessageBytesMax)
    return BatchError("BatchRequestTooLong",
                      "The length of all the messages put together is more than the limit.");
  return {};
}

}  // namespace

Task<Json> Publish(Call& call) {
  const Json& input = call.input;
  const std::string arn = input.StringOr("TopicArn", input.StringOr("TargetArn", ""));
  if (arn.empty())
    co_return InvalidParameter(
        "TopicArn or TargetArn Reason: no value for required "
        "parameter");
  MILL_CO_TRY(Topic topic, co_await FindTopic(call, arn));
  MILL_CO_TRY(const auto subscriptions, co_await ReadSubscriptions(call, topic.name));
  co_return co_await Send(call, topic, subscriptions, input);
}

Task<Json> PublishBatch(Call& call) {
  MILL_CO_TRY(Topic topic, co_await FindTopic(call, call.input.StringOr("TopicArn", "")));
  const Json::Array entries = ItemsOf(call.input["PublishBatchRequestEntries"]);
  MILL_CO_CHECK(CheckBatch(entries));
  MILL_CO_TRY(const auto subscriptions, co_await ReadSubscriptions(call, topic.name));
  Json::Array successful, failed;
  for (const Json& entry : entries) {
    const auto sent = co_await Send(call, topic, subscriptions, entry);
    if (sent) {
      successful.push_back(sent->With("Id", entry["Id"]));
    } else {
      std::string code = sent.error().name;
      if (code.ends_with("Exception")) code.resize(code.size() - 9);
      failed.push_back(Json::Object{{"Id", entry["Id"]},
                                    {"Code", code},
                                    {"Message", sent.error().message},
                                    {"SenderFault", true}});
    }
  }
  co_return Json::Object{{"Successful", std::move(successful)}, {"Failed", std::move(failed)}};
}

}  // namespace stepmill::sns
