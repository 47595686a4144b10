#include "app/world.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <unordered_map>

#include "app/housekeeping.h"
#include "app/image_store.h"
#include "app/job_images.h"
#include "app/services.h"
#include "app/wiring.h"
#include "archive/libarchive/libarchive.h"
#include "base/log.h"
#include "blob/files/file_blobs.h"
#include "compute/container/container_backend.h"
#include "compute/queue/queued_backend.h"
#include "engine/engine.h"
#include "gate/door.h"
#include "gate/sealed_store.h"
#include "gate/vault.h"
#include "io/https_client.h"
#include "lang/pattern/pattern.h"
#include "repo/git/git_repos.h"
#include "service/lambda/lambda.h"
#include "store/journal/journal_store.h"

namespace stepmill {
namespace {

constexpr size_t kKeyBytes = 32;

Error Trouble(const std::string& what) {
  return Error{Code::kUnavailable, "DataFolder", what + ": " + std::strerror(errno)};
}

struct Lock {
  int file = -1;
  ~Lock() {
    if (file >= 0) ::close(file);
  }
};

Result<> TakeLock(const std::string& path, Lock& lock) {
  lock.file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock.file < 0) return Trouble(path);
  if (::flock(lock.file, LOCK_EX | LOCK_NB) != 0)
    return Error{Code::kConflict, "DataFolder",
                 "another stepmill runs on this data folder (" + path + " is locked)"};
  return {};
}

/// The vault's key: made at first start, durable before anything is sealed with it.
Result<Secret> ReadOrMakeKey(const std::string& path, Random& random) {
  std::ifstream present(path, std::ios::binary);
  std::string key(std::istreambuf_iterator<char>(present), {});
  if (key.size() == kKeyBytes) return Secret(std::move(key));
  if (!key.empty()) return Error{Code::kInvalid, "DataFolder", path + " does not hold 32 bytes"};
  while (key.size() < kKeyBytes) {
    const uint64_t bits = random.Next();
    key.append(reinterpret_cast<const char*>(&bits), sizeof bits);
  }
  const std::string temporary = path + ".new";
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return Trouble(temporary);
  const bool is_written =
      ::write(file, key.data(), key.size()) == static_cast<ssize_t>(key.size()) &&
      ::fsync(file) == 0;
  ::close(file);
  if (!is_written || ::rename(temporary.c_str(), path.c_str()) != 0) return Trouble(path);
  return Secret(std::move(key));
}

/// Compiled patterns by their text. One that does not compile matches nothing.
class PatternMatcher {
 public:
  bool operator()(const Json& pattern, const Json& event) {
    std::string text = pattern.Print();
    const auto known = compiled_.find(text);
    if (known != compiled_.end()) return known->second && known->second->Matches(event);
    if (compiled_.size() >= kPatternsMax) compiled_.clear();
    auto made = pattern::Compile(text);
    const auto added =
        compiled_.emplace(std::move(text), made ? std::optional(*std::move(made)) : std::nullopt)
            .first;
    return added->second && added->second->Matches(event);
  }

 private:
  static constexpr size_t kPatternsMax = 10'000;
  std::unordered_map<std::string, std::optional<pattern::Pattern>> compiled_;
};

}  // namespace

struct World::Parts {
  Parts(io::Loop& loop, WorldOptions opts, std::unique_ptr<JournalStore> made_store,
        std::unique_ptr<FileBlobs> made_blobs, std::unique_ptr<Repos> made_repos, Secret key,
        Engine::Matcher matcher, ImageTable images)
      : options(std::move(opts)),
        plain_store(std::move(made_store)),
        blobs(std::move(made_blobs)),
        archive(loop.pool()),
        repos(std::move(made_repos)),
        backend(loop, *blobs, archive, OptionsOfJobs(std::move(images))),
        queue(backend, loop.spawner(), options.data_dir + "/queue", MachineCapacity()),
        vault(std::move(key)),
        web(loop),
        store(*plain_store, vault, IsKeptSealed),
        engine(store, loop.clock(), loop.random(), loop.spawner(), std::move(matcher)),
        ports{.store = store,
              .blobs = *blobs,
              .archive = archive,
              .repos = *repos,
              .backend = queue,
              .engine = engine,
              .clock = loop.clock(),
              .random = loop.random(),
              .spawner = loop.spawner(),
              .vault = vault,
              .web = web,
              .door = door,
              .account = options.account,
              .region = options.region,
              .data_dir = options.data_dir},
        door(ports, [this](Batch batch) { return engine.Commit(std::move(batch)); }) {}

  container::ContainerOptions OptionsOfJobs(ImageTable images) {
    auto made = JobOptions(options.data_dir, options.are_jobs_unlimited, std::move(images));
    made.find_image = [this](EcrImage image, std::string role_arn) {
      return FindJobImage(ports, std::move(image), std::move(role_arn));
    };
    return made;
  }

  WorldOptions options;
  Lock lock;
  std::unique_ptr<JournalStore> plain_store;
  std::unique_ptr<FileBlobs> blobs;
  Libarchive archive;
  std::unique_ptr<Repos> repos;
  container::ContainerBackend backend;
  QueuedBackend queue;
  Vault vault;
  io::HttpsClient web;
  SealedStore store;
  Engine engine;
  Ports ports;
  Door door;
};

World::World(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
World::~World() = default;
Ports& World::ports() { return parts_->ports; }

Result<std::unique_ptr<World>> World::Open(io::Loop& loop, WorldOptions options,
                                           std::function<void(const Error&)> failed) {
  namespace fs = std::filesystem;
  std::error_code trouble;
  options.data_dir = fs::absolute(options.data_dir).string();
  const std::string& dir = options.data_dir;
  fs::create_directories(dir, trouble);
  if (trouble) return Error{Code::kUnavailable, "DataFolder", dir + ": " + trouble.message()};
  fs::permissions(dir, fs::perms::owner_all, trouble);
  Lock lock;
  MILL_CHECK(TakeLock(dir + "/lock", lock));
  fs::remove_all(dir + "/tmp", trouble);
  for (const char* folder : {"/tmp", "/run", "/git", "/blobs"})
    fs::create_directories(dir + folder, trouble);
  MILL_TRY(Secret key, ReadOrMakeKey(dir + "/key", loop.random()));
  MILL_TRY(auto store, JournalStore::OpenFolder(loop.context().get_executor(), dir + "/store",
                                                std::move(failed)));
  MILL_TRY(auto blobs, FileBlobs::Open(loop.pool(), loop.random(), dir + "/blobs"));
  MILL_TRY(auto repos, OpenGitRepos(loop, dir + "/git"));
  MILL_TRY(ImageTable images, LoadImageTable(dir));
  auto parts = std::make_unique<Parts>(loop, std::move(options), std::move(store), std::move(blobs),
                                       std::move(repos), std::move(key), PatternMatcher(),
                                       std::move(images));
  for (const std::string& line : parts->backend.MissingParts())
    MILL_LOG(kWarn, "jobs cannot run here, missing: " + line);
  std::swap(parts->lock.file, lock.file);
  WireServices(parts->ports, AllServices());
  return std::unique_ptr<World>(new World(std::move(parts)));
}

Task<> World::Recover() {
  MILL_CO_CHECK(co_await parts_->backend.Recover());
  MILL_CO_CHECK(co_await parts_->queue.Recover());
  MILL_CO_CHECK(co_await parts_->engine.Recover());
  lambda::EndOldEnvironments(parts_->ports);
  parts_->ports.spawner.Spawn("keep house", KeepHouse(parts_->ports));
  co_return Result<>();
}

Task<> World::Drain() {
  MILL_CO_CHECK(co_await parts_->engine.Drain());
  parts_->backend.EndEngineIfIdle();
  co_return Result<>();
}

}  // namespace stepmill
