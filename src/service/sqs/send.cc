#include <cstdio>
#include <map>
#include <set>

#include "base/digest.h"
#include "base/strings.h"
#include "json/each.h"
#include "service/ports.h"
#include "service/sqs/batches.h"
#include "service/sqs/errors.h"
#include "service/sqs/messages.h"
#include "task/ports.h"

namespace stepmill::sqs {

namespace {

constexpr int kDedupsSwept = 4;  // old ones that each message takes away

Json AnswerFor(const Json& message, const std::string& number, bool is_fifo) {
  Json::Object answer{{"MD5OfMessageBody", message["md5"]}};
  if (message.Has("attributes"))
    answer.Add("MD5OfMessageAttributes", Md5OfAttributes(message["attributes"]));
  if (message.Has("trace")) {
    const Json trace = Json::Object{{"AWSTraceHeader", message["trace"]}};
    answer.Add("MD5OfMessageSystemAttributes", Md5OfAttributes(trace));
  }
  answer.Add("MessageId", message["id"]);
  if (is_fifo) answer.Add("SequenceNumber", number);
  return answer;
}

Json MessageOf(Call& call, const Json& entry) {
  const std::string body = entry.StringOr("MessageBody", "");
  const std::string sender = call.principal.user_id.empty() ? call.account : call.principal.user_id;
  Json::Object message{{"id", call.ports.random.NewUuid()},
                       {"body", body},
                       {"md5", Hex(Md5(body))},
                       {"sent", MillisSinceEpoch(call.now)},
                       {"sender", sender}};
  if (entry["MessageAttributes"].size() > 0) message.Add("attributes", entry["MessageAttributes"]);
  message.SetIf("trace", entry["MessageSystemAttributes"].Find("AWSTraceHeader"));
  message.SetIf("group", entry.Find("MessageGroupId"));
  message.SetIf("dedup", entry.Find("MessageDeduplicationId"));
  return message;
}

Key DedupTimeKey(const Call& call, const Queue& queue, Time at, std::string_view name) {
  char when[24];
  std::snprintf(when, sizeof when, "%013lld/", static_cast<long long>(MillisSinceEpoch(at)));
  return PrefixOf(call, "dedups", queue.id) + when + std::string(name);
}

/// FIFO: the message that has the same deduplication id and was sent up to five minutes ago; null:
/// there is none, and from now on this one is it.
Task<Json> FindRepeated(Call& call, const Queue& queue, const Json& message,
                        std::map<std::string, Json>& in_batch) {
  std::string id = message.StringOr("dedup", "");
  if (queue.Attribute("DeduplicationScope") == "messageGroup")
    id = message.StringOr("group", "") + "\n" + id;
  const std::string name = Hex(Sha256(id));
  if (const auto same = in_batch.find(name); same != in_batch.end()) co_return same->second;
  const Key prefix = PrefixOf(call, "dedup", queue.id);
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(prefix + name));
  const int64_t since = MillisSinceEpoch(call.now - kDedupKept);
  if (found && found->body.IntOr("at", 0) > since) co_return found->body["message"];
  const Key from = PrefixOf(call, "dedups", queue.id);
  const Key to = DedupTimeKey(call, queue, call.now - kDedupKept, "");
  MILL_CO_TRY(const auto old,
              co_await call.ports.store.Range(from, to, Direction::kForward, kDedupsSwept));
  for (const Document& each : old) {
    call.batch.Delete(each.key);
    const std::string old_name = each.body.StringOr("name", "");
    if (old_name != name) call.batch.Delete(prefix + old_name);
  }
  const Json kept =
      message.Without("body").Without("attributes").With("attributes", message["attributes"]);
  in_batch.emplace(name, kept);
  call.batch.expects.push_back({prefix + name, found ? found->version : 0});
  call.batch.PutDocument(prefix + name,
                         Json::Object{{"at", MillisSinceEpoch(call.now)}, {"message", kept}});
  call.batch.PutDocument(DedupTimeKey(call, queue, call.now, name), Json::Object{{"name", name}});
  co_return Json();
}

/// One message into the batch; what is answered for it.
Task<Json> Send(Call& call, const Queue& queue, Json entry, std::map<std::string, Json>& in_batch) {
  MILL_CO_CHECK(CheckMessage(queue, entry));
  Json message = MessageOf(call, entry);
  std::string number;
  if (queue.is_fifo) {
    if (!message.Has("dedup"))
      message = message.With("dedup", Hex(Sha256(entry.StringOr("MessageBody", ""))));
    number = PrintNumber(NextNumber(call.ports.clock.Now()));
    message = message.With("sequence", number);
    MILL_CO_TRY(const Json repeated, co_await FindRepeated(call, queue, message, in_batch));
    if (!repeated.is_null()) {
      const Json same =
          repeated["attributes"].is_null() ? repeated.Without("attributes") : repeated;
      co_return AnswerFor(same, same.StringOr("sequence", ""), true);
    }
  }
  const int64_t delay = entry.IntOr("DelaySeconds", queue.Number("DelaySeconds"));
  AddMessage(call, queue, message, call.now + Seconds(delay));
  co_return AnswerFor(message, number, queue.is_fifo);
}

}  // namespace

Task<Json> SendMessage(Call& call) {
  MILL_CO_TRY(const Queue queue, co_await FindQueue(call, call.input.StringOr("QueueUrl", "")));
  MILL_CO_CHECK(co_await RemoveExpired(call, queue));
  std::map<std::string, Json> in_batch;
  co_return co_await Send(call, queue, call.input, in_batch);
}

Task<Json> SendMessageBatch(Call& call) {
  MILL_CO_TRY(const Queue queue, co_await FindQueue(call, call.input.StringOr("QueueUrl", "")));
  const Json::Array entries = ItemsOf(call.input["Entries"]);
  MILL_CO_CHECK(CheckBatch(entries));
  size_t bytes = 0;
  for (const Json& entry : entries) bytes += entry.StringOr("MessageBody", "").size();
  if (static_cast<int64_t>(bytes) > kMessageBytesMax)
    co_return BatchError("BatchRequestTooLong",
                         "Batch requests cannot be longer than 1048576 bytes. You have sent " +
                             std::to_string(bytes) + " bytes.");
  MILL_CO_CHECK(co_await RemoveExpired(call, queue));
  std::map<std::string, Json> in_batch;
  BatchAnswer answer;
  for (const Json& entry : entries) {
    const auto sent = co_await Send(call, queue, entry, in_batch);
    answer.Add(entry, sent);
  }
  co_return answer.Print();
}

}  // namespace stepmill::sqs
