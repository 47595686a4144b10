#include "lang/asl/rehearsal.h"

#include <map>
#include <set>

#include "lang/asl/rehearse_map.h"

namespace stepmill::asl {
namespace {

class Runner {
 public:
  Runner(Execution& execution, Time start, uint64_t entropy, const RehearsalHooks& hooks)
      : execution_(execution), now_(start), chance_(entropy), hooks_(hooks) {}

  RehearsalResult Run() {
    Event started;
    started.kind = Event::Kind::kStarted;
    Advance(started);
    int redrives = hooks_.redrives;
    for (;;) {
      if (execution_.is_finished()) {
        if (result_.status == Status::kSucceeded || redrives-- <= 0) break;
        Event redrive;
        redrive.kind = Event::Kind::kRedrive;
        result_.error.reset();
        result_.cause.reset();
        Advance(redrive);
        continue;
      }
      if (due_.empty()) break;
      const auto first = due_.begin();
      const Time at = first->first.first;
      Event event = first->second;
      due_.erase(first);
      if (event.kind == Event::Kind::kTimerFired && cancelled_.erase(event.timer) > 0) continue;
      if (at > now_) {
        if (hooks_.wait_until) hooks_.wait_until(at);
        result_.waits.push_back(at - now_);
        now_ = at;
      }
      Advance(event);
    }
    return std::move(result_);
  }

 private:
  void Advance(Event event) {
    event.at = now_;
    event.entropy = chance_.Next();
    const Turn turn = execution_.Advance(event);
    if (hooks_.on_history)
      for (const HistoryEvent& entry : turn.history) hooks_.on_history(entry);
    for (const Turn::Timer& timer : turn.timers) {
      Event fired;
      fired.kind = Event::Kind::kTimerFired;
      fired.timer = timer.id;
      Add(std::max(timer.at, now_), std::move(fired));
    }
    for (const uint64_t id : turn.timer_cancels) cancelled_.insert(id);
    for (const ScheduleTask& task : turn.tasks) Answer(task);
    for (const StartMapRun& run : turn.map_runs) {
      Event ended;
      const Time at = RehearseMapRun(run, execution_.start(), now_, chance_.Next(), hooks_, ended);
      Add(std::max(at, now_), std::move(ended));
    }
    if (turn.goes_on) {
      Event on;
      on.kind = Event::Kind::kContinue;
      Add(now_, on);
    }
    result_.status = turn.status;
    if (turn.status == Status::kRunning) return;
    result_.output_text = turn.output_text;
    result_.error = turn.error;
    result_.cause = turn.cause;
  }

  void Answer(const ScheduleTask& task) {
    const TaskAnswer answer = hooks_.answer(task);
    if (task.resource.kind == Resource::Kind::kActivity) {
      Event taken;
      taken.task = task.task;
      taken.kind = Event::Kind::kTaskScheduled;
      Add(now_, taken);
      taken.kind = Event::Kind::kTaskStarted;
      Add(now_, taken);
    }
    if (answer.submitted) {
      Event submitted;
      submitted.kind = Event::Kind::kTaskSubmitted;
      submitted.task = task.task;
      submitted.output = *answer.submitted;
      Add(now_, std::move(submitted));
    }
    Event ended;
    ended.kind = answer.is_failure ? Event::Kind::kTaskFailed : Event::Kind::kTaskSucceeded;
    ended.task = task.task;
    ended.output = answer.output;
    ended.error = answer.error;
    ended.cause = answer.cause;
    Add(now_ + answer.after, std::move(ended));
  }

  void Add(Time at, Event event) { due_.emplace(std::make_pair(at, next_++), std::move(event)); }

  Execution& execution_;
  Time now_;
  Chance chance_;
  const RehearsalHooks& hooks_;
  std::map<std::pair<Time, uint64_t>, Event> due_;
  std::set<uint64_t> cancelled_;
  uint64_t next_ = 1;
  RehearsalResult result_;
};

}  // namespace

RehearsalResult Rehearse(Execution& execution, Time start, uint64_t entropy,
                         const RehearsalHooks& hooks) {
  return Runner(execution, start, entropy, hooks).Run();
}

}  // namespace stepmill::asl
