// How the loop stands in the store:
//   document engine/instance/ID       {"machine", "is_finished", "ended": day}
//   stream   ended/YYYY-MM-DD         {"id"}: the instances that finished on that day
//   document engine/collected         {"from"}: the first day whose instances are still there
//   document engine/subscription/INSTANCE/SUB   the pattern
//   stream   i/ID                     one record a turn: {"k": kind, "at": ms, "n": entropy,
//                                     "d": data, "s": key of the shared document, "h": history}
// and what is due:
//   inbox     in/ID              {"instance", "kind", "data", "shared", "reopens"}
//   timer     t/INSTANCE/ID      {"instance", "id"}
//   effect    f/INSTANCE:TAG     {"instance", "tag", "performer", "what"}
//   delivery  d/EVENT/SUBSCRIBER {"performer", "what"}; w/ID for work without an instance
//   sweep     x/ID               {"id"}: answers to parts of its effects go
//   subscription  s/ID           {"pattern", "performer", "with"}: never done, stays until removed
//                 u/UUID         {"gone": "s/ID"}: tells the engine so; done at once
// A due is removed by the same batch that records what came of it.
#include "engine/engine.h"

#include <algorithm>
#include <deque>
#include <list>
#include <set>
#include <unordered_map>

#include "base/log.h"
#include "base/strings.h"
#include "engine/due_list.h"
#include "engine/router.h"
#include "engine/topics.h"
#include "engine/turns.h"

namespace stepmill {
namespace {

constexpr int kPage = 1000;           // documents or records a read
constexpr int kDeliveryAttempts = 8;  // of an event to a static subscriber, then it is dropped
constexpr size_t kSharedMax = 256;    // documents that instances start from, kept in memory
constexpr Seconds kRetryMax{60};
constexpr int kCollectedAtOnce = 200;  // instances whose records go in one commit
constexpr Seconds kDay{24 * 3600};
constexpr size_t kPostDigits = 12;
constexpr char kCollectedKey[] = "engine/collected";

std::string StreamOf(const std::string& instance) { return "i/" + instance; }
std::string EffectDue(const std::string& instance, const std::string& tag) {
  return "f/" + instance + ":" + tag;
}
std::string TimerDue(const std::string& instance, const std::string& timer) {
  return "t/" + instance + "/" + timer;
}

std::string DayOf(Time at) { return FormatTime(at, "%Y-%m-%d"); }
std::string EndedStream(const std::string& day) { return "ended/" + day; }

Seconds RetryDelay(int attempt) {
  return std::min(kRetryMax, Seconds(1LL << std::min(attempt - 1, 6)));
}

Json RecordOf(const Event& event, const Key& shared, const Json& history) {
  Json::Object record;
  record.Add("k", event.kind);
  record.Add("at", MillisSinceEpoch(event.at));
  record.Add("n", static_cast<unsigned long>(event.entropy));
  record.Add("d", event.data);
  if (!shared.empty()) record.Add("s", shared);
  if (!history.is_null()) record.Add("h", history);
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

const Json* FindPut(const Batch& batch, const Key& key) {
  for (const Batch::Put& put : batch.puts)
    if (put.key == key) return &put.body;
  return nullptr;
}

/// Of several puts of one document in a batch the last counts.
void PutLast(Batch& batch, Key key, Json body) {
  for (Batch::Put& put : batch.puts) {
    if (put.key != key) continue;
    put.body = std::move(body);
    return;
  }
  batch.PutDocument(std::move(key), std::move(body));
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
  Core(Store& store, Clock& clock, Random& random, Spawner& spawner, Matcher matcher,
       EngineBounds bounds)
      : store_(store),
        clock_(clock),
        random_(random),
        router_(std::move(matcher), random),
        topics_(clock),
        spawner_(spawner),
        bounds_(bounds),
        dues_(store, bounds.dues_ahead, [this](const Due& due) { TakeSubscription(due); }) {}
  ~Core() {
    if (wake_) clock_.Cancel(wake_);
  }

  Task<> Recover();
  Task<> Commit(Batch batch);
  Task<int> Collect(Time until);
  Task<> ExpectInstance(Batch& batch, std::string instance_id);

  std::map<std::string, std::unique_ptr<Machine>, std::less<>> machines_;
  std::map<std::string, Performer, std::less<>> performers_;
  Store& store_;
  Clock& clock_;
  Random& random_;
  Router router_;
  Topics topics_;
  bool is_draining_ = false;
  uint64_t posted_ = 0;  // by this process

  /// Dues of one time go by their ids: what is posted first arrives first.
  std::string NewPostId() {
    std::string number = std::to_string(++posted_);
    number.insert(0, kPostDigits - std::min(kPostDigits, number.size()), '0');
    return number + "-" + random_.NewUuid();
  }

 private:
  /// Something that came for an instance: an inbox or timer due, or the end of an effect.
  struct Waiting {
    std::string due_id;
    uint64_t generation = 0;
    std::string kind;
    Json data;
    Key shared = {};
    bool reopens = false;
  };
  struct Slot {
    std::unique_ptr<Instance> instance;  // null: to be loaded
    std::string machine;
    bool was_finished = false;  // what is in memory is being opened again
    bool has_effects = false;   // had some, ever
    uint64_t newest = 0;        // sequence of the stream's last record
    Time last_at{};
    std::set<std::string> open;  // ids of its timers and effects that are due
    std::deque<Waiting> queue;
    bool is_running = false;
    std::list<std::string>::iterator idle{};  // its place in idle_ while it is not running
  };
  /// A turn on its way to the store.
  struct Draft {
    Batch batch;
    Turn turn;
  };
  /// An instance whose first turn is in the batch at hand.
  struct Begun {
    std::string id;
    std::shared_ptr<Slot> slot;
    Turn turn;
  };

  void Remember(Due due);
  void TakeSubscription(const Due& due);
  void Forget(const std::string& due_id) { dues_.Remove(due_id); }
  bool IsCurrent(const std::string& due_id, uint64_t generation) const {
    return dues_.Find(due_id, generation) != nullptr;
  }
  void TakeUp(std::vector<Due> dues, const std::vector<std::string>& removals);
  void Dispatch();
  void DispatchOne(const DueList::Known& known);
  Task<> ReadMoreDues();
  void Enqueue(const std::string& instance, Waiting waiting);
  Task<> RunSlot(std::string id, std::shared_ptr<Slot> slot);
  void Park(const std::string& id, Slot& slot);
  Task<bool> Load(const std::string& id, Slot& slot, bool reopens);
  Task<Json> Shared(Key key);
  Task<> RunTurn(const std::string& id, Slot& slot, const Waiting& waiting);
  Draft MakeDraft(const std::string& id, Slot& slot, const Event& event, const Waiting& cause);
  void Finish(const std::string& id, Slot& slot, const Event& event, Batch& batch);
  static void Note(const std::string& id, Slot& slot, const Event& event, const Turn& turn);
  Task<std::vector<Begun>> Begin(Batch& batch);
  void Apply(const std::string& id, const Turn& turn);
  Task<> Perform(std::string due_id, uint64_t generation);
  Task<Json> PerformOnce(Due due, int attempt);
  Task<> Sweep(std::string due_id);
  Task<> AskWaitersToLook();
  Task<int> CollectDay(std::string day, std::string next);
  Task<> Drop(std::string due_id);

  Spawner& spawner_;
  bool is_recovered_ = false;
  uint64_t wake_ = 0;
  const EngineBounds bounds_;
  DueList dues_;
  std::unordered_map<std::string, std::shared_ptr<Slot>> slots_;
  std::list<std::string> idle_;  // instances in memory that wait, the longest first
  std::unordered_map<Key, Json> shared_;
  std::deque<Key> shared_order_;  // the oldest goes first
};

// -- what is due ----------------------------------------------------------------------------------

void Engine::Core::Remember(Due due) {
  if (due.kind == "subscription") return TakeSubscription(due);
  dues_.Add(std::move(due), clock_.Now());
}

void Engine::Core::TakeSubscription(const Due& due) {
  // Found at recovery, the news that one is gone is stale: it is not in the store any more.
  const bool is_gone = due.body.Has("gone");
  if (!is_gone || is_recovered_) router_.TakeDurable(due);
  if (is_gone) spawner_.Spawn("drop " + due.id, Drop(due.id));
}

void Engine::Core::TakeUp(std::vector<Due> dues, const std::vector<std::string>& removals) {
  for (const std::string& id : removals) Forget(id);
  for (Due& due : dues) Remember(std::move(due));
  Dispatch();
}

void Engine::Core::Dispatch() {
  if (!is_recovered_ || is_draining_) return;
  const Time now = clock_.Now();
  while (const DueList::Known* known = dues_.Take(now)) DispatchOne(*known);
  if (dues_.is_short()) spawner_.Spawn("read what is due", ReadMoreDues());
  if (wake_) clock_.Cancel(wake_);
  wake_ = 0;
  const auto next = dues_.Next();
  if (!next || *next <= now) return;  // what is left of now is being read
  wake_ = clock_.WakeAt(*next, [this] {
    wake_ = 0;
    Dispatch();
  });
}

Task<> Engine::Core::ReadMoreDues() {
  while (dues_.is_short()) {
    const auto read = co_await dues_.ReadMore();
    if (read) continue;
    MILL_LOG(kError, "what is due is not read, tried again: " + read.error().message);
    const Time again = clock_.Now() + RetryDelay(1);
    MILL_CO_CHECK(co_await clock_.SleepUntil(again));
  }
  Dispatch();
  co_return Result<>();
}

void Engine::Core::DispatchOne(const DueList::Known& known) {
  const Due& due = known.due;
  const std::string instance = due.body.StringOr("instance", "");
  if (due.kind == "inbox") {
    Enqueue(instance, {due.id, known.generation, due.body.StringOr("kind", ""), due.body["data"],
                       due.body.StringOr("shared", ""), due.body.BoolOr("reopens", false)});
  } else if (due.kind == "timer") {
    Enqueue(instance, {due.id, known.generation, "timer", Json::Object{{"id", due.body["id"]}}});
  } else if (due.kind == "sweep") {
    spawner_.Spawn("sweep " + due.id, Sweep(due.id));
  } else {
    MILL_ASSERT(due.kind == "effect" || due.kind == "delivery");
    spawner_.Spawn("perform " + due.id, Perform(due.id, known.generation));
  }
}

// -- instances ------------------------------------------------------------------------------------

void Engine::Core::Enqueue(const std::string& instance, Waiting waiting) {
  std::shared_ptr<Slot>& slot = slots_[instance];
  const bool is_new = !slot;
  if (is_new) slot = std::make_shared<Slot>();
  slot->queue.push_back(std::move(waiting));
  if (slot->is_running) return;
  slot->is_running = true;
  if (!is_new) idle_.erase(slot->idle);
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
  Park(id, *slot);
  co_return Result<>();
}

/// Nothing is to be done for it now.
void Engine::Core::Park(const std::string& id, Slot& slot) {
  slot.is_running = false;
  if (!slot.instance && slot.queue.empty()) {
    slots_.erase(id);
    return;
  }
  slot.idle = idle_.insert(idle_.end(), id);
  if (idle_.size() <= bounds_.idle_instances) return;
  slots_.erase(idle_.front());
  idle_.pop_front();
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
  slot.open.clear();
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
      Note(id, slot, event, slot.instance->Advance(event));  // committed with this record
    }
    if (records.size() < kPage) co_return true;
  }
}

/// What is due of the instance after a turn.
void Engine::Core::Note(const std::string& id, Slot& slot, const Event& event, const Turn& turn) {
  if (event.kind == "effect") slot.open.erase(EffectDue(id, event.data.StringOr("tag", "")));
  if (event.kind == "timer") slot.open.erase(TimerDue(id, event.data.StringOr("id", "")));
  for (const std::string& tag : turn.effect_cancels) slot.open.erase(EffectDue(id, tag));
  for (const std::string& timer : turn.timer_cancels) slot.open.erase(TimerDue(id, timer));
  if (turn.is_finished) return slot.open.clear();
  for (const Effect& effect : turn.effects) slot.open.insert(EffectDue(id, effect.tag));
  for (const Turn::Timer& timer : turn.timers) slot.open.insert(TimerDue(id, timer.id));
  slot.has_effects = slot.has_effects || !turn.effects.empty();
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
  Draft draft = MakeDraft(id, slot, event, waiting);
  draft.batch.due_removals.push_back(waiting.due_id);
  std::vector<Due> dues = draft.batch.dues;
  const std::vector<std::string> removals = draft.batch.due_removals;
  const std::vector<std::string> notices = std::exchange(draft.batch.notices, {});
  MILL_CO_CHECK(co_await store_.Commit(std::move(draft.batch)));
  if (draft.turn.is_finished) slot.instance.reset();
  Apply(id, draft.turn);
  for (const std::string& topic : notices) topics_.Wake(topic);
  TakeUp(std::move(dues), removals);
  co_return Result<>();
}

/// Advances the instance; what follows is in the batch, and in memory once that is committed. When
/// the commit fails the instance is loaded anew.
Engine::Core::Draft Engine::Core::MakeDraft(const std::string& id, Slot& slot, const Event& event,
                                            const Waiting& cause) {
  Draft draft{.batch = {}, .turn = slot.instance->Advance(event)};
  Turn& turn = draft.turn;
  Batch& batch = draft.batch;
  batch = std::move(turn.writes);
  std::vector<Router::Subscription> more;
  for (const Turn::Subscription& sub : turn.subscriptions)
    more.push_back({id, sub.id, sub.pattern});
  router_.Route(batch, event.at, more);
  batch.stream_expects.push_back({StreamOf(id), slot.newest});
  batch.AppendTo(StreamOf(id), RecordOf(event, cause.shared, turn.history));
  if (event.kind == "effect") batch.Delete(AnswerKey(id + ":" + event.data.StringOr("tag", "")));
  for (const std::string& tag : turn.effect_cancels) {
    batch.due_removals.push_back(EffectDue(id, tag));
    batch.Delete(AnswerKey(id + ":" + tag));
  }
  for (const std::string& timer : turn.timer_cancels)
    batch.due_removals.push_back(TimerDue(id, timer));
  for (const std::string& sub : turn.unsubscriptions)
    batch.Delete(Router::SubscriptionKey(id, sub));
  if (turn.is_finished) {
    Finish(id, slot, event, batch);
  } else {
    if (slot.was_finished) PutLast(batch, InstanceKey(id), Json::Object{{"machine", slot.machine}});
    for (const Effect& effect : turn.effects) {
      const Json body = Json::Object{{"instance", id},
                                     {"tag", effect.tag},
                                     {"performer", effect.performer},
                                     {"what", effect.what}};
      batch.dues.push_back({EffectDue(id, effect.tag), event.at, "effect", body});
    }
    for (const Turn::Timer& timer : turn.timers)
      batch.dues.push_back({TimerDue(id, timer.id), timer.at, "timer",
                            Json::Object{{"instance", id}, {"id", timer.id}}});
    for (const Turn::Subscription& sub : turn.subscriptions)
      batch.PutDocument(Router::SubscriptionKey(id, sub.id), sub.pattern);
  }
  Note(id, slot, event, turn);
  slot.last_at = event.at;
  ++slot.newest;
  slot.was_finished = false;
  return draft;
}

/// All that is open of it goes, but what opens it again.
void Engine::Core::Finish(const std::string& id, Slot& slot, const Event& event, Batch& batch) {
  batch.due_removals.insert(batch.due_removals.end(), slot.open.begin(), slot.open.end());
  for (std::string& due : dues_.OfInstance(id))
    if (!dues_.Find(due)->due.body.BoolOr("reopens", false) && !slot.open.contains(due))
      batch.due_removals.push_back(std::move(due));
  for (Key& key : router_.SubscriptionsOf(id)) batch.Delete(std::move(key));
  const std::string day = DayOf(event.at);
  PutLast(batch, InstanceKey(id),
          Json::Object{{"machine", slot.machine}, {"is_finished", true}, {"ended", day}});
  batch.AppendTo(EndedStream(day), Json::Object{{"id", id}});
  if (slot.has_effects)
    batch.dues.push_back({"x/" + id, event.at, "sweep", Json::Object{{"id", id}}});
}

/// What a committed turn changes in memory, beside what is due.
void Engine::Core::Apply(const std::string& id, const Turn& turn) {
  for (const std::string& sub : turn.unsubscriptions)
    router_.RemoveSubscription(Router::SubscriptionKey(id, sub));
  if (turn.is_finished) {
    for (const Key& key : router_.SubscriptionsOf(id)) router_.RemoveSubscription(key);
  } else {
    for (const Turn::Subscription& sub : turn.subscriptions)
      router_.AddSubscription(Router::SubscriptionKey(id, sub.id), sub.pattern);
  }
}

// -- calls ----------------------------------------------------------------------------------------

/// Runs the first turn of what the batch starts, into the batch. What that starts in its turn has
/// its own commits.
Task<std::vector<Engine::Core::Begun>> Engine::Core::Begin(Batch& batch) {
  std::vector<Begun> all;
  if (!is_recovered_ || is_draining_) co_return all;
  const Time now = clock_.Now();
  size_t end = batch.dues.size();
  for (size_t i = 0; i < end;) {
    const Due due = batch.dues[i];
    const std::string id = due.body.StringOr("instance", "");
    const bool is_start = due.kind == "inbox" && due.at <= now &&
                          due.body.StringOr("kind", "") == "start" && !slots_.contains(id);
    if (!is_start) {
      ++i;
      continue;
    }
    Waiting cause{due.id, 0, "start", due.body["data"], due.body.StringOr("shared", "")};
    Event event{
        .kind = "start", .at = now, .entropy = random_.Next(), .data = cause.data, .shared = {}};
    if (const Json* put = FindPut(batch, cause.shared)) {
      event.shared = *put;
    } else if (!cause.shared.empty()) {
      MILL_CO_TRY(event.shared, co_await Shared(cause.shared));
    }
    const Json* const document = FindPut(batch, InstanceKey(id));
    MILL_ASSERT(document);
    const auto machine = machines_.find(document->StringOr("machine", ""));
    MILL_ASSERT(machine != machines_.end());
    Begun begun{.id = id, .slot = std::make_shared<Slot>(), .turn = {}};
    begun.slot->is_running = true;
    begun.slot->machine = machine->first;
    begun.slot->instance = machine->second->Create(id);
    Draft draft = MakeDraft(id, *begun.slot, event, cause);
    batch.dues.erase(batch.dues.begin() + static_cast<long>(i));
    --end;
    for (Batch::Put& each : draft.batch.puts) PutLast(batch, std::move(each.key), each.body);
    draft.batch.puts.clear();
    batch.Merge(std::move(draft.batch));
    begun.turn = std::move(draft.turn);
    slots_[id] = begun.slot;
    all.push_back(std::move(begun));
  }
  co_return all;
}

Task<> Engine::Core::Commit(Batch batch) {
  MILL_CO_TRY(const auto begun, co_await Begin(batch));
  router_.Route(batch, clock_.Now());
  std::vector<Due> dues = batch.dues;
  const std::vector<std::string> removals = batch.due_removals;
  const std::vector<std::string> notices = std::exchange(batch.notices, {});
  const auto committed = co_await store_.Commit(std::move(batch));
  for (const Begun& each : begun) {
    if (!committed || each.turn.is_finished) each.slot->instance.reset();
    if (committed) Apply(each.id, each.turn);
    if (each.slot->queue.empty()) {
      Park(each.id, *each.slot);
    } else {
      spawner_.Spawn("run " + each.id, RunSlot(each.id, each.slot));
    }
  }
  if (!committed) co_return committed.error();
  for (const std::string& topic : notices) topics_.Wake(topic);
  TakeUp(std::move(dues), removals);
  co_return Result<>();
}

// -- effects --------------------------------------------------------------------------------------

Task<> Engine::Core::Perform(std::string due_id, uint64_t generation) {
  for (int attempt = 1; IsCurrent(due_id, generation) && !is_draining_; ++attempt) {
    const Due due = dues_.Find(due_id)->due;
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

Task<> Engine::Core::Drop(std::string due_id) {
  Batch batch;
  batch.due_removals.push_back(due_id);
  if (const DueList::Known* known = dues_.Find(due_id)) {
    if (known->due.kind == "effect") batch.Delete(AnswerKey(due_id.substr(2)));
    if (known->due.kind == "delivery") batch.Delete(AnswerKey(due_id));
  }
  MILL_CO_CHECK(co_await store_.Commit(std::move(batch)));
  Forget(due_id);
  co_return Result<>();
}

/// A performer that asks several things keeps their answers under ids of its own, "INSTANCE:TAG:X".
/// Nobody asks for them once the instance has ended.
Task<> Engine::Core::Sweep(std::string due_id) {
  const std::string id = dues_.Find(due_id)->due.body.StringOr("id", "");
  const Key from = AnswerKey(id + ":");
  for (;;) {
    MILL_CO_TRY(const auto answers,
                co_await store_.Range(from, PrefixEnd(from), Direction::kForward, kPage));
    Batch batch;
    for (const Document& answer : answers) batch.Delete(answer.key);
    const bool is_last = answers.size() < kPage;
    if (is_last) batch.due_removals.push_back(due_id);
    MILL_CO_CHECK(co_await store_.Commit(std::move(batch)));
    if (!is_last) continue;
    Forget(due_id);
    co_return Result<>();
  }
}

// -- recovery and retention -----------------------------------------------------------------------

Task<> Engine::Core::Recover() {
  while (dues_.is_behind(clock_.Now())) MILL_CO_CHECK(co_await dues_.ReadMore());
  Key from = "engine/subscription/";
  const Key to = PrefixEnd(from);
  for (;;) {
    MILL_CO_TRY(const auto documents, co_await store_.Range(from, to, Direction::kForward, kPage));
    for (const Document& document : documents) router_.AddSubscription(document.key, document.body);
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
  std::vector<Due> dues = router_.AskAll(now);
  for (size_t from = 0; from < dues.size(); from += kPage) {
    Batch batch;
    const size_t to = std::min<size_t>(dues.size(), from + kPage);
    batch.dues.assign(dues.begin() + static_cast<long>(from), dues.begin() + static_cast<long>(to));
    MILL_CO_CHECK(co_await store_.Commit(std::move(batch)));
  }
  for (Due& due : dues) Remember(std::move(due));
  co_return Result<>();
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

Task<> Engine::Core::ExpectInstance(Batch& batch, std::string instance_id) {
  MILL_CO_TRY(const auto document, co_await store_.Get(InstanceKey(instance_id)));
  if (!document) co_return Error{Code::kNotFound, "InstanceNotFound", "no instance " + instance_id};
  batch.expects.push_back({document->key, document->version});
  co_return Result<>();
}

Engine::Engine(Store& store, Clock& clock, Random& random, Spawner& spawner, Matcher matcher,
               EngineBounds bounds)
    : core_(std::make_unique<Core>(store, clock, random, spawner, std::move(matcher), bounds)) {}
Engine::~Engine() = default;

void Engine::AddMachine(std::string name, std::unique_ptr<Machine> machine) {
  core_->machines_[std::move(name)] = std::move(machine);
}
void Engine::AddPerformer(std::string name, Performer performer) {
  core_->performers_[std::move(name)] = std::move(performer);
}
void Engine::AddSubscriber(std::string id, Json pattern, std::string performer, Json with) {
  core_->router_.AddSubscriber(std::move(id), std::move(pattern), std::move(performer),
                               std::move(with));
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

uint64_t Engine::Moment() const { return core_->topics_.moment(); }
Task<> Engine::WaitFor(std::string topic, uint64_t moment, Time until) {
  return core_->topics_.WaitFor(std::move(topic), moment, until);
}
void Engine::Wake(const std::string& topic) { core_->topics_.Wake(topic); }
void Engine::Forget(const std::string& topic) { core_->topics_.Forget(topic); }
void Engine::EndWaits() { core_->topics_.EndWaits(); }
const Machine* Engine::FindMachine(std::string_view name) const {
  const auto found = core_->machines_.find(name);
  return found == core_->machines_.end() ? nullptr : found->second.get();
}
Task<> Engine::Recover() { return core_->Recover(); }
Task<> Engine::Commit(Batch batch) { return core_->Commit(std::move(batch)); }

Task<std::vector<KeptHistory>> Engine::ReadHistory(std::string instance_id, uint64_t from,
                                                   Direction direction, int limit, uint64_t* next) {
  MILL_CO_TRY(const auto records,
              co_await core_->store_.Read(StreamOf(instance_id), from, direction, limit));
  std::vector<KeptHistory> kept;
  for (const Record& record : records)
    if (const Json* history = record.body.Find("h")) kept.push_back({record.sequence, *history});
  if (!next) co_return kept;
  const bool is_forward = direction == Direction::kForward;
  const bool is_last =
      records.size() < static_cast<size_t>(limit) || (!is_forward && records.back().sequence == 1);
  *next = is_last ? 0 : records.back().sequence + (is_forward ? 1 : -1);
  co_return kept;
}

Task<> Engine::Drain() {
  core_->is_draining_ = true;
  co_return co_await core_->store_.Settle();
}

std::unique_ptr<Machine> JsonMachine(StepFunction step) {
  return std::make_unique<PureMachine>(step);
}

}  // namespace stepmill
