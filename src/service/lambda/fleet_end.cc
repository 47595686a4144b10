// How environments end.
#include <algorithm>

#include "base/log.h"
#include "engine/engine.h"
#include "service/lambda/environment.h"
#include "service/lambda/limits.h"
#include "task/ports.h"

namespace stepmill::lambda {

namespace {

constexpr char kJobPrefix[] = "lambda-";
constexpr std::chrono::seconds kNoGrace{0};

Task<> EndJob(Ports& ports, JobId id) {
  const Result<> stopped = co_await ports.backend.Stop(id, kNoGrace);
  if (!stopped && stopped.error().code != Code::kNotFound) co_return stopped;
  const Result<> removed = co_await ports.backend.Remove(id);
  if (!removed && removed.error().code != Code::kNotFound) co_return removed;
  co_return Result<>();
}

}  // namespace

/// Sees the end of an environment's container, whoever ended it.
Task<> Fleet::Watch(Self self, EnvironmentPtr environment) {
  const auto end = co_await self->ports_.backend.Wait(environment->job);
  JobResult unknown;
  unknown.exit_code = 1;
  environment->end = end ? *end : unknown;
  self->Changed(environment);
  if (environment->is_over) self->ports_.engine.Forget("lambda-env/" + environment->job.value);
  if (!environment->is_busy) self->Discard(environment);
  co_return Result<>();
}

/// Ends an environment that nobody has used for a while.
Task<> Fleet::Reap(Self self, EnvironmentPtr environment) {
  Clock& clock = self->ports_.clock;
  while (!environment->is_over) {
    const Time idle_until = environment->last_used + kIdleMax;
    if (!environment->is_busy && clock.Now() >= idle_until) {
      self->Discard(environment);
      break;
    }
    const Time next = environment->is_busy ? clock.Now() + kIdleMax : idle_until;
    MILL_CO_CHECK(co_await clock.SleepUntil(next));
  }
  co_return Result<>();
}

void Fleet::Discard(const EnvironmentPtr& environment) {
  if (environment->is_over) return;
  environment->is_over = true;
  std::erase(environments_, environment);
  Changed(environment);
  ports_.engine.Wake("lambda-env/freed");
  if (!environment->is_begun) return;
  ports_.spawner.Spawn("end of " + environment->job.value, End(shared_from_this(), environment));
}

Task<> Fleet::End(Self self, EnvironmentPtr environment) {
  const Result<> ended = co_await EndJob(self->ports_, environment->job);
  self->ports_.engine.Forget("lambda-env/" + environment->job.value);
  co_return ended;
}

Task<> Fleet::Clean(Self self) {
  const auto jobs = co_await self->ports_.backend.List();
  if (!jobs) co_return jobs.error();
  for (const JobId& id : *jobs) {
    if (!id.value.starts_with(kJobPrefix) || self->Find(id.value)) continue;
    const Result<> ended = co_await EndJob(self->ports_, id);
    if (!ended) MILL_LOG(kWarn, "lambda: " + id.value + ": " + ended.error().message);
  }
  co_return Result<>();
}

}  // namespace stepmill::lambda
