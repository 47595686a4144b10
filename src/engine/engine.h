#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "engine/router.h"
#include "json/json.h"
#include "store/events.h"
#include "store/store.h"
#include "task/ports.h"
#include "task/task.h"

namespace stepmill {

/// What comes in from outside. Recorded with its time and entropy before anything follows from it,
/// so that replay sees the same.
struct Event {
  /// "start"  the first event; data as given to Engine::Start.
  /// "timer"  data {"id"}: a timer of this instance is due.
  /// "effect" data {"tag", "output"} or {"tag", "error": {"name", "message"}}: an effect ended.
  /// "event"  data {"subscription", "event"}: an EventBridge document matched. After each recovery
  ///          every subscription gets one of source kRecovered with no detail, whatever its
  ///          pattern: who waits for something asks once more how it stands.
  /// Any other kind came by Engine::Post, named by the service ("stop", "approve").
  std::string kind;
  Time at;
  uint64_t entropy = 0;  ///< draw further numbers from it by a fixed function
  Json data;
  Json shared;  ///< "start": the document that Engine::Start named; read again for a replay
};

/// Something to be done outside, at least once, under an id fixed at commit. Its result comes back
/// as the event "effect" with the same tag.
struct Effect {
  std::string tag;        ///< unique in the instance for its whole life
  std::string performer;  ///< "door" (see DoorCall in gate/door.h) or one that a service registered
  Json what;              ///< for the performer
};

/// What follows from one event: committed as one transaction, then performed.
struct Turn {
  struct Timer {
    std::string id;
    Time at;
  };
  struct Subscription {
    std::string id;
    Json pattern;
  };

  std::vector<Effect> effects;
  std::vector<std::string> effect_cancels;  ///< tags; a result that still comes is dropped
  std::vector<Timer> timers;                ///< an id that is set again moves
  std::vector<std::string> timer_cancels;
  std::vector<Subscription> subscriptions;  ///< durable; in force from this commit on
  std::vector<std::string> unsubscriptions;
  Json history;  ///< what is kept of it with the turn, read by Engine::ReadHistory; null: nothing
  Batch writes;  ///< documents that only this instance writes; events
  bool is_finished = false;  ///< nothing is delivered any more; all that is open is dropped
};

/// One running thing (an execution, a build, a stack update) in memory. Deterministic: the same
/// events give the same turns, on any machine, forever: recovery replays the recorded events and
/// drops the turns. Takes all time and chance from the event.
class Instance {
 public:
  virtual ~Instance() = default;
  virtual Turn Advance(const Event& event) = 0;
};

/// A kind of running thing. Stateless.
class Machine {
 public:
  virtual ~Machine() = default;
  virtual std::unique_ptr<Instance> Create(std::string instance_id) const = 0;
};

/// A machine whose state is one Json and whose step is a pure function.
struct Step {
  Json state;
  Turn turn;
};
using StepFunction = Step (*)(const std::string& instance_id, const Json& state,
                              const Event& event);
std::unique_ptr<Machine> JsonMachine(StepFunction step);

/// What one turn of an instance kept of its history.
struct KeptHistory {
  uint64_t turn = 0;  ///< counts from 1
  Json history;
};

/// How much of what waits is in memory; the store has all of it.
struct EngineBounds {
  size_t dues_ahead = 8192;     ///< timers and such that are still to come, at least 8
  size_t idle_instances = 256;  ///< instances that wait
};

/// The one durable loop. Owns every instance.
///
/// Durability: an event's record, the removal of what brought it, and all that follows from it are
/// one Batch; the first turn of an instance is one with the batch that starts it. Effects are
/// performed after that commit and again after a crash, with the same id, until their result event
/// is committed. An instance's events are handled one after the other. Instances that wait for long
/// leave memory; they are replayed when something comes for them.
///
/// Threads: loop thread only.
class Engine {
 public:
  /// A performer's task may take as long as it likes (waiting for a container); after a restart it
  /// is called again with the same effect_id. A result of Error becomes the event's "error"; with
  /// Code::kUnavailable the engine performs again (after 1 s, 2 s, ... 60 s) instead.
  struct Performance {
    std::string effect_id;    ///< "<instance>:<tag>"; unique for ever
    std::string instance_id;  ///< empty for a delivery to a static subscriber
    Json what;
    int attempt = 1;  ///< since the start of this process
  };
  using Performer = std::function<Task<Json>(Performance)>;
  using Matcher = Router::Matcher;

  Engine(Store& store, Clock& clock, Random& random, Spawner& spawner, Matcher matcher,
         EngineBounds bounds = {});
  ~Engine();

  // Wiring, before Recover.
  void AddMachine(std::string name, std::unique_ptr<Machine> machine);
  void AddPerformer(std::string name, Performer performer);
  /// Every event that matches is handed to `performer` once (at least) with what = {"event",
  /// "with"}.
  void AddSubscriber(std::string id, Json pattern, std::string performer, Json with);

  /// Reads what is due and goes on with everything.
  Task<> Recover();
  /// Stops taking up new work; returns when what was committing has committed.
  Task<> Drain();

  // For handlers: both only add to the batch.
  /// A new instance; the commit conflicts when the id was ever used. `shared` names a document that
  /// never changes and is never deleted: many instances start from one (a definition).
  void Start(Batch& batch, const std::string& instance_id, std::string_view machine, Json data,
             Key shared = {});
  /// An event for an instance; dropped when it has finished or never was.
  void Post(Batch& batch, const std::string& instance_id, std::string_view kind, Json data);
  /// An event that arrives also when the instance has finished: it is opened again, replays what it
  /// has seen and goes on from there. The batch expects the instance as it was read here. kNotFound
  /// when it never was.
  Task<> Reopen(Batch& batch, std::string instance_id, std::string kind, Json data);
  /// Work without an instance: `performer` does `what` at least once, tried again a few times when
  /// it fails. `id` is unique for ever.
  void Deliver(Batch& batch, const std::string& id, std::string_view performer, Json what);

  /// As AddSubscriber, but durable, and it comes and goes with the batch: for patterns of users.
  /// One with an id that is there is replaced.
  void Subscribe(Batch& batch, const std::string& id, Json pattern, std::string_view performer,
                 Json with);
  void Unsubscribe(Batch& batch, const std::string& id);

  /// Commits a batch: of a call (the door), or of the product itself. Routes its events, runs the
  /// first turn of what it starts, and takes up what has become due.
  Task<> Commit(Batch batch);

  // For long polls, in memory only: waiting for the next waking of a topic, by a batch that had it
  // among its notices or by Wake. Ask for the moment, look, then wait from that moment.
  uint64_t Moment() const;
  /// Returns when `topic` has been woken since `moment`, or at `until`.
  Task<> WaitFor(std::string topic, uint64_t moment, Time until);
  void Wake(const std::string& topic);
  /// The topic will not be used again.
  void Forget(const std::string& topic);
  /// All that wait return now, and who waits from now on returns at once: the server ends.
  void EndWaits();
  /// nullptr: no machine of this name was added.
  const Machine* FindMachine(std::string_view name) const;

  /// What at most `limit` of an instance's turns kept: forward those from `from` on, backward those
  /// up to it (0: from the newest). Turns that kept nothing are not among them; `next`, when it is
  /// not null, gets where to go on, 0 at the end. Empty for an unknown instance.
  Task<std::vector<KeptHistory>> ReadHistory(std::string instance_id, uint64_t from,
                                             Direction direction, int limit,
                                             uint64_t* next = nullptr);
  /// Removes the records and histories of instances that finished before the day of `until` (UTC),
  /// some at a time. Returns how many. Their ids may be used again.
  Task<int> Collect(Time until);

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace stepmill
