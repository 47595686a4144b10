#include "compute/container/engine.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/log.h"
#include "base/strings.h"
#include "io/files.h"
#include "io/process.h"
#include "io/watch.h"

namespace stepmill::container {

namespace {

constexpr auto kStartMax = std::chrono::seconds(30);
constexpr auto kPingTimeout = std::chrono::seconds(20);
constexpr auto kPingPause = std::chrono::milliseconds(10);
constexpr int kAttempts = 3;
constexpr uint64_t kOpenFilesMax = 65536;
constexpr uint64_t kProcessesMax = 16384;  ///< podman lowers its own limit to about 32,000

std::string Quoted(const std::string& text) { return Json(text).Print(); }

/// "nofile=65536:65536": no raise above our own limit is allowed.
std::string UlimitText(const char* name, int resource, uint64_t wanted) {
  rlimit limit{};
  ::getrlimit(resource, &limit);
  const uint64_t most = std::min<uint64_t>(limit.rlim_max, wanted);
  return Quoted(std::string(name) + "=" + std::to_string(most) + ":" + std::to_string(most));
}

bool HasProgram(const std::string& name) {
  for (const char* folder : {"/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/usr/lib/podman/",
                             "/usr/libexec/podman/", "/usr/local/libexec/podman/"}) {
    if (::access((folder + name).c_str(), X_OK) == 0) return true;
  }
  return false;
}

bool IsCgroupV2() { return io::Exists("/sys/fs/cgroup/cgroup.controllers"); }

}  // namespace

struct Engine::State {
  State(io::Loop& l, EngineOptions o) : loop(l), options(std::move(o)) {}
  io::Loop& loop;
  EngineOptions options;
  std::string dir;      ///< DIR/engine
  std::string run_dir;  ///< /run/stepmill/<id>
  std::shared_ptr<Signal> starting;
  bool is_prepared = false;

  std::string Socket() const { return run_dir + "/socket/docker.sock"; }
  Result<> Prepare();
  Result<> WriteSettings() const;
  /// The server's address, to which the engine's own connections go; "" for none.
  std::string ProxyUrl() const {
    const Result<std::string> text = io::ReadFile(options.endpoint_file);
    return text ? text->substr(0, text->find('\n')) : "";
  }
  void EndProcess() const;
  io::ProcessSpec Program() const;
  Task<> Ping(std::chrono::milliseconds timeout);
  Task<> Start();
};

namespace {

/// Where sockets go: paths of at most 107 bytes, gone after a reboot.
std::string RunRoot() {
  if (::geteuid() == 0) return "/run/stepmill";
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime && *runtime) return std::string(runtime) + "/stepmill";
  return "/tmp/stepmill-" + std::to_string(::geteuid());
}

}  // namespace

Engine::Engine(io::Loop& loop, EngineOptions options)
    : state_(std::make_shared<State>(loop, std::move(options))) {
  state_->dir = state_->options.data_dir + "/engine";
  // The engine of a data folder that was removed must never serve the one that took its place: so
  // the folder has an id of its own, and not its path names the socket.
  constexpr size_t kIdLength = 12;
  const std::string id_path = state_->dir + "/id";
  Result<std::string> id = io::ReadFile(id_path);
  if (!id) {
    id = loop.random().NewUuid();
    Result<> made = io::MakeFolders(state_->dir);
    if (made) made = io::WriteFile(id_path, *id, true);
    if (!made) MILL_LOG(kError, made.error().message);
  }
  state_->run_dir = RunRoot() + "/" + ReplaceAll(*id, "-", "").substr(0, kIdLength);
}

Engine::~Engine() = default;

const std::string& Engine::run_dir() const { return state_->run_dir; }
std::string Engine::exits_dir() const { return state_->run_dir + "/tmp/exits"; }
std::string Engine::socket_dir() const { return state_->run_dir + "/socket"; }
std::string Engine::pid_file(const std::string& container_id) const {
  // An ordinary user's engine keeps to XDG_RUNTIME_DIR, whatever storage.conf says.
  const char* root = ::geteuid() == 0 ? "/root" : "/user/containers";
  return state_->run_dir + root + "/overlay-containers/" + container_id + "/userdata/pidfile";
}

Result<> Engine::State::Prepare() {
  for (const std::string& folder :
       {dir + "/storage/libpod", dir + "/volumes", dir + "/networks", dir + "/tmp",
        run_dir + "/socket", run_dir + "/tmp/exits", run_dir + "/root", run_dir + "/user"}) {
    MILL_CHECK(io::MakeFolders(folder));
  }
  std::error_code ignored;  // who may not set modes cannot have made the folder
  std::filesystem::permissions(run_dir, std::filesystem::perms::owner_all, ignored);
  return WriteSettings();
}

/// The program that a container's monitor starts at its end (it cleans up, and removes what was
/// started with --rm) is given the storage folder, and takes static_dir to be "libpod" in it: with
/// any other static_dir it looks into another database and finds no container.
Result<> Engine::State::WriteSettings() const {
  const bool has_runc = HasProgram("runc");
  const bool has_netavark = HasProgram("netavark");
  const std::string containers =
      "[containers]\n"
      "default_ulimits = [" +
      UlimitText("nofile", RLIMIT_NOFILE, kOpenFilesMax) + ", " +
      UlimitText("nproc", RLIMIT_NPROC, kProcessesMax) +
      "]\n"
      "http_proxy = false\n"
      "[engine]\n"
      "runtime = \"" +
      std::string(has_runc ? "runc" : "crun") +
      "\"\n"
      "cgroup_manager = \"cgroupfs\"\n"
      "events_logger = \"file\"\n"  // `docker run` waits for an event
      "tmp_dir = " +
      Quoted(run_dir + "/tmp") +
      "\n"
      "static_dir = " +
      Quoted(dir + "/storage/libpod") +
      "\n"
      "volume_path = " +
      Quoted(dir + "/volumes") +
      "\n"
      "image_copy_tmp_dir = " +
      Quoted(dir + "/tmp") +
      "\n"
      "[network]\n" +
      (has_netavark ? "network_backend = \"netavark\"\n" : "") +
      "network_config_dir = " + Quoted(dir + "/networks") + "\n";
  MILL_CHECK(io::WriteFile(dir + "/containers.conf", containers, false));
  std::string storage =
      "[storage]\n"
      "driver = \"overlay\"\n"
      "graphroot = " +
      Quoted(dir + "/storage") +
      "\n"
      "runroot = " +
      Quoted(run_dir + "/root") + "\n";
  if (!options.image_cache.empty() && io::Exists(options.image_cache + "/overlay-images")) {
    storage += "[storage.options]\nadditionalimagestores = [" + Quoted(options.image_cache) + "]\n";
  }
  // Else the folder stays a mount point when all has ended, and cannot be removed.
  storage += "[storage.options.overlay]\nskip_mount_home = \"true\"\n";
  MILL_CHECK(io::WriteFile(dir + "/storage.conf", storage, false));
  std::string registries =
      "unqualified-search-registries = [\"docker.io\"]\n"
      "short-name-mode = \"disabled\"\n";
  // Where the registry itself is reachable it is used: mirrors are asked before the location.
  for (const char* registry : {"docker.io", "public.ecr.aws"}) {
    if (options.mirror_host.empty()) break;
    registries += "[[registry]]\nprefix = " + Quoted(registry) +
                  "\nlocation = " + Quoted(options.mirror_host + "/" + registry) +
                  "\n[[registry.mirror]]\nlocation = " + Quoted(registry) + "\n";
  }
  return io::WriteFile(dir + "/registries.conf", registries, false);
}

io::ProcessSpec Engine::State::Program() const {
  io::ProcessSpec spec;
  spec.argv = {"podman", "system", "service", "--time", "0", "unix://" + Socket()};
  spec.env = {{"CONTAINERS_CONF", dir + "/containers.conf"},
              {"CONTAINERS_STORAGE_CONF", dir + "/storage.conf"},
              {"CONTAINERS_REGISTRIES_CONF", dir + "/registries.conf"},
              {"REGISTRY_AUTH_FILE", dir + "/auth.json"},
              {"TMPDIR", dir + "/tmp"}};
  if (::geteuid() != 0) spec.env["XDG_RUNTIME_DIR"] = run_dir + "/user";
  for (const char* name : {"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"})
    spec.env[name] = ProxyUrl();
  for (const char* name : {"NO_PROXY", "no_proxy"}) spec.env[name] = "";
  if (!options.ca_bundle.empty()) spec.env["SSL_CERT_FILE"] = options.ca_bundle;
  spec.working_dir = "/";
  return spec;
}

Task<> Engine::State::Ping(std::chrono::milliseconds timeout) {
  io::ClientRequest request;
  request.socket_path = Socket();
  request.target = "/_ping";
  request.timeout = timeout;
  MILL_CO_TRY(const io::ClientAnswer answer, co_await io::SendRequest(loop, std::move(request)));
  if (answer.status == 200) co_return Result<>();
  co_return Error{Code::kUnavailable, "EngineError",
                  "the container engine answers " + std::to_string(answer.status)};
}

Task<> Engine::State::Start() {
  if (!is_prepared) MILL_CO_CHECK(Prepare());
  is_prepared = true;
  const std::string log = dir + "/log";
  MILL_CO_TRY(const io::Detached started, co_await io::StartDetached(loop, Program(), log, false));
  MILL_CO_CHECK(io::WriteFile(
      dir + "/pid",
      std::to_string(started.pid) + " " + std::to_string(io::ProcessStartTicks(started.pid)),
      false));
  const Time until = loop.clock().Now() + kStartMax;
  for (;;) {
    const Result<> up = co_await Ping(kPingTimeout);
    if (up) co_return Result<>();
    if (io::ProcessStartTicks(started.pid) == 0 || loop.clock().Now() > until) {
      co_return Error{Code::kUnavailable, "EngineError",
                      "the container engine did not start: see " + log};
    }
    // The socket's file appears before it listens, so there is nothing else to wait for.
    MILL_CO_CHECK(co_await loop.clock().SleepUntil(loop.clock().Now() + kPingPause));
  }
}

Task<> Engine::EnsureUp() {
  const auto state = state_;
  while (state->starting) {
    const auto other = state->starting;
    MILL_CO_CHECK(co_await other->Wait());
  }
  const auto mine = std::make_shared<Signal>();
  state->starting = mine;
  Result<> up = co_await state->Ping(kPingTimeout);
  if (up && !state->is_prepared) {
    // One that an earlier server left: it must lead to this one.
    const Result<std::string> proxy = io::ReadFile(state->dir + "/proxy");
    if (!proxy || *proxy != state->ProxyUrl()) {
      state->EndProcess();
      up = Error{Code::kUnavailable, "EngineError", "the engine leads to another server"};
    }
    state->is_prepared = up.has_value();
  }
  if (!up) up = co_await state->Start();
  state->starting.reset();
  mine->Set();
  co_return up;
}

Task<io::ClientAnswer> Engine::Call(std::string method, std::string target, Json body,
                                    std::chrono::milliseconds timeout, std::string registry_auth) {
  const auto state = state_;
  if (!state->is_prepared) MILL_CO_CHECK(co_await EnsureUp());
  for (int attempt = 1;; ++attempt) {
    io::ClientRequest request;
    request.socket_path = state->Socket();
    request.method = method;
    request.target = "/v4.0.0" + target;
    request.timeout = timeout;
    if (!body.is_null()) {
      request.headers["Content-Type"] = "application/json";
      request.body = body.Print();
    }
    if (!registry_auth.empty()) request.headers["X-Registry-Auth"] = registry_auth;
    Result<io::ClientAnswer> answer = co_await io::SendRequest(state->loop, std::move(request));
    if (answer || answer.error().code != Code::kUnavailable || attempt == kAttempts)
      co_return answer;
    MILL_CO_CHECK(co_await EnsureUp());
  }
}

Task<> Engine::ImportEmpty(std::string name) {
  constexpr size_t kEmptyArchiveBytes = 10'240;  // a tar file without members
  const auto state = state_;
  MILL_CO_TRY(const auto known,
              co_await Call("GET", "/libpod/images/" + UrlEncode(name) + "/exists"));
  if (known.status >= 200 && known.status < 300) co_return Result<>();
  io::ClientRequest request;
  request.socket_path = state->Socket();
  request.method = "POST";
  request.target = "/v4.0.0/libpod/images/import?reference=" + UrlEncode(name);
  request.headers["Content-Type"] = "application/x-tar";
  request.body = std::string(kEmptyArchiveBytes, '\0');
  MILL_CO_TRY(const auto made, co_await io::SendRequest(state->loop, std::move(request)));
  if (made.status >= 200 && made.status < 300) co_return Result<>();
  co_return Error{Code::kInvalid, "JobCannotStart", "an empty image cannot be made: " + made.body};
}

void Engine::End() { state_->EndProcess(); }

void Engine::State::EndProcess() const {
  const Result<std::string> text = io::ReadFile(dir + "/pid");
  if (!text) return;
  const auto parts = Split(*text, ' ');
  if (parts.size() != 2) return;
  const auto pid = static_cast<pid_t>(ParseInt(parts[0]).value_or(0));
  const auto ticks = static_cast<uint64_t>(ParseInt(parts[1]).value_or(0));
  if (pid > 0 && io::ProcessStartTicks(pid) == ticks) ::kill(pid, SIGTERM);
}

bool Engine::CanLimit() {
  if (::geteuid() == 0) return true;
  // An ordinary user's limits need the unified hierarchy, delegated to him.
  return IsCgroupV2();
}

std::vector<std::string> Engine::MissingParts() {
  std::vector<std::string> missing;
  for (const char* program : {"podman", "conmon"}) {
    if (!HasProgram(program)) missing.push_back(std::string(program) + ": apt-get install podman");
  }
  if (!HasProgram("runc") && !HasProgram("crun")) missing.push_back("runc: apt-get install runc");
  if (::geteuid() == 0) return missing;
  for (const char* program : {"newuidmap", "newgidmap"}) {
    if (!HasProgram(program)) missing.push_back(std::string(program) + ": apt-get install uidmap");
  }
  for (const char* file : {"/etc/subuid", "/etc/subgid"}) {
    const Result<std::string> text = io::ReadFile(file);
    const char* user = std::getenv("USER");
    if (!text || (user && text->find(std::string(user) + ":") == std::string::npos))
      missing.push_back(std::string(file) + ": no range of ids for this user");
  }
  return missing;
}

}  // namespace stepmill::container
