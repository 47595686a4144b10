// How the loop stands in the store:
//   document engine/instance/ID       {"machine", "is_finished", "ended": day}
//   stream   ended/YYYY-MM-DD         {"id"}: the instances that finished on that day
//   document engine/collected         {"from"}: the first day whose instances are still there
//   document engine/subscription/INSTANCE/SUB   the pattern
//   stream   i/ID                     one record a turn: {"k": kind, "at": ms, "n": entropy,
//                                     "d": data, "s": key of the shared document, "h": [history]}
// and what is due:
//   inbox     in/ID              {"instance", "kind", "data", "shared", "reopens"}
//   timer     t/INSTANCE/ID      {"instance", "id"}
//   effect    f/INSTANCE:TAG     {"instance", "tag", "performer", "what"}
//   event     e/UUID             an EventBridge document
//   delivery  d/EVENT/SUBSCRIBER {"performer", "what"}; w/ID for work without an instance
//   subscription  s/ID           {"pattern", "performer", "with"}: never done, stays until removed
//                 u/UUID         {"gone": "s/ID"}: tells the engine so; done at once
// A due is removed by the same batch that records what came of it.
#include "engine/engine.h"

#include <algorithm>
#include <deque>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "base/log.h"
#include "base/strings.h"
#include "engine/turns.h"

namespace stepmill {
namespace {

constexpr int kPage = 1000;           // documents, records or dues a read
constexpr int kDeliveryAttempts = 8;  // of an event to a static subscriber, then it is dropped
constexpr size_t kSharedMax = 256;    // documents that instances start from, kept in memory
constexpr Seconds kRetryMax{60};
constexpr int kCollectedAtOnce = 200;  // instances whose records go in one commit
constexpr Seconds kDay{24 * 3600};
constexpr size_t kPostDigits = 12;
constexpr char kCollectedKey[] = "engine/collected";

Key SubscriptionKey(std::string_view instance, std::string_view id) {
  return MakeKey({"engine", "subscription", instance, id});
}
std::string StreamOf(const std::string& instance) { return "i/" + instance; }

std::string DayOf(Time at) { return FormatTime(at, "%Y-%m-%d"); }
std::string EndedStream(const std::string& day) { return "ended/" + day; }

Seconds RetryDelay(int attempt) {
  return std::min(kRetryMax, Seconds(1LL << std::min(attempt - 1, 6)));
}

Json RecordOf(const Event& event, const Key& shared, const std::vector<Json>& history) {
  Json::Object record;
  record.Add("k", event.kind);
  record.Add("at", MillisSinceEpoch(event.at));
  record.Add("n", static_cast<unsigned long>(event.entropy));
  record.Add("d", event.data);
  if (!shared.empty()) record.Add("s", shared);
  if (!history.empty()) record.Add("h", Json::Array(history));
  return record;
}

Event EventOf(const Json& record) {
  Event event;
  event.kind = record.StringOr("k", "");
  event.at = TimeFromMillis(record.IntOr("at", 0));
  event.entropy = std::stoull(record["n"].NumberText());
  event.data = record["d"];
  return event;
}

class PureInstance : public Instance {
 public:
  PureInstance(std::string id, StepFunction step) : id_(std::move(id)), step_(step) {}
  Turn Advance(const Event& event) override {
    Step step = step_(id_, state_, event);
    state_ = std::move(step.state);
    return std::move(step.turn);
  }

 private:
  std::string id_;
  StepFunction step_;
  Json state_;
};

class PureMachine : public Machine {
 public:
  explicit PureMachine(StepFunction step) : step_(step) {}
  std::unique_ptr<Instance> Create(std::string id) const override {
    return std::make_unique<PureInstance>(std::move(id), step_);
  }

 private:
  StepFunction step_;
};

}  // namespace

class Engine::Core {
 public:
  Core(Store& store, Clock& clock, Random& random, Spawner& spawner, Matcher matcher)
      : store_(store),
        clock_(clock),
        random_(random),
        spawner_(spawner),
        matcher_(std::move(matcher)) {}
  ~Core() {
    if (wake_) clock_.Cancel(wake_);
  }

  void Notice(std::vector<Due> dues) {
    for (Due& due : dues) Remember(std::move(due));
    Dispatch();
  }
  Task<> Recover();
  Task<> Commit(Batch batch);
  Task<std::vector<Json>> History(std::string instance_id);
  Task<int> Collect(Time until);
  Task<HistoryPage> ReadHistory(std::string instance_id, HistoryCursor from, Direction direction,
                                size_t limit);
  Task<> ExpectInstance(Batch& batch, std::string instance_id);
  Task<> WaitFor(std::string topic, uint64_t moment, Time until);
  void Wake(const std::string& topic);

  struct Subscriber {
    std::string id;
    Json pattern;
    std::string performer;
    Json with;
  };
  std::map<std::string, std::unique_ptr<Machine>, std::less<>> machines_;
  std::map<std::string, Performer, std::less<>> performers_;
  std::vector<Subscriber> subscribers_;
  Store& store_;
  Clock& clock_;
  Random& random_;
  bool is_draining_ = false;
  uint64_t posted_ = 0;  // by this process

  /// Dues of one time go by their ids: what is posted first arrives first.
  std::string NewPostId() {
    std::string number = std::to_string(++posted_);
    number.insert(0, kPostDigits - std::min(kPostDigits, number.size()), '0');
    return number + "-" + random_.NewUuid();
  }

  /// Owns the signals that long polls wait for, so that they end with the engine.
  struct Topic {
    uint64_t woken_at = 0;
    std::unique_ptr<Signal> signal;
  };
  std::unordered_map<std::string, Topic> topics_;
  uint64_t moment_ = 0;  // counts wakings

 private:
  /// A due in memory. `generation` tells a moved timer from the one that was queued before.
  struct Known {
    Due due;
    uint64_t generation;
    bool is_dispatched;
  };
  struct Waiting {
    std::string due_id;
    uint64_t generation;
    std::string kind;
    Json data;
    Key shared = {};
    bool reopens = false;
  };
  struct Slot {
    std::unique_ptr<Instance> instance;
    std::string machine;
    bool was_finished = false;  // what is in memory is being opened again
    uint64_t newest = 0;        // sequence of the stream's last record
    Time last_at{};
    std::deque<Waiting> queue;
    bool is_running = false;
  };
  struct Subscribed {
    std::string instance, id;
    Json pattern;
  };

  void Remember(Due due);
  void Forget(const std::string& due_id);
  bool IsCurrent(const std::string& due_id, uint64_t generation) const {
    const auto known = dues_.find(due_id);
    return known != dues_.end() && known->second.generation == generation;
  }
  void Dispatch();
  void DispatchOne(Known& known);
  void Enqueue(const std::string& instance, Waiting waiting);
  Task<> RunSlot(std::string id, std::shared_ptr<Slot> slot);
  Task<bool> Load(const std::string& id, Slot& slot, bool reopens);
  Task<Json> Shared(Key key);
  Task<> RunTurn(const std::string& id, Slot& slot, const Waiting& waiting);
  Batch BatchOf(const std::string& id, const Slot& slot, const Event& event, const Waiting& cause,
                Turn& turn);
  void Apply(const std::string& id, const Batch& batch, const Turn& turn);
  Task<> Perform(std::string due_id, uint64_t generation);
  Task<Json> PerformOnce(Due due, int attempt);
  Task<> Deliver(std::string due_id, uint64_t generation);
  void TakeSubscription(const Due& due);
  Task<> AskWaitersToLook();
  Task<int> CollectDay(std::string day, std::string next);
  Task<> Drop(std::string due_id);

  Spawner& spawner_;
  Matcher matcher_;
  bool is_recovered_ = false;
  uint64_t generation_ = 0;
  uint64_t wake_ = 0;
  std::unordered_map<std::string, Known> dues_;
  std::set<std::pair<Time, std::string>> waiting_;  // dues not dispatched yet
  std::unordered_map<std::string, std::unordered_set<std::string>> by_instance_;
  std::unordered_map<std::string, std::shared_ptr<Slot>> slots_;
  std::map<std::string, Subscribed> subscriptions_;  // key: SubscriptionKey
  std::map<std::string, Subscriber> durable_;        // key: the due's id, "s/ID"
  std::unordered_map<Key, Json> shared_;
  std::deque<Key> shared_order_;  // the oldest goes first
};

void Engine::Core::Remember(Due due) {
  if (due.kind == "subscription") return TakeSubscription(due);
  Forget(due.id);
  const std::string instance = due.body.StringOr("instance", "");
  if (due.kind != "event" && !instance.empty()) by_instance_[instance].insert(due.id);
  waiting_.insert({due.at, due.id});
  const std::string id = due.id;
  dues_[id] = Known{std::move(due), ++generation_, false};
}

void Engine::Core::Forget(const std::string& due_id) {
  const auto known = dues_.find(due_id);
  if (known == dues_.end()) return;
  waiting_.erase({known->second.due.at, due_id});
  const std::string instance = known->second.due.body.StringOr("instance", "");
  const auto mine = by_instance_.find(instance);
  if (mine != by_instance_.end()) {
    mine->second.erase(due_id);
    if (mine->second.empty()) by_instance_.erase(mine);
  }
  dues_.erase(known);
}

void Engine::Core::TakeSubscription(const Due& due) {
  if (due.body.Has("gone")) {
    // Found at recovery: the other one is not in the store any more.
    if (is_recovered_) durable_.erase(due.body.StringOr("gone", ""));
    spawner_.Spawn("drop " + due.id, Drop(due.id));
    return;
  }
  durable_[due.id] = {due.id, due.body["pattern"], due.body.StringOr("performer", ""),
                      due.body["with"]};
}

void Engine::Core::Dispatch() {
  if (!is_recovered_ || is_draining_) return;
  const Time now = clock_.Now();
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    const std::string id = waiting_.begin()->second;
    waiting_.erase(waiting_.begin());
    Known& known = dues_.at(id);
    known.is_dispatched = true;
    DispatchOne(known);
  }
  if (wake_) clock_.Cancel(wake_);
  wake_ = 0;
  if (waiting_.empty()) return;
  wake_ = clock_.WakeAt(waiting_.begin()->first, [this] {
    wake_ = 0;
    Dispatch();
  });
}

void Engine::Core::DispatchOne(Known& known) {
  const Due& due = known.due;
  const std::string instance = due.body.StringOr("instance", "");
  if (due.kind == "inbox") {
    Enqueue(instance, {due.id, known.generation, due.body.StringOr("kind", ""), due.body["data"],
                       due.body.StringOr("shared", ""), due.body.BoolOr("reopens", false)});
  } else if (due.kind == "timer") {
    Enqueue(instance, {due.id, known.generation, "timer", Json::Object{{"id", due.body["id"]}}});
  } else if (due.kind == "event") {
    spawner_.Spawn("deliver " + due.id, Deliver(due.id, known.generation));
  } else {
    MILL_ASSERT(due.kind == "effect" || due.kind == "delivery");
    spawner_.Spawn("perform " + due.id, Perform(due.id, known.generation));
  }
}

void Engine::Core::Enqueue(const std::string& instance, Waiting waiting) {
  std::shared_ptr<Slot>& slot = slots_[instance];
  if (!slot) slot = std::make_shared<Slot>();
  slot->queue.push_back(std::move(waiting));
  if (slot->is_running) return;
  slot->is_running = true;
  spawner_.Spawn("run " + instance, RunSlot(instance, slot));
}

Task<> Engine::Core::RunSlot(std::string id, std::shared_ptr<Slot> slot) {
  int failures = 0;
  while (!slot->queue.empty() && !is_draining_) {
    const Waiting waiting = slot->queue.front();
    if (!IsCurrent(waiting.due_id, waiting.generation)) {  // cancelled or moved meanwhile
      slot->queue.pop_front();
      continue;
    }
    const auto done = co_await RunTurn(id, *slot, waiting);
    if (done) {
      slot->queue.pop_front();
      failures = 0;
      continue;
    }
    // Nothing was written: what is in memory may be ahead of the store, so it is loaded anew.
    MILL_LOG(kError, "turn of " + id + " is not written, tried again: " + done.error().message);
    slot->instance.reset();
    const Time again = clock_.Now() + RetryDelay(++failures);
    (void)co_await clock_.SleepUntil(again);  // only fails when the loop ends
  }
  slot->is_running = false;
  if (!slot->instance && slot->queue.empty()) slots_.erase(id);
  co_return Result<>();
}

/// False: it has finished and is not to be opened again, or never was.
Task<bool> Engine::Core::Load(const std::string& id, Slot& slot, bool reopens) {
  MILL_CO_TRY(const auto document, co_await store_.Get(InstanceKey(id)));
  if (!document) co_return false;
  slot.was_finished = document->body.BoolOr("is_finished", false);
  if (slot.was_finished && !reopens) co_return false;
  const auto machine = machines_.find(document->body.StringOr("machine", ""));
  MILL_ASSERT(machine != machines_.end());
  slot.instance = machine->second->Create(id);
  slot.machine = machine->first;
  slot.newest = 0;
  for (;;) {
    MILL_CO_TRY(const auto records,
                co_await store_.Read(StreamOf(id), slot.newest + 1, Direction::kForward, kPage));
    for (const Record& record : records) {
      Event event = EventOf(record.body);
      if (const Json* shared = record.body.Find("s")) {
        MILL_CO_TRY(event.shared, co_await Shared(shared->AsString()));
      }
      slot.last_at = event.at;
      slot.newest = record.sequence;
      (void)slot.instance->Advance(event);  // its turn was committed with this record
    }
    if (records.size() < kPage) co_return true;
  }
}

/// The document that instances start from.
Task<Json> Engine::Core::Shared(Key key) {
  const auto known = shared_.find(key);
  if (known != shared_.end()) co_return known->second;
  MILL_CO_TRY(const auto document, co_await store_.Get(key));
  if (!document) co_return Json();
  if (shared_order_.size() >= kSharedMax) {
    shared_.erase(shared_order_.front());
    shared_order_.pop_front();
  }
  if (shared_.emplace(key, document->body).second) shared_order_.push_back(key);
  co_return document->body;
}

Task<> Engine::Core::RunTurn(const std::string& id, Slot& slot, const Waiting& waiting) {
  if (!slot.instance) {
    MILL_CO_TRY(const bool is_open, co_await Load(id, slot, waiting.reopens));
    if (!is_open) co_return co_await Drop(waiting.due_id);
    // While it was loaded the due may have gone.
    if (!IsCurrent(waiting.due_id, waiting.generation)) co_return Result<>();
  }
  Event event;
  event.kind = waiting.kind;
  event.at = std::max(clock_.Now(), slot.last_at);
  event.entropy = random_.Next();
  event.data = waiting.data;
  if (!waiting.shared.empty()) {
    MILL_CO_TRY(event.shared, co_await Shared(waiting.shared));
  }
  Turn turn = slot.instance->Advance(event);
  Batch batch = BatchOf(id, slot, event, waiting, turn);
  const Batch kept = batch;
  MILL_CO_CHECK(co_await store_.Commit(std::move(batch)));
  slot.last_at = event.at;
  ++slot.newest;
  slot.was_finished = false;
  if (turn.is_finished) slot.instance.reset();
  Apply(id, kept, turn);
  co_return Result<>();
}

Batch Engine::Core::BatchOf(const std::string& id, const Slot& slot, const Event& event,
                            const Waiting& cause, Turn& turn) {
  Batch batch = std::move(turn.writes);
  TurnEventsIntoDues(batch, event.at, random_);
  batch.stream_expects.push_back({StreamOf(id), slot.newest});
  batch.AppendTo(StreamOf(id), RecordOf(event, cause.shared, turn.history));
  batch.due_removals.push_back(cause.due_id);
  if (event.kind == "effect") batch.Delete(AnswerKey(id + ":" + event.data.StringOr("tag", "")));
  for (const std::string& tag : turn.effect_cancels) {
    batch.due_removals.push_back("f/" + id + ":" + tag);
    batch.Delete(AnswerKey(id + ":" + tag));
  }
  for (const std::string& timer : turn.timer_cancels)
    batch.due_removals.push_back("t/" + id + "/" + timer);
  for (const std::string& sub : turn.unsubscriptions) batch.Delete(SubscriptionKey(id, sub));
  if (turn.is_finished) {
    const auto open = by_instance_.find(id);
    if (open != by_instance_.end())
      for (const std::string& due : open->second)
        if (!dues_.at(due).due.body.BoolOr("reopens", false)) batch.due_removals.push_back(due);
    const Key prefix = SubscriptionKey(id, "");
    for (auto at = subscriptions_.lower_bound(prefix);
         at != subscriptions_.end() && at->first.starts_with(prefix); ++at)
      batch.Delete(at->first);
    const std::string day = DayOf(event.at);
    batch.PutDocument(
        InstanceKey(id),
        Json::Object{{"machine", slot.machine}, {"is_finished", true}, {"ended", day}});
    batch.AppendTo(EndedStream(day), Json::Object{{"id", id}});
    return batch;
  }
  if (slot.was_finished)
    batch.PutDocument(InstanceKey(id), Json::Object{{"machine", slot.machine}});
  for (const Effect& effect : turn.effects) {
    const Json body = Json::Object{{"instance", id},
                                   {"tag", effect.tag},
                                   {"performer", effect.performer},
                                   {"what", effect.what}};
    batch.dues.push_back({"f/" + id + ":" + effect.tag, event.at, "effect", body});
  }
  for (const Turn::Timer& timer : turn.timers)
    batch.dues.push_back({"t/" + id + "/" + timer.id, timer.at, "timer",
                          Json::Object{{"instance", id}, {"id", timer.id}}});
  for (const Turn::Subscription& sub : turn.subscriptions)
    batch.PutDocument(SubscriptionKey(id, sub.id), sub.pattern);
  return batch;
}

void Engine::Core::Apply(const std::string& id, const Batch& batch, const Turn& turn) {
  for (const std::string& due : batch.due_removals) Forget(due);
  const Key prefix = SubscriptionKey(id, "");
  for (const Key& key : batch.deletes)
    if (key.starts_with(prefix)) subscriptions_.erase(key);
  if (!turn.is_finished)
    for (const Turn::Subscription& sub : turn.subscriptions)
      subscriptions_[SubscriptionKey(id, sub.id)] = {id, sub.id, sub.pattern};
  Notice(batch.dues);
  for (const std::string& topic : turn.notices) Wake(topic);
}

Task<> Engine::Core::Perform(std::string due_id, uint64_t generation) {
  for (int attempt = 1; IsCurrent(due_id, generation) && !is_draining_; ++attempt) {
    const Due due = dues_.at(due_id).due;
    const auto result = co_await PerformOnce(due, attempt);
    if (!IsCurrent(due_id, generation)) co_return Result<>();  // cancelled meanwhile
    const bool is_delivery = due.kind == "delivery";
    const bool again = !result && (result.error().code == Code::kUnavailable || is_delivery);
    if (again && !(is_delivery && attempt >= kDeliveryAttempts)) {
      MILL_LOG(kWarn,
               due_id + " tried again: " + result.error().name + ": " + result.error().message);
      const Time at = clock_.Now() + RetryDelay(attempt);
      MILL_CO_CHECK(co_await clock_.SleepUntil(at));
      continue;
    }
    if (is_delivery) {
      if (!result) MILL_LOG(kError, due_id + " dropped: " + result.error().message);
      co_return co_await Drop(due_id);
    }
    Json::Object data{{"tag", due.body["tag"]}};
    if (result)
      data.Add("output", *result);
    else
      data.Add("error",
               Json::Object{{"name", result.error().name}, {"message", result.error().message}});
    Enqueue(due.body.StringOr("instance", ""), {due_id, generation, "effect", data});
    co_return Result<>();
  }
  co_return Result<>();
}

Task<Json> Engine::Core::PerformOnce(Due due, int attempt) {
  const auto performer = performers_.find(due.body.StringOr("performer", ""));
  if (performer == performers_.end())
    co_return Error{Code::kInternal, "InternalFailure",
                    "no performer '" + due.body.StringOr("performer", "") + "'"};
  Performance performance;
  performance.instance_id = due.body.StringOr("instance", "");
  performance.effect_id = due.kind == "delivery"
                              ? due.id
                              : performance.instance_id + ":" + due.body.StringOr("tag", "");
  performance.what = due.body["what"];
  performance.attempt = attempt;
  co_return co_await performer->second(std::move(performance));
}

/// One event: who wants it is settled in one commit, each then gets it on its own.
Task<> Engine::Core::Deliver(std::string due_id, uint64_t generation) {
  for (int attempt = 1; IsCurrent(due_id, generation) && !is_draining_; ++attempt) {
    const Json event = dues_.at(due_id).due.body;
    const std::string event_id = due_id.substr(2);
    const Time now = clock_.Now();
    Batch batch;
    batch.due_removals.push_back(due_id);
    std::vector<const Subscriber*> all;
    for (const Subscriber& subscriber : subscribers_) all.push_back(&subscriber);
    for (const auto& [id, subscriber] : durable_) all.push_back(&subscriber);
    for (const Subscriber* each : all) {
      const Subscriber& subscriber = *each;
      if (!matcher_(subscriber.pattern, event)) continue;
      const Json what = subscriber.with.With("event", event);
      const Json body = Json::Object{{"performer", subscriber.performer}, {"what", what}};
      batch.dues.push_back({"d/" + event_id + "/" + subscriber.id, now, "delivery", body});
    }
    for (const auto& [key, sub] : subscriptions_) {
      if (!matcher_(sub.pattern, event)) continue;
      const Json data = Json::Object{{"subscription", sub.id}, {"event", event}};
      const Json body = Json::Object{{"instance", sub.instance}, {"kind", "event"}, {"data", data}};
      batch.dues.push_back({"in/" + event_id + "/" + key, now, "inbox", body});
    }
    const std::vector<Due> dues = batch.dues;
    const auto done = co_await store_.Commit(std::move(batch));
    if (done) {
      Forget(due_id);
      Notice(dues);
      co_return Result<>();
    }
    MILL_LOG(kError,
             "event " + event_id + " is not delivered, tried again: " + done.error().message);
    const Time again = clock_.Now() + RetryDelay(attempt);
    MILL_CO_CHECK(co_await clock_.SleepUntil(again));
  }
  co_return Result<>();
}

Task<> Engine::Core::Drop(std::string due_id) {
  Batch batch;
  batch.due_removals.push_back(due_id);
  const auto known = dues_.find(due_id);
  if (known != dues_.end() && known->second.due.kind == "effect")
    batch.Delete(AnswerKey(due_id.substr(2)));
  if (known != dues_.end() && known->second.due.kind == "delivery") batch.Delete(AnswerKey(due_id));
  MILL_CO_CHECK(co_await store_.Commit(std::move(batch)));
  Forget(due_id);
  co_return Result<>();
}

Task<> Engine::Core::Recover() {
  Time at{Millis(INT64_MIN)};
  std::string id;
  for (;;) {
    MILL_CO_TRY(auto dues, co_await store_.FindDue(at, id, kPage));
    const bool is_last = dues.size() < kPage;
    if (!dues.empty()) {
      at = dues.back().at;
      id = dues.back().id;
    }
    for (Due& due : dues) Remember(std::move(due));
    if (is_last) break;
  }
  Key from = "engine/subscription/";
  const Key to = PrefixEnd(from);
  for (;;) {
    MILL_CO_TRY(const auto documents, co_await store_.Range(from, to, Direction::kForward, kPage));
    for (const Document& document : documents) {
      const auto parts = KeyParts(document.key);
      subscriptions_[document.key] = {parts.at(2), parts.at(3), document.body};
    }
    if (documents.size() < kPage) break;
    from = documents.back().key + '\0';
  }
  MILL_CO_CHECK(co_await AskWaitersToLook());
  is_recovered_ = true;
  Dispatch();
  co_return Result<>();
}

/// An event that was lost (its sender's batch was not written by this engine's rules, or a service
/// outside ended while nobody ran) must not leave a waiter waiting for ever.
Task<> Engine::Core::AskWaitersToLook() {
  const Time now = clock_.Now();
  const Json event = Json::Object{{"source", kRecovered}, {"detail-type", "Recovered"}};
  std::vector<Due> dues;
  for (const auto& [key, sub] : subscriptions_) {
    const Json data = Json::Object{{"subscription", sub.id}, {"event", event}};
    const Json body = Json::Object{{"instance", sub.instance}, {"kind", "event"}, {"data", data}};
    dues.push_back({"in/recovered/" + key, now, "inbox", body});
  }
  for (size_t from = 0; from < dues.size(); from += kPage) {
    Batch batch;
    const size_t to = std::min<size_t>(dues.size(), from + kPage);
    batch.dues.assign(dues.begin() + static_cast<long>(from), dues.begin() + static_cast<long>(to));
    MILL_CO_CHECK(co_await store_.Commit(std::move(batch)));
  }
  for (const Due& due : dues) Remember(due);
  co_return Result<>();
}

Task<> Engine::Core::Commit(Batch batch) {
  TurnEventsIntoDues(batch, clock_.Now(), random_);
  const std::vector<Due> dues = batch.dues;
  const std::vector<std::string> removals = batch.due_removals;
  MILL_CO_CHECK(co_await store_.Commit(std::move(batch)));
  for (const std::string& id : removals) Forget(id);
  Notice(dues);
  co_return Result<>();
}

Task<std::vector<Json>> Engine::Core::History(std::string instance_id) {
  std::vector<Json> history;
  uint64_t from = 1;
  for (;;) {
    MILL_CO_TRY(const auto records,
                co_await store_.Read(StreamOf(instance_id), from, Direction::kForward, kPage));
    for (const Record& record : records)
      if (const Json* kept = record.body.Find("h"))
        history.insert(history.end(), kept->items().begin(), kept->items().end());
    if (records.size() < kPage) co_return history;
    from = records.back().sequence + 1;
  }
}

/// The days are walked from the first that may hold something; what a crash leaves is met again.
Task<int> Engine::Core::Collect(Time until) {
  MILL_CO_TRY(const auto collected, co_await store_.Get(kCollectedKey));
  if (!collected) {
    Batch batch;
    batch.PutDocument(kCollectedKey, Json::Object{{"from", DayOf(clock_.Now())}});
    MILL_CO_CHECK(co_await store_.Commit(std::move(batch)));
    co_return 0;
  }
  const std::string end = DayOf(until);
  std::string day = collected->body.StringOr("from", end);
  int count = 0;
  while (day < end) {
    MILL_CO_TRY(const Time start, ParseIso(day + "T00:00:00Z"));
    const std::string next = DayOf(start + kDay);
    MILL_CO_TRY(const int of_day, co_await CollectDay(day, next));
    count += of_day;
    day = next;
  }
  co_return count;
}

Task<int> Engine::Core::CollectDay(std::string day, std::string next) {
  int count = 0;
  uint64_t from = 1;
  for (;;) {
    MILL_CO_TRY(const auto records, co_await store_.Read(EndedStream(day), from,
                                                         Direction::kForward, kCollectedAtOnce));
    Batch batch;
    for (const Record& record : records) {
      const std::string id = record.body.StringOr("id", "");
      MILL_CO_TRY(const auto instance, co_await store_.Get(InstanceKey(id)));
      // Opened again since: it stands in the stream of a later day, or is not at its end.
      if (!instance || instance->body.StringOr("ended", "") != day) continue;
      batch.expects.push_back({instance->key, instance->version});
      batch.Delete(instance->key);
      batch.stream_deletes.push_back(StreamOf(id));
    }
    count += static_cast<int>(batch.stream_deletes.size());
    const bool is_last = records.size() < kCollectedAtOnce;
    if (!records.empty()) from = records.back().sequence + 1;
    if (is_last) {
      batch.stream_deletes.push_back(EndedStream(day));
      batch.PutDocument(kCollectedKey, Json::Object{{"from", next}});
    }
    MILL_CO_CHECK(co_await store_.Commit(std::move(batch)));
    if (is_last) co_return count;
  }
}

Task<HistoryPage> Engine::Core::ReadHistory(std::string instance_id, HistoryCursor from,
                                            Direction direction, size_t limit) {
  const bool is_forward = direction == Direction::kForward;
  HistoryPage page;
  uint64_t at = is_forward ? std::max<uint64_t>(from.record, 1) : from.record;
  size_t skip = from.entry;
  for (;;) {
    const size_t wanted = std::min<size_t>(kPage, limit - page.entries.size() + 1);
    MILL_CO_TRY(const auto records, co_await store_.Read(StreamOf(instance_id), at, direction,
                                                         static_cast<int>(wanted)));
    for (const Record& record : records) {
      const Json* kept = record.body.Find("h");
      const size_t count = kept ? kept->size() : 0;
      for (size_t i = skip; i < count; ++i) {
        if (page.entries.size() == limit) {
          page.next = HistoryCursor{record.sequence, i};
          co_return page;
        }
        page.entries.push_back(kept->At(is_forward ? i : count - 1 - i));
      }
      skip = 0;
    }
    const bool is_last = records.size() < wanted || (!is_forward && records.back().sequence == 1);
    if (is_last) co_return page;
    at = is_forward ? records.back().sequence + 1 : records.back().sequence - 1;
  }
}

void Engine::Core::Wake(const std::string& name) {
  Topic& topic = topics_[name];
  topic.woken_at = ++moment_;
  const std::unique_ptr<Signal> signal = std::move(topic.signal);
  if (signal) signal->Set();
}

Task<> Engine::Core::WaitFor(std::string name, uint64_t moment, Time until) {
  Topic& topic = topics_[name];
  if (topic.woken_at > moment || clock_.Now() >= until) co_return Result<>();
  if (!topic.signal) topic.signal = std::make_unique<Signal>();
  Signal& signal = *topic.signal;
  const uint64_t wake = clock_.WakeAt(until, [this, name] { Wake(name); });
  MILL_CO_CHECK(co_await signal.Wait());
  clock_.Cancel(wake);
  co_return Result<>();
}

Task<> Engine::Core::ExpectInstance(Batch& batch, std::string instance_id) {
  MILL_CO_TRY(const auto document, co_await store_.Get(InstanceKey(instance_id)));
  if (!document) co_return Error{Code::kNotFound, "InstanceNotFound", "no instance " + instance_id};
  batch.expects.push_back({document->key, document->version});
  co_return Result<>();
}

Engine::Engine(Store& store, Clock& clock, Random& random, Spawner& spawner, Matcher matcher)
    : core_(std::make_unique<Core>(store, clock, random, spawner, std::move(matcher))) {}
Engine::~Engine() = default;

void Engine::AddMachine(std::string name, std::unique_ptr<Machine> machine) {
  core_->machines_[std::move(name)] = std::move(machine);
}
void Engine::AddPerformer(std::string name, Performer performer) {
  core_->performers_[std::move(name)] = std::move(performer);
}
void Engine::AddSubscriber(std::string id, Json pattern, std::string performer, Json with) {
  core_->subscribers_.push_back(
      {std::move(id), std::move(pattern), std::move(performer), std::move(with)});
}

void Engine::Start(Batch& batch, const std::string& instance_id, std::string_view machine,
                   Json data, Key shared) {
  MILL_ASSERT(core_->machines_.find(machine) != core_->machines_.end());
  AddStart(batch, instance_id, machine, std::move(data), core_->clock_.Now(), std::move(shared),
           core_->NewPostId());
}

Task<> Engine::Reopen(Batch& batch, std::string instance_id, std::string kind, Json data) {
  MILL_CO_CHECK(co_await core_->ExpectInstance(batch, instance_id));
  AddReopen(batch, instance_id, kind, std::move(data), core_->clock_.Now(), core_->NewPostId());
  co_return Result<>();
}

void Engine::Deliver(Batch& batch, const std::string& id, std::string_view performer, Json what) {
  MILL_ASSERT(core_->performers_.find(performer) != core_->performers_.end());
  const Json body = Json::Object{{"performer", performer}, {"what", std::move(what)}};
  batch.dues.push_back({"w/" + id, core_->clock_.Now(), "delivery", body});
}

void Engine::Post(Batch& batch, const std::string& instance_id, std::string_view kind, Json data) {
  AddPost(batch, instance_id, kind, std::move(data), core_->clock_.Now(), core_->NewPostId());
}

void Engine::Subscribe(Batch& batch, const std::string& id, Json pattern,
                       std::string_view performer, Json with) {
  const Json body = Json::Object{
      {"pattern", std::move(pattern)}, {"performer", performer}, {"with", std::move(with)}};
  batch.dues.push_back({"s/" + id, core_->clock_.Now(), "subscription", body});
}

void Engine::Unsubscribe(Batch& batch, const std::string& id) {
  batch.due_removals.push_back("s/" + id);
  batch.dues.push_back({"u/" + core_->random_.NewUuid(), core_->clock_.Now(), "subscription",
                        Json::Object{{"gone", "s/" + id}}});
}

Task<int> Engine::Collect(Time until) { return core_->Collect(until); }

uint64_t Engine::Moment() const { return core_->moment_; }
Task<> Engine::WaitFor(std::string topic, uint64_t moment, Time until) {
  return core_->WaitFor(std::move(topic), moment, until);
}
void Engine::Wake(const std::string& topic) { core_->Wake(topic); }
void Engine::Forget(const std::string& topic) { core_->topics_.erase(topic); }
const Machine* Engine::FindMachine(std::string_view name) const {
  const auto found = core_->machines_.find(name);
  return found == core_->machines_.end() ? nullptr : found->second.get();
}
void Engine::Notice(std::vector<Due> dues) { core_->Notice(std::move(dues)); }
Task<> Engine::Recover() { return core_->Recover(); }
Task<> Engine::Commit(Batch batch) { return core_->Commit(std::move(batch)); }
Task<std::vector<Json>> Engine::History(std::string instance_id) {
  return core_->History(std::move(instance_id));
}
Task<HistoryPage> Engine::ReadHistory(std::string instance_id, HistoryCursor from,
                                      Direction direction, size_t limit) {
  return core_->ReadHistory(std::move(instance_id), from, direction, limit);
}

Task<> Engine::Drain() {
  core_->is_draining_ = true;
  co_return co_await core_->store_.Settle();
}

std::unique_ptr<Machine> JsonMachine(StepFunction step) {
  return std::make_unique<PureMachine>(step);
}

}  // namespace stepmill
