#include "service/sqs/queues.h"

#include <algorithm>
#include <set>

#include "base/strings.h"
#include "json/each.h"
#include "service/page.h"
#include "service/ports.h"
#include "service/sqs/errors.h"
#include "service/sqs/messages.h"
#include "service/sweep.h"
#include "task/ports.h"

namespace stepmill::sqs {

namespace {

constexpr int kQueuesRead = 1000;
constexpr size_t kTagsMax = 50;

bool IsName(std::string_view name, bool is_fifo) {
  if (name.empty() || name.size() > 80) return false;
  if (is_fifo != name.ends_with(".fifo")) return false;
  if (is_fifo) name.remove_suffix(5);
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_';
  });
}

Queue MakeQueue(const Call& call, Document document) {
  Queue queue;
  queue.name = document.body.StringOr("name", "");
  queue.id = document.body.StringOr("id", "");
  queue.arn = call.Arn("sqs", queue.name);
  queue.url = QueueUrl(call, queue.name);
  queue.is_fifo = queue.name.ends_with(".fifo");
  queue.document = std::move(document);
  return queue;
}

/// The attribute that a second CreateQueue wants otherwise; "" for none.
std::string DifferentAttribute(const Queue& queue, const Json& wanted) {
  for (const Json::Member& member : MembersOf(wanted))
    if (queue.Attribute(member.name) != member.value.AsString()) return member.name;
  return "";
}

/// Everything that there is under a queue's id goes.
void Empty(Call& call, const Queue& queue) {
  std::vector<Key> prefixes;
  for (const char* kind : {"message", "state", "due", "dedup", "dedups"})
    prefixes.push_back(PrefixOf(call, kind, queue.id));
  StartSweep(call, "sqs", "SweepQueue", kSweepMachine, queue.id, prefixes);
}

struct Counts {
  int64_t visible = 0, in_flight = 0, delayed = 0;
};
Task<Counts> Count(Call& call, const Queue& queue) {
  Counts counts;
  const Key prefix = PrefixOf(call, "state", queue.id);
  const Key end = PrefixEnd(prefix);
  Key from = StateKey(call, queue.id, FirstNumber(OldestKept(call, queue)));
  const int64_t now = MillisSinceEpoch(call.now);
  for (;;) {
    MILL_CO_TRY(const auto page,
                co_await call.ports.store.Range(from, end, Direction::kForward, kStatesRead));
    for (const Document& state : page)
      ++(state.body.IntOr("at", 0) <= now    ? counts.visible
         : state.body.IntOr("count", 0) == 0 ? counts.delayed
                                             : counts.in_flight);
    if (page.size() < static_cast<size_t>(kStatesRead)) co_return counts;
    from = page.back().key + '\0';
  }
}

Json PrintAttributes(const Queue& queue, const Counts& counts) {
  const Json& body = queue.document.body;
  Json::Object all{{"QueueArn", queue.arn},
                   {"ApproximateNumberOfMessages", std::to_string(counts.visible)},
                   {"ApproximateNumberOfMessagesNotVisible", std::to_string(counts.in_flight)},
                   {"ApproximateNumberOfMessagesDelayed", std::to_string(counts.delayed)},
                   {"CreatedTimestamp", std::to_string(body.IntOr("created", 0))},
                   {"LastModifiedTimestamp", std::to_string(body.IntOr("modified", 0))}};
  for (const char* name : {"VisibilityTimeout", "MaximumMessageSize", "MessageRetentionPeriod",
                           "DelaySeconds", "ReceiveMessageWaitTimeSeconds", "SqsManagedSseEnabled"})
    all.Add(name, queue.Attribute(name));
  if (queue.is_fifo) {
    all.Add("FifoQueue", "true");
    for (const auto& [name, initial] :
         {std::pair("ContentBasedDeduplication", "false"), std::pair("DeduplicationScope", "queue"),
          std::pair("FifoThroughputLimit", "perQueue")}) {
      const std::string value = queue.Attribute(name);
      all.Add(name, value.empty() ? initial : value.c_str());
    }
  }
  for (const char* name : {"Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId",
                           "KmsDataKeyReusePeriodSeconds"})
    if (const std::string value = queue.Attribute(name); !value.empty()) all.Add(name, value);
  return all;
}

Task<Json> ListMatching(Call& call, std::string prefix, std::string dead_letter_arn,
                        std::string list) {
  const Key from = QueueKey(call, "");
  const Key end = PrefixEnd(from);
  Json::Array urls;
  Key next = from;
  for (;;) {
    MILL_CO_TRY(const auto page,
                co_await call.ports.store.Range(next, end, Direction::kForward, kQueuesRead));
    for (const Document& document : page) {
      const std::string name = document.body.StringOr("name", "");
      if (!name.starts_with(prefix)) continue;
      if (!dead_letter_arn.empty()) {
        const auto policy = ParseJson(document.body["attributes"].StringOr("RedrivePolicy", ""));
        if (!policy || policy->StringOr("deadLetterTargetArn", "") != dead_letter_arn) continue;
      }
      urls.push_back(Json(QueueUrl(call, name)));
    }
    if (page.size() < static_cast<size_t>(kQueuesRead)) break;
    next = page.back().key + '\0';
  }
  const bool is_paged = call.input.Has("MaxResults");
  if (!is_paged && urls.size() > 1000) urls.resize(1000);
  const Error bad_token = InvalidParameter("Invalid or expired next token.");
  co_return PageOf(call.input, list, urls, "MaxResults", "NextToken", bad_token);
}

}  // namespace

std::string Queue::Attribute(std::string_view attribute) const {
  const Json& given = document.body["attributes"];
  return given.StringOr(attribute, DefaultOf(attribute));
}

int64_t Queue::Number(std::string_view attribute) const {
  return ParseInt(Attribute(attribute)).value_or(0);
}

Key QueueKey(const Call& call, std::string_view name) {
  return call.KeyFor({"sqs", "queue", name});
}

Key PrefixOf(const Call& call, std::string_view kind, std::string_view queue_id) {
  return call.KeyFor({"sqs", kind, queue_id, ""});
}

std::string QueueUrl(const Call& call, std::string_view name) {
  return "https://sqs." + call.region + ".amazonaws.com/" + call.account + "/" + std::string(name);
}

std::string QueueTopic(std::string_view queue_id) { return "sqs/" + std::string(queue_id); }

std::string NameOfArn(const Call& call, std::string_view arn) {
  const std::string prefix = call.Arn("sqs", "");
  return arn.starts_with(prefix) ? std::string(arn.substr(prefix.size())) : "";
}

Task<Queue> FindQueueByName(Call& call, std::string name) {
  MILL_CO_TRY(auto found, co_await call.ports.store.Get(QueueKey(call, name)));
  if (!found) co_return QueueDoesNotExist();
  co_return MakeQueue(call, *std::move(found));
}

Task<Queue> FindQueue(Call& call, std::string url) {
  // A URL of any host (the server has more than one), or a name alone, as AWS takes it too.
  std::string_view path = url;
  if (const size_t scheme = url.find("://"); scheme != std::string::npos) {
    const size_t slash = url.find('/', scheme + 3);
    if (slash == std::string::npos) co_return InvalidAddress(url);
    path = std::string_view(url).substr(slash + 1);
    const auto parts = Split(path, '/');
    if (parts.size() < 2) co_return InvalidAddress(url);
    if (parts[parts.size() - 2] != call.account) co_return QueueDoesNotExist();
    path = parts.back();
  }
  co_return co_await FindQueueByName(call, std::string(path));
}

Task<Json> CreateQueue(Call& call) {
  const Json& input = call.input;
  const std::string name = input.StringOr("QueueName", "");
  const bool is_fifo = input["Attributes"].StringOr("FifoQueue", "") == "true";
  if (!IsName(name, is_fifo))
    co_return InvalidParameter(
        is_fifo || name.ends_with(".fifo")
            ? "The name of a FIFO queue can only include alphanumeric characters, hyphens, or "
              "underscores, must end with .fifo suffix and be 1 to 80 in length."
            : "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in "
              "length");
  MILL_CO_TRY(Json attributes, co_await CheckAttributes(call, name, is_fifo, input["Attributes"]));
  const Json answer = Json::Object{{"QueueUrl", QueueUrl(call, name)}};
  const auto found = co_await FindQueueByName(call, name);
  if (found) {
    const std::string different = DifferentAttribute(*found, attributes);
    if (!different.empty()) co_return QueueNameExists(different);
    co_return answer;
  }
  if (found.error().code != Code::kNotFound) co_return found.error();
  const Json tags = input.Has("tags") ? input["tags"] : Json(Json::Object{});
  if (tags.size() > kTagsMax)
    co_return InvalidParameter("Too many tags added for queue " + name + ".");
  const int64_t now = MillisSinceEpoch(call.now) / 1000;
  call.batch.Create(QueueKey(call, name), Json::Object{{"name", name},
                                                       {"id", call.ports.random.NewUuid()},
                                                       {"attributes", std::move(attributes)},
                                                       {"created", now},
                                                       {"modified", now},
                                                       {"tags", tags}});
  co_return answer;
}

Task<Json> GetQueueUrl(Call& call) {
  const std::string owner = call.input.StringOr("QueueOwnerAWSAccountId", call.account);
  if (owner != call.account) co_return QueueDoesNotExist();
  MILL_CO_TRY(const Queue queue,
              co_await FindQueueByName(call, call.input.StringOr("QueueName", "")));
  co_return Json::Object{{"QueueUrl", queue.url}};
}

Task<Json> GetQueueAttributes(Call& call) {
  MILL_CO_TRY(const Queue queue, co_await FindQueue(call, call.input.StringOr("QueueUrl", "")));
  std::set<std::string> wanted;
  for (const Json& name : ItemsOf(call.input["AttributeNames"])) wanted.insert(name.AsString());
  if (wanted.empty()) co_return Json(Json::Object{});
  MILL_CO_TRY(const Counts counts, co_await Count(call, queue));
  const Json all = PrintAttributes(queue, counts);
  Json::Object shown;
  for (const Json::Member& member : all.members())
    if (wanted.contains("All") || wanted.contains(member.name))
      shown.Add(member.name, member.value);
  co_return Json::Object{{"Attributes", std::move(shown)}};
}

Task<Json> SetQueueAttributes(Call& call) {
  MILL_CO_TRY(const Queue queue, co_await FindQueue(call, call.input.StringOr("QueueUrl", "")));
  const Json& given = call.input["Attributes"];
  if (given.Has("FifoQueue") && queue.Attribute("FifoQueue") != given.StringOr("FifoQueue", ""))
    co_return InvalidAttributeValue("FifoQueue");
  MILL_CO_TRY(const Json checked, co_await CheckAttributes(call, queue.name, queue.is_fifo, given));
  Json attributes = queue.document.body["attributes"];
  for (const Json::Member& member : checked.members())
    attributes = member.value.AsString().empty() ? attributes.Without(member.name)
                                                 : attributes.With(member.name, member.value);
  call.batch.Replace(queue.document, queue.document.body.With("attributes", std::move(attributes))
                                         .With("modified", MillisSinceEpoch(call.now) / 1000));
  co_return Json(Json::Object{});
}

Task<Json> ListQueues(Call& call) {
  MILL_CO_TRY(Json page, co_await ListMatching(call, call.input.StringOr("QueueNamePrefix", ""), "",
                                               "QueueUrls"));
  co_return page["QueueUrls"].size() == 0 ? Json(Json::Object{}) : page;
}

Task<Json> ListDeadLetterSourceQueues(Call& call) {
  MILL_CO_TRY(const Queue queue, co_await FindQueue(call, call.input.StringOr("QueueUrl", "")));
  co_return co_await ListMatching(call, "", queue.arn, "queueUrls");
}

Task<Json> DeleteQueue(Call& call) {
  MILL_CO_TRY(const Queue queue, co_await FindQueue(call, call.input.StringOr("QueueUrl", "")));
  call.batch.expects.push_back({queue.document.key, queue.document.version});
  call.batch.Delete(queue.document.key);
  Empty(call, queue);
  co_return Json(Json::Object{});
}

Task<Json> PurgeQueue(Call& call) {
  MILL_CO_TRY(const Queue queue, co_await FindQueue(call, call.input.StringOr("QueueUrl", "")));
  const Json& body = queue.document.body;
  const int64_t now = MillisSinceEpoch(call.now);
  if (body.Has("purged") && body.IntOr("purged", 0) + kPurgeSeconds * 1000 > now)
    co_return PurgeInProgress(queue.name);
  call.batch.Replace(queue.document,
                     body.With("id", call.ports.random.NewUuid()).With("purged", now));
  Empty(call, queue);
  co_return Json(Json::Object{});
}

Task<Json> TagQueue(Call& call) {
  MILL_CO_TRY(const Queue queue, co_await FindQueue(call, call.input.StringOr("QueueUrl", "")));
  Json tags = queue.document.body["tags"];
  for (const Json::Member& tag : MembersOf(call.input["Tags"]))
    tags = tags.With(tag.name, tag.value);
  if (tags.size() > kTagsMax)
    co_return InvalidParameter("Too many tags added for queue " + queue.name + ".");
  call.batch.Replace(queue.document, queue.document.body.With("tags", std::move(tags)));
  co_return Json(Json::Object{});
}

Task<Json> UntagQueue(Call& call) {
  MILL_CO_TRY(const Queue queue, co_await FindQueue(call, call.input.StringOr("QueueUrl", "")));
  Json tags = queue.document.body["tags"];
  for (const Json& key : ItemsOf(call.input["TagKeys"])) tags = tags.Without(key.AsString());
  call.batch.Replace(queue.document, queue.document.body.With("tags", std::move(tags)));
  co_return Json(Json::Object{});
}

Task<Json> ListQueueTags(Call& call) {
  MILL_CO_TRY(const Queue queue, co_await FindQueue(call, call.input.StringOr("QueueUrl", "")));
  const Json& tags = queue.document.body["tags"];
  co_return tags.size() == 0 ? Json(Json::Object{}) : Json(Json::Object{{"Tags", tags}});
}

}  // namespace stepmill::sqs
