#include <algorithm>
#include <set>
#include <vector>

#include "base/digest.h"
#include "base/strings.h"
#include "engine/engine.h"
#include "json/each.h"
#include "service/ports.h"
#include "service/sqs/batches.h"
#include "service/sqs/errors.h"
#include "service/sqs/messages.h"
#include "task/ports.h"

namespace stepmill::sqs {

namespace {

constexpr int kVisibilityMax = 43'200;
constexpr int kAttemptsMax = 20;  // of a receive that others are quicker than
constexpr int kSpread = 10;       // how far apart receivers look once they have met

/// What a receive asks for.
struct Wanted {
  int count = 1;
  Seconds visibility{30}, wait{0};
  std::set<std::string> system, user;
};

Result<Wanted> ReadWanted(const Queue& queue, const Json& input) {
  Wanted wanted;
  const int64_t count = input.IntOr("MaxNumberOfMessages", 1);
  if (count < 1 || count > kBatchMax)
    return InvalidValue(std::to_string(count), "MaxNumberOfMessages",
                        "Must be between 1 and 10, if provided.");
  const int64_t visibility = input.IntOr("VisibilityTimeout", queue.Number("VisibilityTimeout"));
  if (visibility < 0 || visibility > kVisibilityMax)
    return InvalidValue(std::to_string(visibility), "VisibilityTimeout",
                        "Must be between 0 and 43200, if provided.");
  const int64_t wait =
      input.IntOr("WaitTimeSeconds", queue.Number("ReceiveMessageWaitTimeSeconds"));
  if (wait < 0 || wait > 20)
    return InvalidValue(std::to_string(wait), "WaitTimeSeconds",
                        "Must be >= 0 and <= 20, if provided.");
  wanted.count = static_cast<int>(count);
  wanted.visibility = Seconds(visibility);
  wanted.wait = Seconds(wait);
  for (const char* member : {"AttributeNames", "MessageSystemAttributeNames"})
    for (const Json& name : ItemsOf(input[member])) wanted.system.insert(name.AsString());
  for (const Json& name : ItemsOf(input["MessageAttributeNames"]))
    wanted.user.insert(name.AsString());
  return wanted;
}

bool WantsAttribute(const std::set<std::string>& wanted, const std::string& name) {
  if (wanted.contains("All") || wanted.contains(".*") || wanted.contains(name)) return true;
  return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& pattern) {
    return pattern.ends_with(".*") && name.starts_with(pattern.substr(0, pattern.size() - 2));
  });
}

Json PrintMessage(const Queue& queue, const Wanted& wanted, const Json& message, const Json& state,
                  const Receipt& receipt) {
  Json::Object all{{"SenderId", message["sender"]},
                   {"SentTimestamp", std::to_string(message.IntOr("sent", 0))},
                   {"ApproximateReceiveCount", std::to_string(state.IntOr("count", 0))},
                   {"ApproximateFirstReceiveTimestamp", std::to_string(state.IntOr("first", 0))}};
  if (queue.is_fifo) {
    all.SetIf("SequenceNumber", message.Find("sequence"));
    all.SetIf("MessageDeduplicationId", message.Find("dedup"));
  }
  all.SetIf("MessageGroupId", message.Find("group"));
  all.SetIf("AWSTraceHeader", message["trace"].Find("StringValue"));
  all.SetIf("DeadLetterQueueSourceArn", message.Find("source"));
  Json::Object system, user;
  for (const Json::Member& each : all.members)
    if (wanted.system.contains("All") || wanted.system.contains(each.name))
      system.Add(each.name, each.value);
  for (const Json::Member& each : MembersOf(message["attributes"]))
    if (WantsAttribute(wanted.user, each.name)) user.Add(each.name, each.value);
  Json::Object out{{"MessageId", message["id"]},
                   {"ReceiptHandle", PrintHandle(queue, receipt)},
                   {"MD5OfBody", message["md5"]},
                   {"Body", message["body"]}};
  if (!system.members.empty()) out.Add("Attributes", std::move(system));
  if (!user.members.empty()) {
    const Json shown(std::move(user));
    out.Add("MD5OfMessageAttributes", Md5OfAttributes(shown));
    out.Add("MessageAttributes", shown);
  }
  return out;
}

/// Messages that may be handed out now, and when the next one may.
struct Found {
  std::vector<Document> states;
  int64_t next_at = INT64_MAX;
};

Task<Found> FindDue(Call& call, const Queue& queue, int count, int64_t attempt, Time now) {
  Found found;
  const Key from = PrefixOf(call, "due", queue.id);
  const Key end = PrefixEnd(from);
  const int spread = attempt == 0 ? 0 : kSpread * count;
  MILL_CO_TRY(auto due,
              co_await call.ports.store.Range(from, end, Direction::kForward, count + spread + 1));
  std::vector<std::string> numbers;
  for (const Document& each : due) {
    const size_t slash = each.key.rfind('/');
    const int64_t at = ParseInt(std::string_view(each.key).substr(slash - 13, 13)).value_or(0);
    if (at > MillisSinceEpoch(now)) {
      found.next_at = at;
      break;
    }
    numbers.push_back(each.key.substr(slash + 1));
  }
  // Receivers that have been in each other's way look at different messages from then on.
  if (spread > 0 && numbers.size() > static_cast<size_t>(count)) {
    const size_t skipped = call.ports.random.Next() % (numbers.size() - count + 1);
    numbers.erase(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(skipped));
  }
  for (const std::string& number : numbers) {
    if (found.states.size() == static_cast<size_t>(count)) break;
    const Key key = PrefixOf(call, "state", queue.id) + number;
    MILL_CO_TRY(auto state, co_await call.ports.store.Get(key));
    if (state) found.states.push_back(*std::move(state));
  }
  co_return found;
}

/// In the order of sending, from groups of which no message is out.
Task<Found> FindFifo(Call& call, const Queue& queue, int count, Time now) {
  Found found;
  Key from = PrefixOf(call, "state", queue.id);
  const Key end = PrefixEnd(from);
  std::set<std::string> waiting;
  for (int read = 0; read < kFifoReadMax; read += kStatesRead) {
    MILL_CO_TRY(auto page,
                co_await call.ports.store.Range(from, end, Direction::kForward, kStatesRead));
    for (Document& state : page) {
      const std::string group = state.body.StringOr("group", "");
      if (waiting.contains(group)) continue;
      const int64_t at = state.body.IntOr("at", 0);
      if (at > MillisSinceEpoch(now)) {
        waiting.insert(group);
        found.next_at = std::min(found.next_at, at);
        continue;
      }
      found.states.push_back(std::move(state));
      if (found.states.size() == static_cast<size_t>(count)) co_return found;
    }
    if (page.size() < static_cast<size_t>(kStatesRead)) break;
    from = page.back().key + '\0';
  }
  co_return found;
}

/// Where messages go that were received too often; nullopt: nowhere.
struct DeadLetters {
  int64_t count_max = 0;
  Queue queue;
};
Task<std::optional<DeadLetters>> FindDeadLetters(Call& call, const Queue& queue) {
  std::optional<DeadLetters> dead;
  const auto policy = ParseJson(queue.Attribute("RedrivePolicy"));
  if (!policy) co_return dead;
  const std::string name = NameOfArn(call, policy->StringOr("deadLetterTargetArn", ""));
  auto target = co_await FindQueueByName(call, name);
  if (!target) co_return dead;  // it was deleted: the messages stay
  dead = DeadLetters{policy->IntOr("maxReceiveCount", 0), *std::move(target)};
  co_return dead;
}

/// Hands out what was found: into the batch, and printed.
Task<Json> HandOut(Call& call, const Queue& queue, const Wanted& wanted, Found found, Time now) {
  MILL_CO_TRY(const auto dead, co_await FindDeadLetters(call, queue));
  const int64_t at = MillisSinceEpoch(now + wanted.visibility);
  const int64_t oldest = static_cast<int64_t>(FirstNumber(OldestKept(call, queue)));
  Json::Array messages;
  for (const Document& state : found.states) {
    const std::string number = state.key.substr(state.key.rfind('/') + 1);
    if (ParseInt(number).value_or(0) < oldest) {
      RemoveMessage(call, queue, state);
      continue;
    }
    MILL_CO_TRY(const auto message,
                co_await call.ports.store.Get(MessageKey(call, queue.id, number)));
    if (!message) continue;
    const int64_t count = state.body.IntOr("count", 0) + 1;
    if (dead && count > dead->count_max) {
      RemoveMessage(call, queue, state);
      AddMessage(call, dead->queue, message->body.With("source", queue.arn), now);
      continue;
    }
    const Receipt receipt{number, call.ports.random.NewUuid()};
    Json body = state.body.With("at", at).With("count", count).With("receipt", receipt.receipt);
    if (!body.Has("first")) body = body.With("first", MillisSinceEpoch(now));
    if (!queue.is_fifo) {
      call.batch.Delete(DueKey(call, queue.id, state.body.IntOr("at", 0), number));
      call.batch.PutDocument(DueKey(call, queue.id, at, number), Json::Object{{"number", number}});
    }
    messages.push_back(PrintMessage(queue, wanted, message->body, body, receipt));
    call.batch.Replace(state, std::move(body));
  }
  co_return Json(std::move(messages));
}

/// The state that a handle leads to; nullopt: the message is gone, or was received again since.
Task<std::optional<Document>> FindReceived(Call& call, const Queue& queue, std::string handle) {
  MILL_CO_TRY(const Receipt receipt, ReadHandle(handle));
  const Key key = PrefixOf(call, "state", queue.id) + receipt.number;
  MILL_CO_TRY(auto state, co_await call.ports.store.Get(key));
  if (state && state->body.StringOr("receipt", "") != receipt.receipt) state.reset();
  co_return state;
}

Task<Json> Delete(Call& call, const Queue& queue, std::string handle) {
  MILL_CO_TRY(const auto state, co_await FindReceived(call, queue, handle));
  if (state && queue.is_fifo && state->body.IntOr("at", 0) <= MillisSinceEpoch(call.now))
    co_return InvalidValue(handle, "ReceiptHandle", "The receipt handle has expired.");
  if (state) {
    RemoveMessage(call, queue, *state);
    if (queue.is_fifo) WakeQueue(call, queue);  // the next of its group may come
  }
  co_return Json(Json::Object{});
}

Task<Json> ChangeVisibility(Call& call, const Queue& queue, std::string handle, int64_t seconds) {
  if (seconds < 0 || seconds > kVisibilityMax)
    co_return InvalidValue(std::to_string(seconds), "VisibilityTimeout",
                           "VisibilityTimeout must be an integer between 0 and 43200");
  MILL_CO_TRY(const auto state, co_await FindReceived(call, queue, handle));
  if (!state)
    co_return InvalidValue(
        handle, "ReceiptHandle",
        "Message does not exist or is not available for visibility timeout change.");
  const int64_t before = state->body.IntOr("at", 0);
  if (before <= MillisSinceEpoch(call.now)) co_return MessageNotInflight(handle);
  const int64_t at = MillisSinceEpoch(call.now + Seconds(seconds));
  if (!queue.is_fifo) {
    const std::string number = state->key.substr(state->key.rfind('/') + 1);
    call.batch.Delete(DueKey(call, queue.id, before, number));
    call.batch.PutDocument(DueKey(call, queue.id, at, number), Json::Object{{"number", number}});
  }
  call.batch.Replace(*state, state->body.With("at", at));
  WakeQueue(call, queue);
  co_return Json(Json::Object{});
}

}  // namespace

Task<Json> ReceiveMessage(Call& call) {
  Clock& clock = call.ports.clock;
  const int64_t attempt = call.kept.IntOr("attempt", 0);  // of a handler that is run anew
  if (attempt >= kAttemptsMax) co_return Json(Json::Object{});
  int64_t until = call.kept.IntOr("until", 0);
  for (;;) {
    const uint64_t moment = call.ports.engine.Moment();
    MILL_CO_TRY(const Queue queue, co_await FindQueue(call, call.input.StringOr("QueueUrl", "")));
    MILL_CO_TRY(const Wanted wanted, ReadWanted(queue, call.input));
    if (until == 0) until = MillisSinceEpoch(clock.Now() + wanted.wait);
    call.kept = Json::Object{{"attempt", attempt + 1}, {"until", until}};
    const Time now = clock.Now();
    Found found;
    if (queue.is_fifo) {
      MILL_CO_TRY(found, co_await FindFifo(call, queue, wanted.count, now));
    } else {
      MILL_CO_TRY(found, co_await FindDue(call, queue, wanted.count, attempt, now));
    }
    const int64_t next_at = found.next_at;
    const bool was_found = !found.states.empty();
    MILL_CO_TRY(Json messages, co_await HandOut(call, queue, wanted, std::move(found), now));
    if (messages.size() > 0) co_return Json::Object{{"Messages", std::move(messages)}};
    // Those that were found went elsewhere: that is for the batch, so there is no waiting here.
    if (was_found || MillisSinceEpoch(now) >= until) co_return Json(Json::Object{});
    const Time wake_at = TimeFromMillis(std::min(until, next_at));
    MILL_CO_CHECK(co_await call.ports.engine.WaitFor(QueueTopic(queue.id), moment, wake_at));
    // Neither woken nor due: the server is about to end, and waits have.
    if (call.ports.engine.Moment() == moment && clock.Now() < wake_at)
      co_return Json(Json::Object{});
  }
}

Task<Json> DeleteMessage(Call& call) {
  MILL_CO_TRY(const Queue queue, co_await FindQueue(call, call.input.StringOr("QueueUrl", "")));
  co_return co_await Delete(call, queue, call.input.StringOr("ReceiptHandle", ""));
}

Task<Json> DeleteMessageBatch(Call& call) {
  MILL_CO_TRY(const Queue queue, co_await FindQueue(call, call.input.StringOr("QueueUrl", "")));
  const Json::Array entries = ItemsOf(call.input["Entries"]);
  MILL_CO_CHECK(CheckBatch(entries));
  BatchAnswer answer;
  for (const Json& entry : entries) {
    const auto deleted = co_await Delete(call, queue, entry.StringOr("ReceiptHandle", ""));
    answer.Add(entry, deleted);
  }
  co_return answer.Print();
}

Task<Json> ChangeMessageVisibility(Call& call) {
  MILL_CO_TRY(const Queue queue, co_await FindQueue(call, call.input.StringOr("QueueUrl", "")));
  co_return co_await ChangeVisibility(call, queue, call.input.StringOr("ReceiptHandle", ""),
                                      call.input.IntOr("VisibilityTimeout", 0));
}

Task<Json> ChangeMessageVisibilityBatch(Call& call) {
  MILL_CO_TRY(const Queue queue, co_await FindQueue(call, call.input.StringOr("QueueUrl", "")));
  const Json::Array entries = ItemsOf(call.input["Entries"]);
  MILL_CO_CHECK(CheckBatch(entries));
  BatchAnswer answer;
  for (const Json& entry : entries) {
    const auto changed = co_await ChangeVisibility(call, queue, entry.StringOr("ReceiptHandle", ""),
                                                   entry.IntOr("VisibilityTimeout", 0));
    answer.Add(entry, changed);
  }
  co_return answer.Print();
}

}  // namespace stepmill::sqs
