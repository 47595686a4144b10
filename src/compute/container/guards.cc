#include "base/log.h"
#include "base/strings.h"
#include "compute/container/core.h"
#include "io/files.h"

namespace stepmill::container {

bool ContainerBackend::Core::HasLiveRelay(const JobFolder& folder) const {
  const Result<std::string> text = io::ReadFile(folder.File("relay"));
  if (!text) return false;
  const auto parts = Split(*text, ' ');
  if (parts.size() != 2) return false;
  const auto pid = static_cast<int>(ParseInt(parts[0]).value_or(0));
  const auto ticks = static_cast<uint64_t>(ParseInt(parts[1]).value_or(0));
  return pid > 0 && ticks != 0 && io::ProcessStartTicks(pid) == ticks;
}

Task<> ContainerBackend::Core::StartRelay(Self self, JobId id, StoredContainer container) {
  const JobFolder folder = self->Folder(id);
  io::ProcessSpec spec;
  spec.argv = {self->options_.sandbox_dir + "/bin/stepmill-sandbox",
               "relay",
               "--pid",
               std::to_string(container.pid),
               "--job",
               id.value,
               "--socket",
               self->options_.relay_socket,
               "--ready-fd",
               "3"};
  MILL_CO_TRY(const StoredJob job, folder.ReadJob());
  if (job.is_isolated) spec.argv.insert(spec.argv.end(), {"--inward-only", "yes"});
  for (const int port : job.ports) {
    spec.argv.insert(spec.argv.end(),
                     {"--inward", std::to_string(port) + ":" + self->InwardPath(id, port)});
  }
  spec.working_dir = "/";
  MILL_CO_TRY(const io::Detached relay, co_await io::StartDetached(self->loop_, std::move(spec),
                                                                   folder.File("relay.log"), true));
  const std::string who =
      std::to_string(relay.pid) + " " + std::to_string(io::ProcessStartTicks(relay.pid));
  MILL_CO_CHECK(io::WriteFile(folder.File("relay"), who, false));
  if (self->guarded_.insert(id.value).second)
    self->loop_.spawner().Spawn("relay of " + id.value, GuardRelay(self, id, container));
  co_return Result<>();
}

/// Starts a job's relay again when it died and the job did not.
Task<> ContainerBackend::Core::GuardRelay(Self self, JobId id, StoredContainer container) {
  const JobFolder folder = self->Folder(id);
  while (IsAlive(container)) {
    const Result<std::string> text = io::ReadFile(folder.File("relay"));
    const auto pid = text ? ParseInt(Split(*text, ' ')[0]) : std::nullopt;
    const auto watch = io::ProcessWatch::Open(self->loop_, static_cast<pid_t>(pid.value_or(0)));
    if (watch) MILL_CO_CHECK(co_await (*watch)->Wait());
    if (!IsAlive(container) || !io::Exists(folder.path())) break;
    // The relay sees the container's end before we do; and one that cannot start is not a storm.
    MILL_CO_CHECK(co_await self->loop_.clock().SleepUntil(self->loop_.clock().Now() + kRelayPause));
    if (!IsAlive(container) || self->HasLiveRelay(folder)) continue;
    const Result<> started = co_await StartRelay(self, id, container);
    if (!started) MILL_LOG(kWarn, "relay of " + id.value + ": " + started.error().message);
  }
  self->guarded_.erase(id.value);
  co_return Result<>();
}

/// Docker's clients in jobs find the engine's socket: it is started again when it dies meanwhile.
Task<> ContainerBackend::Core::GuardEngine(Self self) {
  while (self->HasDockerJobs()) {
    MILL_CO_CHECK(co_await self->engine_.EnsureUp());
    const Result<std::string> text = io::ReadFile(self->options_.data_dir + "/engine/pid");
    const auto pid = text ? ParseInt(Split(*text, ' ')[0]) : std::nullopt;
    const auto watch = io::ProcessWatch::Open(self->loop_, static_cast<pid_t>(pid.value_or(0)));
    if (watch) MILL_CO_CHECK(co_await (*watch)->Wait());
    MILL_CO_CHECK(co_await self->loop_.clock().SleepUntil(self->loop_.clock().Now() + kRelayPause));
  }
  self->is_engine_guarded_ = false;
  co_return Result<>();
}

bool ContainerBackend::Core::HasDockerJobs() const {
  for (const JobId& id : List()) {
    const JobFolder folder = Folder(id);
    const Result<StoredJob> job = folder.ReadJob();
    if (job && job->has_docker && IsRunning(folder)) return true;
  }
  return false;
}

}  // namespace stepmill::container
