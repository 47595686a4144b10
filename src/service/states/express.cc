#include "service/states/express.h"

#include <deque>
#include <map>

#include "service/states/execution_log.h"
#include "service/states/execution_machine.h"
#include "service/states/task_performer.h"

namespace stepmill::states {
namespace {

constexpr std::chrono::milliseconds kLookEvery{10};  // while the server drains
constexpr Seconds kRunMax{3600};  // longer than any execution: nothing waits for ever

/// The loop of one execution. Owned by its coroutines, which wait for a topic of the engine: so
/// they end with it. Timers hold it weakly.
class MemoryRun : public std::enable_shared_from_this<MemoryRun> {
 public:
  MemoryRun(Ports& ports, std::unique_ptr<Instance> instance, Json data, Json revision)
      : ports_(ports),
        instance_(std::move(instance)),
        data_(std::move(data)),
        topic_("express/" + data_["document"].StringOr("executionArn", "")) {
    Event start;
    start.kind = "start";
    start.data = data_;
    start.shared = std::move(revision);
    inbox_.push_back(std::move(start));
  }

  static Task<Json> Run(std::shared_ptr<MemoryRun> self) {
    bool is_finished = false;
    while (!is_finished) {
      if (self->inbox_.empty()) {
        const uint64_t moment = self->ports_.engine.Moment();
        const Time until = self->ports_.clock.Now() + kRunMax;
        MILL_CO_CHECK(co_await self->ports_.engine.WaitFor(self->topic_, moment, until));
        if (self->ports_.engine.Moment() == moment && self->inbox_.empty()) {
          // Waits have ended, since the server is about to: what runs may still come to its end.
          const Time soon = self->ports_.clock.Now() + kLookEvery;
          if (!co_await self->ports_.clock.SleepUntil(soon)) co_return self->document_;
        }
        continue;
      }
      Event event = std::move(self->inbox_.front());
      self->inbox_.pop_front();
      event.at = std::max(self->ports_.clock.Now(), self->last_at_);
      event.entropy = self->ports_.random.Next();
      self->last_at_ = event.at;
      const Turn turn = self->instance_->Advance(event);
      self->Apply(turn);
      is_finished = turn.is_finished;
      // A long one lets others have their turn.
      const Time now = self->ports_.clock.Now();
      if (self->goes_on_) MILL_CO_CHECK(co_await self->ports_.clock.SleepUntil(now));
    }
    self->ports_.engine.Forget(self->topic_);
    for (const auto& [id, handle] : self->timers_) self->ports_.clock.Cancel(handle);
    co_return self->document_;
  }

 private:
  void Apply(const Turn& turn) {
    for (const Batch::Put& put : turn.writes.puts)
      if (put.key == data_.StringOr("key", "")) document_ = put.body;
    goes_on_ = false;
    for (const Due& due : turn.writes.dues) {
      if (due.body.StringOr("instance", "") != data_["document"].StringOr("executionArn", ""))
        continue;
      goes_on_ = true;
      Arrive(due.body.StringOr("kind", ""), due.body["data"]);
    }
    for (const std::string& id : turn.timer_cancels) CancelTimer(id);
    for (const Turn::Timer& timer : turn.timers) StartTimer(timer);
    for (const Effect& effect : turn.effects)
      ports_.spawner.Spawn("express " + effect.tag, Perform(shared_from_this(), effect));
  }

  void CancelTimer(const std::string& id) {
    const auto found = timers_.find(id);
    if (found == timers_.end()) return;
    ports_.clock.Cancel(found->second);
    timers_.erase(found);
  }

  void StartTimer(const Turn::Timer& timer) {
    CancelTimer(timer.id);
    const auto fire = [weak = weak_from_this(), id = timer.id] {
      const auto self = weak.lock();
      if (!self || self->timers_.erase(id) == 0) return;
      self->Arrive("timer", Json::Object{{"id", id}});
    };
    timers_[timer.id] = ports_.clock.WakeAt(timer.at, fire);
  }

  void Arrive(std::string kind, Json data) {
    Event event;
    event.kind = std::move(kind);
    event.data = std::move(data);
    inbox_.push_back(std::move(event));
    ports_.engine.Wake(topic_);
  }

  static Task<> Perform(std::shared_ptr<MemoryRun> self, Effect effect) {
    Engine::Performance performance;  // without an effect id: nothing keeps its answer
    performance.what = effect.what;
    Result<Json> result = Error{Code::kInternal, "InternalFailure", effect.performer};
    if (effect.performer == kLogPerformerName)
      result = co_await PutLog(self->ports_, std::move(performance));
    else
      result = co_await PerformTask(self->ports_, std::move(performance));
    Json::Object data{{"tag", effect.tag}};
    if (result)
      data.Add("output", *result);
    else
      data.Add("error",
               Json::Object{{"name", result.error().name}, {"message", result.error().message}});
    self->Arrive("effect", std::move(data));
    co_return Result<>();
  }

  Ports& ports_;
  std::unique_ptr<Instance> instance_;
  Json data_;
  std::string topic_;
  Json document_;
  Time last_at_{};
  bool goes_on_ = false;  // the last turn posted to itself
  std::deque<Event> inbox_;
  std::map<std::string, uint64_t> timers_;  // id -> handle of the clock
};

Task<Json> PerformExpress(Ports& ports, Json what) {
  MILL_CO_TRY(const auto revision, co_await ports.store.Get(what.StringOr("revision", "")));
  if (!revision)  // they are never deleted
    co_return Error{Code::kInternal, "InternalFailure",
                    "the revision " + what.StringOr("revision", "") + " is not there"};
  const Json data = what["data"];
  const Json shared = revision->body;
  MILL_CO_CHECK(co_await RunExpress(ports, data, shared));
  co_return Json(Json::Object{});
}

}  // namespace

Task<Json> RunExpress(Ports& ports, Json data, Json revision) {
  const Machine* machine = ports.engine.FindMachine(kMachineName);
  MILL_ASSERT(machine);
  const std::string arn = data["document"].StringOr("executionArn", "");
  auto run = std::make_shared<MemoryRun>(ports, machine->Create(arn), data, revision);
  co_return co_await MemoryRun::Run(run);
}

Engine::Performer MakeExpressPerformer(Ports& ports) {
  return [&ports](Engine::Performance performance) {
    return PerformExpress(ports, std::move(performance.what));
  };
}

}  // namespace stepmill::states
