#include "compute/container/container_backend.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/log.h"
#include "base/strings.h"
#include "compute/container/core.h"
#include "compute/container/pipe.h"
#include "io/files.h"

namespace stepmill::container {

namespace {
constexpr int kExitKilled = 128 + SIGKILL;
constexpr int kExitUnknown = -1;
}  // namespace

/// The text of an engine's error answer.
std::string EngineMessage(const io::ClientAnswer& answer) {
  const Result<Json> json = ParseJson(answer.body);
  if (json && json->is_object()) return json->StringOr("message", answer.body);
  return answer.body.empty() ? "status " + std::to_string(answer.status) : answer.body;
}

Error NeverStarted(const JobId& id) {
  return Error{Code::kNotFound, "JobNotFound", "no job '" + id.value + "' was started"};
}

ContainerBackend::Core::Core(io::Loop& loop, BlobStore& blobs, Archive& archive,
                             ContainerOptions options)
    : loop_(loop),
      blobs_(blobs),
      archive_(archive),
      options_(std::move(options)),
      engine_(loop, EngineOptions{options_.data_dir, options_.image_cache, options_.endpoint_file,
                                  options_.ca_bundle, options_.mirror_host}),
      watcher_(loop) {
  const Result<> made = io::MakeFolders(engine_.exits_dir());
  if (!made) MILL_LOG(kError, made.error().message);
}

// ---- the end

bool ContainerBackend::Core::HasEnded(const JobFolder& folder) const {
  if (folder.Has("result.json")) return true;
  const Result<StoredContainer> container = folder.ReadContainer();
  return container && io::Exists(ExitFile(*container));
}

bool ContainerBackend::Core::IsRunning(const JobFolder& folder) const {
  const Result<StoredContainer> container = folder.ReadContainer();
  return container && !folder.Has("result.json") && IsAlive(*container);
}

/// The monitor of a container lives: if the container has ended, its exit file is still to come, or
/// the monitor's clean-up goes on.
bool ContainerBackend::Core::HasMonitor(const StoredContainer& container) const {
  const std::filesystem::path pid_file = engine_.pid_file(container.id);
  const Result<std::string> text = io::ReadFile(pid_file.parent_path() / "conmon.pid");
  const auto pid = text ? ParseInt(Trim(*text)) : std::nullopt;
  return pid && io::ProcessStartTicks(static_cast<pid_t>(*pid)) != 0;
}

/// How a container that no longer lives ended, by the engine's record; nullopt: that is to come;
/// kExitUnknown: nobody saw it (a reboot).
Task<std::optional<int>> ContainerBackend::Core::AskExitCode(Self self, StoredContainer container) {
  std::optional<int> code;
  const bool has_monitor = self->HasMonitor(container);  // first: it may go while we ask
  const std::string target = "/libpod/containers/" + container.id + "/json";
  MILL_CO_TRY(const auto answer, co_await self->engine_.Call("GET", target));
  if (IsGood(answer.status)) {
    MILL_CO_TRY(const Json json, ParseJson(answer.body));
    const Json& state = json["State"];
    const std::string status = state.StringOr("Status", "");
    if (status == "exited" || status == "stopped")
      code = static_cast<int>(state.IntOr("ExitCode", kExitUnknown));
  } else if (answer.status != kStatusNotFound) {
    co_return Error{Code::kUnavailable, "EngineError", EngineMessage(answer)};
  }
  if (code || has_monitor) co_return code;
  // An engine with another database made it (an earlier version of the server): the file stays.
  const Result<std::string> text = io::ReadFile(self->ExitFile(container));
  code = text ? static_cast<int>(ParseInt(Trim(*text)).value_or(kExitKilled)) : kExitUnknown;
  co_return code;
}

/// The result of a job that has ended, durable when it returns; nullopt while it runs. The exit
/// file is there as soon as a container ends, and goes when the engine has cleaned up and has
/// written the code into its database: from then on the engine tells it.
Task<std::optional<JobResult>> ContainerBackend::Core::FindEnd(Self self, JobFolder folder) {
  std::optional<JobResult> end;
  if (const Result<JobResult> known = folder.ReadResult()) end = *known;
  if (end) co_return end;
  const Result<StoredContainer> container = folder.ReadContainer();
  if (!container) co_return end;
  const bool is_alive = IsAlive(*container);
  const Result<std::string> text = io::ReadFile(self->ExitFile(*container));
  std::optional<int> code;
  if (text) {
    code = static_cast<int>(ParseInt(Trim(*text)).value_or(kExitKilled));
  } else if (!is_alive) {
    MILL_CO_TRY(code, co_await AskExitCode(self, *container));
  }
  if (!code || !io::Exists(folder.path())) co_return end;
  // Another who waits may have written it meanwhile.
  if (const Result<JobResult> known = folder.ReadResult()) end = *known;
  if (end) co_return end;
  JobResult result;
  result.exit_code = *code < 0 ? kExitKilled : *code;
  result.image_digest = container->image_digest;
  result.was_stopped = folder.Has("stop");
  const Result<StoredJob> job = folder.ReadJob();
  // The engine does not tell; a KILL that we did not send is the kernel's.
  result.is_out_of_memory =
      *code == kExitKilled && !result.was_stopped && job && job->has_memory_limit;
  MILL_CO_CHECK(folder.WriteResult(result));
  end = result;
  co_return end;
}

Task<JobResult> ContainerBackend::Core::Wait(Self self, JobId id) {
  const JobFolder folder = self->Folder(id);
  MILL_CO_TRY(const auto watch, self->watcher_.Add(self->engine_.exits_dir()));
  for (;;) {
    if (!folder.Has("result.json") && !folder.Has("container.json")) co_return NeverStarted(id);
    MILL_CO_TRY(const std::optional<JobResult> result, co_await FindEnd(self, folder));
    if (result) co_return *result;
    MILL_CO_CHECK(co_await watch->Next());
  }
}

Task<> ContainerBackend::Core::Stop(Self self, JobId id, std::chrono::seconds grace) {
  const JobFolder folder = self->Folder(id);
  while (self->starting_.contains(id.value)) {
    const auto starting = self->starting_[id.value];
    MILL_CO_CHECK(co_await starting->Wait());
  }
  if (!io::Exists(folder.path())) co_return NeverStarted(id);
  MILL_CO_TRY(const std::optional<JobResult> end, co_await FindEnd(self, folder));
  if (end) co_return Result<>();
  MILL_CO_CHECK(io::WriteFile(folder.File("stop"), "", true));
  const Result<StoredContainer> container = folder.ReadContainer();
  if (!container || !IsAlive(*container)) co_return Result<>();
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, container->pid, 0));
  if (fd < 0) co_return Result<>();  // it ended just now
  ::syscall(SYS_pidfd_send_signal, fd, SIGTERM, nullptr, 0);
  const auto kill = [fd] { ::syscall(SYS_pidfd_send_signal, fd, SIGKILL, nullptr, 0); };
  const uint64_t timer = self->loop_.clock().WakeAt(self->loop_.clock().Now() + grace, kill);
  const Result<JobResult> ended = co_await Wait(self, id);
  self->loop_.clock().Cancel(timer);
  ::close(fd);
  if (!ended) co_return ended.error();
  co_return Result<>();
}

Task<> ContainerBackend::Core::Remove(Self self, JobId id) {
  if (!IsJobId(id.value)) co_return Result<>();
  const JobFolder folder = self->Folder(id);
  if (!io::Exists(folder.path())) co_return Result<>();
  const Result<StoredJob> job = folder.ReadJob();
  const Result<StoredContainer> container = folder.ReadContainer();
  if (!container || folder.Has("again"))
    MILL_CO_CHECK(co_await RemoveContainers(self, id));
  else
    MILL_CO_CHECK(co_await RemoveContainer(self, container->id));
  if (job && !job->group.empty()) {
    // Fails as long as another host of the group uses it; the last one takes it along.
    (void)co_await self->engine_.Call("DELETE", "/libpod/networks/" + NetworkName(job->group));
  }
  self->cursors_.erase(id.value);
  const std::string path = folder.path();
  const auto remove = [path] { return io::RemoveTree(path); };
  co_return co_await io::Offload(self->loop_.pool(), remove);
}

std::vector<JobId> ContainerBackend::Core::List() const {
  std::vector<JobId> ids;
  std::error_code error;  // no folder yet: no job yet
  for (const auto& entry :
       std::filesystem::directory_iterator(options_.data_dir + "/jobs", error)) {
    const JobId id{entry.path().filename().string()};
    const JobFolder folder = Folder(id);
    if (folder.Has("container.json") || folder.Has("result.json")) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

Task<> ContainerBackend::Core::Recover(Self self) {
  for (const JobId& id : self->List()) {
    const JobFolder folder = self->Folder(id);
    const Result<StoredJob> job = folder.ReadJob();
    if (!job || !self->IsRunning(folder)) continue;
    MILL_CO_TRY(const StoredContainer container, folder.ReadContainer());
    if (job->has_relay && self->HasLiveRelay(folder)) {
      self->guarded_.insert(id.value);
      self->loop_.spawner().Spawn("relay of " + id.value, GuardRelay(self, id, container));
    } else if (job->has_relay) {
      MILL_CO_CHECK(co_await StartRelay(self, id, container));
    }
  }
  if (self->HasDockerJobs() && !self->is_engine_guarded_) {
    self->is_engine_guarded_ = true;
    self->loop_.spawner().Spawn("container engine", GuardEngine(self));
  }
  co_return Result<>();
}

void ContainerBackend::Core::EndEngineIfIdle() {
  for (const JobId& id : List()) {
    if (IsRunning(Folder(id))) return;
  }
  engine_.End();
}

std::vector<std::string> ContainerBackend::Core::MissingParts() const {
  std::vector<std::string> missing = Engine::MissingParts();
  if (!io::Exists(options_.sandbox_dir + "/bin/stepmill-sandbox"))
    missing.push_back(options_.sandbox_dir + ": made by the build");
  if (!Engine::CanLimit() && !options_.allows_unlimited) {
    missing.push_back(
        "control groups version 2 for an ordinary user: jobs with limits are refused unless "
        "--jobs-unlimited");
  }
  return missing;
}

// ---- the port

ContainerBackend::ContainerBackend(io::Loop& loop, BlobStore& blobs, Archive& archive,
                                   ContainerOptions options)
    : core_(std::make_shared<Core>(loop, blobs, archive, std::move(options))) {}
ContainerBackend::~ContainerBackend() = default;

Task<> ContainerBackend::Recover() { return Core::Recover(core_); }
std::vector<std::string> ContainerBackend::MissingParts() const { return core_->MissingParts(); }
void ContainerBackend::EndEngineIfIdle() { core_->EndEngineIfIdle(); }
Task<> ContainerBackend::Start(JobSpec spec) { return Core::Start(core_, std::move(spec)); }
Task<JobResult> ContainerBackend::Wait(JobId id) { return Core::Wait(core_, std::move(id)); }
Task<LogChunk> ContainerBackend::ReadLog(JobId id, uint64_t offset_bytes) {
  return Core::ReadLog(core_, std::move(id), offset_bytes);
}
Task<StepResult> ContainerBackend::RunStep(JobId id, StepSpec step) {
  return Core::RunStep(core_, std::move(id), std::move(step));
}
Result<std::string> ContainerBackend::HostPath(JobId id, std::string path) {
  return core_->HostPath(id, path);
}
Task<JobAnswer> ContainerBackend::Exchange(JobId id, JobRequest request) {
  return Core::Exchange(core_, std::move(id), std::move(request));
}
Task<> ContainerBackend::MakePipe(JobId id, std::string path) {
  MILL_CO_TRY(const std::string host, core_->HostPath(id, path));
  co_return MakeFifo(host);
}
Task<PipeEnd> ContainerBackend::FeedPipe(JobId id, std::string path, PipeOpener open) {
  return Core::FeedPipe(core_, std::move(id), std::move(path), std::move(open));
}
Task<> ContainerBackend::Stop(JobId id, std::chrono::seconds grace) {
  return Core::Stop(core_, std::move(id), grace);
}
Task<> ContainerBackend::Remove(JobId id) { return Core::Remove(core_, std::move(id)); }
Task<std::vector<JobId>> ContainerBackend::List() {
  const auto core = core_;
  co_return core->List();
}

}  // namespace stepmill::container
