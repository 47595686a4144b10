#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/wiring.h"
#include "archive/archive.h"
#include "base/result.h"
#include "blob/blob_store.h"
#include "compute/backend.h"
#include "engine/engine.h"
#include "gate/door.h"
#include "gate/sealed_store.h"
#include "gate/vault.h"
#include "io/loop.h"
#include "repo/git/git_repos.h"
#include "service/ports.h"
#include "store/memory/memory_store.h"
#include "task/web.h"

namespace stepmill {

/// For tests of services: a door over a memory store, the real loop and real git in a temporary
/// folder. Archive, blobs and backend only where a test brings them; else they refuse.
class TestWorld {
 public:
  struct NoArchive : Archive {
    static Error Refuse() { return {Code::kInternal, "NoArchive", "this test has no archive"}; }
    Task<> Pack(Format, std::vector<Entry>, std::string) override { co_return Refuse(); }
    Task<> PackFolder(Format, std::string, std::string) override { co_return Refuse(); }
    Task<> Unpack(std::string, std::string, Limits) override { co_return Refuse(); }
    Task<std::string> ReadEntry(std::string, std::string, uint64_t) override { co_return Refuse(); }
  };
  struct NoBackend : Backend {
    static Error Refuse() { return {Code::kInternal, "NoBackend", "this test runs no jobs"}; }
    Task<> Start(JobSpec) override { co_return Refuse(); }
    Task<JobResult> Wait(JobId) override { co_return Refuse(); }
    Task<LogChunk> ReadLog(JobId, uint64_t) override { co_return Refuse(); }
    Task<StepResult> RunStep(JobId, StepSpec) override { co_return Refuse(); }
    Result<std::string> HostPath(JobId, std::string) override { return Refuse(); }
    Task<> Stop(JobId, std::chrono::seconds) override { co_return Refuse(); }
    Task<> Remove(JobId) override { co_return Refuse(); }
    Task<std::vector<JobId>> List() override { co_return Refuse(); }
  };

  struct NoWeb : WebClient {
    Task<WebAnswer> Send(WebRequest) override {
      co_return Error{Code::kInternal, "NoWeb", "this test reaches no server outside"};
    }
  };

  /// The loop's, until StopClock().
  struct TestClock : Clock {
    explicit TestClock(Clock& of_loop) : real(of_loop) {}
    Time Now() override { return still ? *still : real.Now(); }
    uint64_t WakeAt(Time at, std::function<void()> wake) override {
      return real.WakeAt(at, std::move(wake));
    }
    void Cancel(uint64_t handle) override { real.Cancel(handle); }
    Task<> SleepUntil(Time at) override { return real.SleepUntil(at); }
    Clock& real;
    std::optional<Time> still;
  };

  /// `matcher`: of event patterns. The engine goes on only after Recover() (see ports().engine).
  TestWorld(std::vector<const Service*> services, BlobStore* blobs, Archive* archive,
            Engine::Matcher matcher, Backend* backend = nullptr, WebClient* web = nullptr)
      : folder_(MakeFolder()), loop_(1) {
    auto repos = OpenGitRepos(loop_, folder_ + "/git");
    MILL_ASSERT(repos.has_value());
    repos_ = std::move(repos).value();
    std::filesystem::create_directories(folder_ + "/tmp");
    engine_ = std::make_unique<Engine>(store_, clock_, loop_.random(), loop_.spawner(),
                                       std::move(matcher));
    // The ports name the door, the door the ports: the memory of the door is there before it is.
    Door* place = static_cast<Door*>(::operator new(sizeof(Door)));
    ports_.reset(new Ports{.store = store_,
                           .blobs = *blobs,
                           .archive = archive ? *archive : no_archive_,
                           .repos = *repos_,
                           .backend = backend ? *backend : no_backend_,
                           .engine = *engine_,
                           .clock = clock_,
                           .random = loop_.random(),
                           .spawner = loop_.spawner(),
                           .vault = vault_,
                           .web = web ? *web : no_web_,
                           .door = *place,
                           .account = "000000000000",
                           .region = "us-east-1",
                           .data_dir = folder_});
    door_.reset(new (place) Door(*ports_, [this](Batch batch) {
      for (const OutgoingEvent& event : batch.events) events.push_back(event.Document());
      return engine_->Commit(std::move(batch));
    }));
    WireServices(*ports_, services);
  }
  ~TestWorld() {
    loop_.context().stop();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  template <class T>
  Result<T> Run(Task<T> task) {
    std::optional<Result<T>> result;
    asio::co_spawn(loop_.context(), Keep(std::move(task), result), asio::detached);
    loop_.context().restart();
    while (!result) loop_.context().run_one();
    return *std::move(result);
  }
  /// Runs the loop until `is_done` says so. False: it did not come to that in 20 seconds.
  template <class IsDone>
  bool RunUntil(IsDone is_done) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (std::chrono::steady_clock::now() < until) {
      if (is_done()) return true;
      loop_.context().restart();
      loop_.context().run_one_for(std::chrono::milliseconds(5));
    }
    return false;
  }

  Result<Json> Ask(std::string service, std::string operation, Json input,
                   bool is_internal = false) {
    Request request;
    request.service = std::move(service);
    request.operation = std::move(operation);
    request.principal = Alice();
    request.account = "000000000000";
    request.region = "us-east-1";
    request.input = std::move(input);
    request.is_internal = is_internal;
    Result<Answer> answer = Run(door_->Ask(std::move(request)));
    if (!answer) return answer.error();
    return answer->output;
  }
  static Principal Alice() {
    Principal alice;
    alice.kind = Principal::Kind::kUser;
    alice.account = "000000000000";
    alice.arn = "arn:aws:iam::000000000000:user/alice";
    return alice;
  }
  /// Runs a shell script in the world's folder; a failing one fails the test by its empty answer.
  std::string Shell(const std::string& script) {
    const std::string command =
        "cd '" + folder_ + "' && export HOME=/nonexistent GIT_CONFIG_NOSYSTEM=1 " +
        "GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=A " +
        "GIT_COMMITTER_EMAIL=a@example.com && set -e && (" + script + ") 2>> shell.err";
    std::string text;
    FILE* pipe = ::popen(command.c_str(), "r");
    char buffer[4096];
    for (size_t n; (n = ::fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, n);
    if (::pclose(pipe) != 0) return "";
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }

  /// From here on all happens within one millisecond.
  void StopClock() { clock_.still = clock_.Now(); }

  Door& door() { return *door_; }
  Ports& ports() { return *ports_; }
  Engine& engine() { return *engine_; }
  io::Loop& loop() { return loop_; }
  Store& unopened_store() { return memory_; }  ///< as it stands: what is sealed is sealed
  const std::string& folder() const { return folder_; }

  std::vector<Json> events;  ///< every EventBridge document that the door committed

 private:
  static std::string MakeFolder() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "stepmill-test-XXXXXX").string();
    return ::mkdtemp(pattern.data());
  }
  template <class T>
  static asio::awaitable<void> Keep(Task<T> task, std::optional<Result<T>>& result) {
    result.emplace(co_await std::move(task));
  }

  std::string folder_;
  io::Loop loop_;
  TestClock clock_{loop_.clock()};
  MemoryStore memory_;
  NoArchive no_archive_;
  NoBackend no_backend_;
  NoWeb no_web_;
  Vault vault_{Secret(std::string(32, 'k'))};
  SealedStore store_{memory_, vault_, IsKeptSealed};
  std::unique_ptr<Repos> repos_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Ports> ports_;
  std::unique_ptr<Door> door_;
};

}  // namespace stepmill
