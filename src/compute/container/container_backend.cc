#include "compute/container/container_backend.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/log.h"
#include "base/strings.h"
#include "compute/container/create_request.h"
#include "compute/container/engine.h"
#include "compute/container/job_folder.h"
#include "compute/container/staging.h"
#include "io/files.h"
#include "io/process.h"
#include "io/watch.h"
#include "sandbox/steps.h"

namespace stepmill::container {

namespace {

constexpr auto kPullTimeout = std::chrono::minutes(60);
constexpr auto kRelayPause = std::chrono::milliseconds(200);
constexpr int kExitKilled = 128 + SIGKILL;
constexpr int kExitUnknown = -1;
constexpr size_t kLogReadBytes = 256 * 1024;
constexpr int kStatusNotModified = 304, kStatusNotFound = 404;

Error CannotStart(const std::string& message) {
  return Error{Code::kInvalid, "JobCannotStart", message};
}

bool IsAlive(const StoredContainer& container) {
  return container.pid > 0 && io::ProcessStartTicks(container.pid) == container.start_ticks;
}

bool IsGood(int status) { return status >= 200 && status < 300; }

/// The text of an engine's error answer.
std::string EngineMessage(const io::ClientAnswer& answer) {
  const Result<Json> json = ParseJson(answer.body);
  if (json && json->is_object()) return json->StringOr("message", answer.body);
  return answer.body.empty() ? "status " + std::to_string(answer.status) : answer.body;
}

/// What a pull's stream of JSON lines says went wrong; empty: nothing.
std::string PullError(const std::string& body) {
  for (const std::string_view line : Split(body, '\n')) {
    const Result<Json> json = ParseJson(line);
    if (json && json->is_object() && json->Has("error")) return json->StringOr("error", "");
  }
  return "";
}

Error NeverStarted(const JobId& id) {
  return Error{Code::kNotFound, "JobNotFound", "no job '" + id.value + "' was started"};
}

}  // namespace

class ContainerBackend::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(io::Loop& loop, BlobStore& blobs, Archive& archive, ContainerOptions options)
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

  using Self = std::shared_ptr<Core>;
  static Task<> Start(Self self, JobSpec spec);
  static Task<JobResult> Wait(Self self, JobId id);
  static Task<LogChunk> ReadLog(Self self, JobId id, uint64_t offset);
  static Task<StepResult> RunStep(Self self, JobId id, StepSpec step);
  static Task<JobAnswer> Exchange(Self self, JobId id, JobRequest request);
  static Task<> Stop(Self self, JobId id, std::chrono::seconds grace);
  static Task<> Remove(Self self, JobId id);
  static Task<> Recover(Self self);
  Result<std::string> HostPath(const JobId& id, const std::string& path) const;
  std::vector<JobId> List() const;
  std::vector<std::string> MissingParts() const;
  void EndEngineIfIdle();

 private:
  JobFolder Folder(const JobId& id) const { return JobFolder(options_.data_dir, id); }
  std::string ExitFile(const StoredContainer& container) const {
    return engine_.exits_dir() + "/" + container.id;
  }
  /// Where the relay of a job listens for connections to one of its ports: a short path.
  std::string InwardPath(const JobId& id, int port) const {
    return engine_.run_dir() + "/" + id.value + "-" + std::to_string(port);
  }
  bool HasEnded(const JobFolder& folder) const;
  static Task<std::optional<JobResult>> FindEnd(Self self, JobFolder folder);
  static Task<std::optional<int>> AskExitCode(Self self, StoredContainer container);
  bool HasMonitor(const StoredContainer& container) const;
  bool IsRunning(const JobFolder& folder) const;
  bool HasDockerJobs() const;

  static Task<> StartAlone(Self self, JobSpec spec);
  static Task<> Make(Self self, const JobSpec& spec, const JobFolder& folder);
  /// The group's network, made when it is not there. Returns its subnet.
  static Task<std::string> MakeNetwork(Self self, std::string group);
  static Task<> Begin(Self self, const JobId& id, const JobFolder& folder);
  struct Image {
    std::string name, digest;
  };
  static Task<Image> FindImage(Self self, const JobSpec& spec);
  static Task<> Pull(Self self, std::string name, std::string username, std::string password);
  Result<SandboxPlaces> Places() const;
  static Task<> StartRelay(Self self, JobId id, StoredContainer container);
  static Task<> GuardRelay(Self self, JobId id, StoredContainer container);
  bool HasLiveRelay(const JobFolder& folder) const;
  static Task<> GuardEngine(Self self);

  io::Loop& loop_;
  BlobStore& blobs_;
  Archive& archive_;
  ContainerOptions options_;
  Engine engine_;
  io::Watcher watcher_;
  std::map<std::string, std::shared_ptr<Signal>> starting_;
  std::set<std::string> guarded_;
  bool is_engine_guarded_ = false;

  /// How far a job's engine log was decoded: both offsets belong together.
  struct Cursor {
    uint64_t raw = 0, decoded = 0;
  };
  std::map<std::string, Cursor> cursors_;
  Result<LogChunk> ReadPlain(const std::string& path, uint64_t offset) const;
  Result<LogChunk> ReadDecoded(const std::string& path, const std::string& id, uint64_t offset);
};

// ---- starting

Task<> ContainerBackend::Core::Start(Self self, JobSpec spec) {
  if (!IsJobId(spec.id.value)) {
    co_return Error{Code::kInvalid, "InvalidJobId",
                    "a job's id is [a-z0-9-]{1,63}, not '" + spec.id.value + "'"};
  }
  const std::string id = spec.id.value;
  for (auto other = self->starting_.find(id); other != self->starting_.end();
       other = self->starting_.find(id)) {
    const auto signal = other->second;
    MILL_CO_CHECK(co_await signal->Wait());
  }
  const auto mine = std::make_shared<Signal>();
  self->starting_[id] = mine;
  const Result<> started = co_await StartAlone(self, std::move(spec));
  self->starting_.erase(id);
  mine->Set();
  co_return started;
}

Task<> ContainerBackend::Core::StartAlone(Self self, JobSpec spec) {
  const JobFolder folder = self->Folder(spec.id);
  if (folder.Has("result.json") || folder.Has("started")) co_return Result<>();
  // A crash after this file: the container may have run already, and must not run twice.
  if (folder.Has("container.json")) co_return co_await Begin(self, spec.id, folder);
  if ((spec.memory_mib > 0 || spec.cpus > 0) && !Engine::CanLimit()) {
    if (!self->options_.allows_unlimited) {
      JobResult refused;
      refused.exit_code = -1;
      refused.start_error =
          "memory and CPU limits cannot be enforced for an ordinary user on this machine (control "
          "groups version 1): run as root, or serve with --jobs-unlimited";
      MILL_CO_CHECK(io::MakeFolders(folder.path()));
      co_return folder.WriteResult(refused);
    }
    spec.memory_mib = 0;
    spec.cpus = 0;
  }
  if (io::Exists(folder.path())) {
    // What an interrupted start left. It never ran.
    const std::string target =
        "/libpod/containers/" + ContainerName(spec.id) + "?force=true&volumes=true&ignore=true";
    MILL_CO_TRY(const auto answer, co_await self->engine_.Call("DELETE", target));
    if (!IsGood(answer.status) && answer.status != kStatusNotFound)
      co_return Error{Code::kUnavailable, "EngineError", EngineMessage(answer)};
    MILL_CO_CHECK(io::RemoveTree(folder.path()));
  }
  MILL_CO_CHECK(io::MakeFolders(folder.path()));
  const Result<> made = co_await Make(self, spec, folder);
  if (made) co_return co_await Begin(self, spec.id, folder);
  if (made.error().code == Code::kUnavailable || made.error().code == Code::kTimeout)
    co_return made;
  JobResult result;
  result.exit_code = -1;
  result.start_error = made.error().message;
  co_return folder.WriteResult(result);
}

Task<> ContainerBackend::Core::Make(Self self, const JobSpec& spec, const JobFolder& folder) {
  StoredJob job;
  MILL_CO_TRY(job.mounts, PlanMounts(spec, folder.path()));
  job.is_stepped = spec.is_stepped;
  job.has_docker = spec.has_docker;
  job.is_isolated = spec.network == JobSpec::Network::kNone;
  job.ports = spec.ports;
  job.has_relay = !job.is_isolated || !spec.ports.empty();
  job.has_memory_limit = spec.memory_mib > 0;
  job.group = spec.group;
  MILL_CO_CHECK(folder.WriteJob(job));
  MILL_CO_CHECK(folder.WriteIdentity(spec));
  if (spec.is_stepped) {
    MILL_CO_CHECK(io::MakeFolders(folder.File("steps/commands")));
    MILL_CO_CHECK(io::MakeFolders(folder.File("steps/results")));
    MILL_CO_CHECK(io::WriteFile(folder.File("steps/log"), "", false));
  }
  MILL_CO_CHECK(
      co_await StageInputs(self->loop_, self->blobs_, self->archive_, spec, job.mounts, folder));
  MILL_CO_TRY(const SandboxPlaces places, self->Places());
  MILL_CO_TRY(const Image image, co_await FindImage(self, spec));
  std::string subnet;
  if (!spec.group.empty()) {
    MILL_CO_TRY(subnet, co_await MakeNetwork(self, spec.group));
  }
  const Json request = CreateRequest(spec, job, image.name, folder, places, subnet);
  MILL_CO_TRY(const auto created,
              co_await self->engine_.Call("POST", "/libpod/containers/create", request));
  if (created.status == kStatusNotFound)
    co_return CannotStart("image '" + spec.image + "' is not there: stepmill images add " +
                          spec.image + " ARCHIVE");
  if (!IsGood(created.status)) co_return CannotStart(EngineMessage(created));
  MILL_CO_TRY(const Json answer, ParseJson(created.body));
  StoredContainer container;
  MILL_CO_TRY(container.id, answer.RequireString("Id"));
  container.image_digest = image.digest;
  MILL_CO_TRY(const auto initialized,
              co_await self->engine_.Call("POST", "/libpod/containers/" + container.id + "/init"));
  if (!IsGood(initialized.status) && initialized.status != kStatusNotModified)
    co_return CannotStart(EngineMessage(initialized));
  MILL_CO_TRY(const std::string pid, io::ReadFile(self->engine_.pid_file(container.id)));
  container.pid = static_cast<int>(ParseInt(Trim(pid)).value_or(0));
  container.start_ticks = io::ProcessStartTicks(container.pid);
  if (container.pid <= 0 || container.start_ticks == 0)
    co_return CannotStart("the container ended before it was started");
  if (job.has_relay) MILL_CO_CHECK(co_await StartRelay(self, spec.id, container));
  co_return folder.WriteContainer(container);
}

Task<std::string> ContainerBackend::Core::MakeNetwork(Self self, std::string group) {
  constexpr int kAttempts = 8;
  const std::string target = "/libpod/networks/" + NetworkName(group) + "/json";
  for (int attempt = 1;; ++attempt) {
    const Json request = NetworkRequest(group, self->engine_.run_dir(), attempt);
    MILL_CO_TRY(const auto made,
                co_await self->engine_.Call("POST", "/libpod/networks/create", request));
    // Refused: another host of the group made it, or another network has the subnet.
    MILL_CO_TRY(const auto known, co_await self->engine_.Call("GET", target));
    if (IsGood(known.status)) {
      MILL_CO_TRY(const Json network, ParseJson(known.body));
      const Json& subnets = network["subnets"];
      if (subnets.size() > 0) co_return subnets.At(0).StringOr("subnet", "");
    }
    if (attempt == kAttempts) co_return CannotStart("private network: " + EngineMessage(made));
  }
}

Task<> ContainerBackend::Core::Begin(Self self, const JobId& id, const JobFolder& folder) {
  MILL_CO_TRY(const StoredContainer container, folder.ReadContainer());
  MILL_CO_TRY(const StoredJob job, folder.ReadJob());
  if (!self->HasEnded(folder) && IsAlive(container)) {
    if (job.has_relay && !self->HasLiveRelay(folder))
      MILL_CO_CHECK(co_await StartRelay(self, id, container));
    MILL_CO_TRY(const auto answer, co_await self->engine_.Call(
                                       "POST", "/libpod/containers/" + container.id + "/start"));
    // Anything else than success is either known already (it runs, or ended) or the job's failure.
    const bool is_known = answer.status == kStatusNotModified || self->HasEnded(folder);
    if (!IsGood(answer.status) && !is_known) {
      JobResult result;
      result.exit_code = -1;
      result.start_error = EngineMessage(answer);
      MILL_CO_CHECK(folder.WriteResult(result));
    }
  }
  MILL_CO_CHECK(io::WriteFile(folder.File("started"), "", false));
  if (job.has_docker && !self->is_engine_guarded_) {
    self->is_engine_guarded_ = true;
    self->loop_.spawner().Spawn("container engine", GuardEngine(self));
  }
  co_return Result<>();
}

Result<SandboxPlaces> ContainerBackend::Core::Places() const {
  SandboxPlaces places;
  places.home = options_.sandbox_dir;
  places.engine_folder = engine_.socket_dir();
  if (!io::Exists(places.home + "/bin/stepmill-sandbox")) {
    return CannotStart(places.home + " is not there: it is made by the build");
  }
  if (options_.ca_bundle.empty()) return places;
  // The folder of the CA holds its key: jobs see copies of the two public files only.
  places.ca_folder = options_.data_dir + "/engine/ca";
  MILL_CHECK(io::MakeFolders(places.ca_folder));
  constexpr mode_t kPublicFolder = 0755;
  ::chmod(places.ca_folder.c_str(), kPublicFolder);  // a failure shows when a job reads it
  for (const auto& [from, name] :
       {std::pair(options_.ca_bundle, "/bundle.pem"), std::pair(options_.ca, "/ca.pem")}) {
    MILL_TRY(const std::string bytes, io::ReadFile(from));
    const std::string to = places.ca_folder + name;
    const Result<std::string> old = io::ReadFile(to);
    constexpr mode_t kPublic = 0644;
    if (!old || *old != bytes) MILL_CHECK(io::WriteFile(to, bytes, false, kPublic));
  }
  return places;
}

// ---- images

Task<> ContainerBackend::Core::Pull(Self self, std::string name, std::string username,
                                    std::string password) {
  std::string auth;
  if (!username.empty()) {
    const Json json = Json::Object{{"username", username}, {"password", password}};
    auth = Base64(json.Print());
  }
  const std::string target = "/libpod/images/pull?quiet=true&reference=" + UrlEncode(name);
  MILL_CO_TRY(const auto answer,
              co_await self->engine_.Call("POST", target, Json(), kPullTimeout, auth));
  if (!IsGood(answer.status)) co_return CannotStart(EngineMessage(answer));
  const std::string error = PullError(answer.body);
  if (!error.empty()) co_return CannotStart(error);
  co_return Result<>();
}

Task<ContainerBackend::Core::Image> ContainerBackend::Core::FindImage(Self self,
                                                                      const JobSpec& spec) {
  Image image;
  if (spec.image == kEmptyImage) {
    image.name = std::string("localhost/") + kEmptyImage + ":latest";
    MILL_CO_CHECK(co_await self->engine_.ImportEmpty(image.name));
    co_return image;
  }
  if (const ImageTable::Row* row = self->options_.images.Find(spec.image)) {
    image.name = row->reference;
    const auto target = "/libpod/images/" + UrlEncode(image.name) + "/exists";
    MILL_CO_TRY(const auto answer, co_await self->engine_.Call("GET", target));
    if (IsGood(answer.status)) co_return image;
    const std::string command = row->recipe.empty()
                                    ? "stepmill images add " + spec.image + " " +
                                          (row->archive.empty() ? "ARCHIVE" : row->archive)
                                    : "stepmill images make " + row->recipe;
    co_return CannotStart("image '" + spec.image + "' is not there: " + command);
  }
  const auto ecr = ParseEcrImage(spec.image);
  RegistryImage registry;
  image.name = FullImageName(spec.image);
  if (ecr && self->options_.find_image) {
    const auto find = self->options_.find_image;
    MILL_CO_TRY(registry, co_await find(*ecr, spec.role_arn));
    image.digest = registry.digest;
    image.name = ecr->host + "/" + ecr->repository + "@" + registry.digest;
  }
  const auto target = "/libpod/images/" + UrlEncode(image.name) + "/exists";
  MILL_CO_TRY(const auto answer, co_await self->engine_.Call("GET", target));
  if (IsGood(answer.status)) co_return image;
  const Result<> pulled = co_await Pull(self, image.name, registry.username, registry.password);
  if (pulled) co_return image;
  if (pulled.error().code == Code::kUnavailable) co_return pulled.error();
  if (ecr) co_return CannotStart("image '" + spec.image + "': " + pulled.error().message);
  co_return CannotStart("image '" + spec.image + "' is not there: stepmill images add " +
                        spec.image +
                        " ARCHIVE (and no registry gave it: " + pulled.error().message + ")");
}

// ---- the relay, the engine

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

Task<JobAnswer> ContainerBackend::Core::Exchange(Self self, JobId id, JobRequest request) {
  const JobFolder folder = self->Folder(id);
  if (!folder.Has("container.json")) co_return NeverStarted(id);
  MILL_CO_TRY(const StoredJob job, folder.ReadJob());
  if (std::find(job.ports.begin(), job.ports.end(), request.port) == job.ports.end()) {
    co_return Error{Code::kNotFound, "NoSuchPort",
                    "job " + id.value + " has no port " + std::to_string(request.port)};
  }
  io::ClientRequest asked;
  asked.socket_path = self->InwardPath(id, request.port);
  asked.method = std::move(request.method);
  asked.target = std::move(request.target);
  asked.headers = std::move(request.headers);
  asked.body = std::move(request.body);
  asked.timeout = request.timeout;
  MILL_CO_TRY(io::ClientAnswer answer, co_await io::SendRequest(self->loop_, std::move(asked)));
  JobAnswer out;
  out.status = answer.status;
  out.headers = std::move(answer.headers);
  out.body = std::move(answer.body);
  co_return out;
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
  const std::string target =
      "/libpod/containers/" + ContainerName(id) + "?force=true&volumes=true&ignore=true";
  MILL_CO_TRY(const auto answer, co_await self->engine_.Call("DELETE", target));
  if (!IsGood(answer.status) && answer.status != kStatusNotFound)
    co_return Error{Code::kUnavailable, "EngineError", EngineMessage(answer)};
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

// ---- logs, steps, files

Result<LogChunk> ContainerBackend::Core::ReadPlain(const std::string& path, uint64_t offset) const {
  LogChunk chunk;
  chunk.offset = offset;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return chunk;  // nothing was written yet
  chunk.bytes.resize(kLogReadBytes);
  const ssize_t count =
      ::pread(fd, chunk.bytes.data(), chunk.bytes.size(), static_cast<off_t>(offset));
  ::close(fd);
  if (count < 0) return Error{Code::kInternal, "FileError", path + " cannot be read"};
  chunk.bytes.resize(static_cast<size_t>(count));
  return chunk;
}

Result<LogChunk> ContainerBackend::Core::ReadDecoded(const std::string& path, const std::string& id,
                                                     uint64_t offset) {
  Cursor& cursor = cursors_[id];
  if (offset < cursor.decoded) cursor = Cursor{};
  LogChunk chunk;
  chunk.offset = offset;
  for (;;) {
    MILL_TRY(const LogChunk raw, ReadPlain(path, cursor.raw));
    std::string decoded;
    const size_t taken = DecodeEngineLog(raw.bytes, decoded);
    if (taken == 0) return chunk;
    const uint64_t begin = cursor.decoded;
    cursor.raw += taken;
    cursor.decoded += decoded.size();
    if (cursor.decoded <= offset) continue;
    chunk.bytes = decoded.substr(offset > begin ? offset - begin : 0);
    return chunk;
  }
}

Task<LogChunk> ContainerBackend::Core::ReadLog(Self self, JobId id, uint64_t offset) {
  const JobFolder folder = self->Folder(id);
  if (!folder.Has("result.json") && !folder.Has("container.json")) co_return NeverStarted(id);
  const Result<StoredJob> job = folder.ReadJob();
  const bool is_stepped = job && job->is_stepped;
  const std::string path = folder.File(is_stepped ? "steps/log" : "log");
  MILL_CO_TRY(const auto watch, self->watcher_.Add(self->engine_.exits_dir()));
  // A job that never ran has no log to watch, and has ended.
  (void)watch->Also(path);
  for (;;) {
    MILL_CO_TRY(const std::optional<JobResult> end, co_await FindEnd(self, folder));
    MILL_CO_TRY(LogChunk chunk, is_stepped ? self->ReadPlain(path, offset)
                                           : self->ReadDecoded(path, id.value, offset));
    chunk.is_end = end.has_value() && chunk.bytes.empty();
    if (chunk.is_end || !chunk.bytes.empty()) co_return chunk;
    MILL_CO_CHECK(co_await watch->Next());
  }
}

Task<StepResult> ContainerBackend::Core::RunStep(Self self, JobId id, StepSpec step) {
  const JobFolder folder = self->Folder(id);
  if (!folder.Has("container.json")) {
    const Result<JobResult> known = folder.ReadResult();
    if (known && !known->start_error.empty())
      co_return Error{Code::kInvalid, "JobStartError", known->start_error};
    co_return NeverStarted(id);
  }
  const std::string steps = folder.File("steps");
  const std::string command_path = sandbox::CommandPath(steps, step.sequence);
  if (!io::Exists(command_path)) {
    sandbox::StepCommand command;
    command.sequence = step.sequence;
    command.argv = std::move(step.argv);
    command.env = std::move(step.env);
    command.working_dir = std::move(step.working_dir);
    command.files = std::move(step.files);
    if (step.timeout) command.timeout_ms = std::chrono::milliseconds(*step.timeout).count();
    const std::string text = sandbox::CommandToJson(command).Print();
    MILL_CO_CHECK(io::WriteFile(command_path, text, true));
  }
  MILL_CO_TRY(const auto watch, self->watcher_.Add(self->engine_.exits_dir()));
  MILL_CO_CHECK(watch->Also(steps + "/results"));
  for (;;) {
    MILL_CO_TRY(const std::optional<JobResult> end, co_await FindEnd(self, folder));
    const Result<std::string> text = io::ReadFile(sandbox::ResultPath(steps, step.sequence));
    if (text) {
      MILL_CO_TRY(const Json json, ParseJson(*text));
      MILL_CO_TRY(const sandbox::StepOutcome outcome, sandbox::OutcomeFromJson(json));
      StepResult result;
      result.exit_code = outcome.exit_code;
      result.is_timed_out = outcome.is_timed_out;
      result.log_end = outcome.log_end;
      co_return result;
    }
    if (end) {
      co_return Error{
          Code::kConflict, "JobEnded",
          "job " + id.value + " ended before its step " + std::to_string(step.sequence) + " did"};
    }
    MILL_CO_CHECK(co_await watch->Next());
  }
}

Result<std::string> ContainerBackend::Core::HostPath(const JobId& id,
                                                     const std::string& path) const {
  const JobFolder folder = Folder(id);
  MILL_TRY(const StoredJob job, folder.ReadJob());
  const auto host = FindHostPath(job.mounts, path);
  if (!host) {
    return Error{Code::kNotFound, "InvalidJobPath",
                 path + " is in no input or output folder of job " + id.value};
  }
  for (const Mount& mount : job.mounts) {
    if (host->starts_with(mount.host + "/")) MILL_CHECK(CheckNoLinks(mount.host, *host));
  }
  return *host;
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
Task<> ContainerBackend::Stop(JobId id, std::chrono::seconds grace) {
  return Core::Stop(core_, std::move(id), grace);
}
Task<> ContainerBackend::Remove(JobId id) { return Core::Remove(core_, std::move(id)); }
Task<std::vector<JobId>> ContainerBackend::List() {
  const auto core = core_;
  co_return core->List();
}

}  // namespace stepmill::container
