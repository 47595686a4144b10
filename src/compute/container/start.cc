#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strings.h"
#include "compute/container/core.h"
#include "compute/container/staging.h"
#include "io/disk.h"
#include "io/files.h"
#include "io/http_client.h"
#include "json/each.h"

namespace stepmill::container {

namespace {

constexpr auto kPullTimeout = std::chrono::minutes(60);
constexpr int kMakeAttempts = 3, kStartAttempts = 3;

Error CannotStart(const std::string& message) {
  return Error{Code::kInvalid, "JobCannotStart", message};
}

/// What the engine says may pass: it is tried again with another container.
Error Refused(const std::string& message) {
  return Error{Code::kConflict, "JobCannotStart", message};
}
bool WasRefused(const Result<StoredContainer>& container) {
  return !container && container.error().code == Code::kConflict;
}

/// The kernel's name of a process; "": it is gone.
std::string ProcessName(int pid) {
  const Result<std::string> name = io::ReadFile("/proc/" + std::to_string(pid) + "/comm");
  return name ? *name : "";
}

/// It lives, and its process is still the runtime's own that waits for the start.
bool IsWaiting(const StoredContainer& container) {
  if (!IsAlive(container)) return false;
  return container.waits_as.empty() || ProcessName(container.pid) == container.waits_as;
}

/// What a pull's stream of JSON lines says went wrong; empty: nothing.
std::string PullError(const std::string& body) {
  for (const std::string_view line : Split(body, '\n')) {
    const Result<Json> json = ParseJson(line);
    if (json && json->is_object() && json->Has("error")) return json->StringOr("error", "");
  }
  return "";
}

}  // namespace

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
  // What an interrupted start left. It never ran. The engine may still be carrying out what that
  // start asked for: what comes of it later never runs either, and goes with the job.
  const bool is_again = io::Exists(folder.path());
  if (is_again) {
    MILL_CO_CHECK(co_await RemoveContainers(self, spec.id));
    MILL_CO_CHECK(io::RemoveTree(folder.path()));
  }
  MILL_CO_CHECK(io::MakeFolders(folder.path()));
  MILL_CO_CHECK(io::OpenFolder(self->options_.data_dir + "/jobs")->SyncFolder());
  if (is_again) MILL_CO_CHECK(io::WriteFile(folder.File("again"), "", false));
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
  MILL_CO_TRY(SandboxPlaces places, self->Places());
  if (::symlink(places.home.c_str(), folder.File("home").c_str()) != 0)
    co_return Error{Code::kInternal, "FileError", folder.File("home") + " cannot be made"};
  places.home = folder.File("home");
  MILL_CO_TRY(const Image image, co_await FindImage(self, spec));
  std::string subnet;
  if (!spec.group.empty()) {
    MILL_CO_TRY(subnet, co_await MakeNetwork(self, spec.group));
  }
  const Json request = CreateRequest(spec, job, image.name, folder, places, subnet);
  Result<StoredContainer> container = co_await MakeContainer(self, spec, request);
  for (int attempt = 2; attempt <= kMakeAttempts && WasRefused(container); ++attempt) {
    // A request of an interrupted start may stand in the way (an address of the group, say).
    MILL_CO_CHECK(co_await RemoveContainers(self, spec.id));
    MILL_CO_CHECK(io::WriteFile(folder.File("again"), "", false));
    container = co_await MakeContainer(self, spec, request);
  }
  if (!container) co_return container.error();
  container->image_digest = image.digest;
  if (job.has_relay) MILL_CO_CHECK(co_await StartRelay(self, spec.id, *container));
  co_return folder.WriteContainer(*container);
}

Task<StoredContainer> ContainerBackend::Core::MakeContainer(Self self, const JobSpec& spec,
                                                            Json request) {
  constexpr size_t kMarkLength = 8;
  const std::string mark = self->loop_.random().NewUuid().substr(0, kMarkLength);
  const Json named = request.With("name", ContainerName(spec.id) + "-" + mark);
  MILL_CO_TRY(const auto created,
              co_await self->engine_.Call("POST", "/libpod/containers/create", named));
  if (created.status == kStatusNotFound)
    co_return CannotStart("image '" + spec.image + "' is not there: stepmill images add " +
                          spec.image + " ARCHIVE");
  if (!IsGood(created.status)) co_return Refused(EngineMessage(created));
  MILL_CO_TRY(const Json answer, ParseJson(created.body));
  StoredContainer container;
  MILL_CO_TRY(container.id, answer.RequireString("Id"));
  MILL_CO_TRY(const auto initialized,
              co_await self->engine_.Call("POST", "/libpod/containers/" + container.id + "/init"));
  if (!IsGood(initialized.status) && initialized.status != kStatusNotModified)
    co_return Refused(EngineMessage(initialized));
  const Result<std::string> pid = io::ReadFile(self->engine_.pid_file(container.id));
  container.pid = pid ? static_cast<int>(ParseInt(Trim(*pid)).value_or(0)) : 0;
  container.start_ticks = io::ProcessStartTicks(container.pid);
  container.waits_as = ProcessName(container.pid);
  if (container.pid <= 0 || container.start_ticks == 0)
    co_return Refused("the container ended before it was started");
  co_return container;
}

Task<> ContainerBackend::Core::RemoveContainers(Self self, JobId id) {
  const Json filters = Json::Object{{"label", Json::Array{Json("stepmill.job=" + id.value)}}};
  const std::string target =
      "/libpod/containers/json?all=true&filters=" + UrlEncode(filters.Print());
  MILL_CO_TRY(const auto listed, co_await self->engine_.Call("GET", target));
  if (!IsGood(listed.status))
    co_return Error{Code::kUnavailable, "EngineError", EngineMessage(listed)};
  MILL_CO_TRY(const Json containers, ParseJson(listed.body));
  for (const Json& container : ItemsOf(containers))
    MILL_CO_CHECK(co_await RemoveContainer(self, container.StringOr("Id", "")));
  co_return Result<>();
}

Task<> ContainerBackend::Core::RemoveContainer(Self self, std::string container_id) {
  const std::string target =
      "/libpod/containers/" + container_id + "?force=true&volumes=true&ignore=true";
  MILL_CO_TRY(const auto answer, co_await self->engine_.Call("DELETE", target));
  if (!IsGood(answer.status) && answer.status != kStatusNotFound)
    co_return Error{Code::kUnavailable, "EngineError", EngineMessage(answer)};
  co_return Result<>();
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
  // The engine's start makes the process of a container that has ended anew, and a start of an
  // earlier life may still be on its way: without this link it finds nothing to mount, and refuses.
  MILL_CO_CHECK(io::RemoveTree(folder.File("home")));
  const std::string target = "/libpod/containers/" + container.id + "/start";
  for (int attempt = 1; !self->HasEnded(folder) && IsWaiting(container); ++attempt) {
    if (job.has_relay && !self->HasLiveRelay(folder))
      MILL_CO_CHECK(co_await StartRelay(self, id, container));
    MILL_CO_TRY(const auto answer, co_await self->engine_.Call("POST", target));
    if (IsGood(answer.status) || answer.status == kStatusNotModified) break;
    if (attempt < kStartAttempts) continue;
    if (self->HasEnded(folder) || !IsWaiting(container)) break;
    JobResult result;
    result.exit_code = -1;
    result.start_error = EngineMessage(answer);
    MILL_CO_CHECK(folder.WriteResult(result));
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

}  // namespace stepmill::container
