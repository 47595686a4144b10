#pragma once

#include <memory>
#include <optional>
#include <string>

#include "app/wiring.h"
#include "archive/archive.h"
#include "blob/memory/memory_blobs.h"
#include "engine/engine.h"
#include "gate/door.h"
#include "gate/sealed_store.h"
#include "gate/vault.h"
#include "repo/repo.h"
#include "service/ports.h"
#include "sim_disk.h"
#include "sim_jobs.h"
#include "store/journal/journal_store.h"
#include "task/web.h"

namespace stepmill::sim {

/// How bad a run's world is. Chosen by the seed.
struct Faults {
  int crashes = 0;            ///< of the server's process, between two steps
  int accidents = 0;          ///< disk operations that end the process, or fail
  bool loses_power = false;   ///< in crashes: what was not synced goes, and jobs are killed
  uint64_t lose_request = 0;  ///< once in so many, 0: never
  uint64_t lose_answer = 0;
  uint64_t repeat_request = 0;  ///< a request that arrives twice
  uint64_t fail_backend = 0;
  uint64_t repeat_effect = 0;  ///< a call of the loop's own whose answer is lost
  uint64_t repeat_event = 0;   ///< an event that comes twice
};
std::string PrintFaults(const Faults& faults);

/// What outlives the server's process.
struct Machine {
  explicit Machine(uint64_t seed) : disk(seed) {}
  SimDisk disk;
  std::unique_ptr<MemoryBlobs> blobs;
  std::unique_ptr<SimJobs> jobs;
};

/// Archives, git and servers outside are not simulated: what needs them is not in the runs.
struct NoArchive final : Archive {
  static Error Refuse() { return {Code::kInternal, "NotSimulated", "no archives"}; }
  Task<> Pack(Format, std::vector<Entry>, std::string) override { co_return Refuse(); }
  Task<> PackFolder(Format, std::string, std::string) override { co_return Refuse(); }
  Task<> Unpack(std::string, std::string, Limits) override { co_return Refuse(); }
  Task<std::string> ReadEntry(std::string, std::string, uint64_t) override { co_return Refuse(); }
};
std::unique_ptr<Repos> NoRepos();
struct NoWeb final : WebClient {
  Task<WebAnswer> Send(WebRequest) override {
    co_return Error{Code::kInternal, "NotSimulated", "no servers outside"};
  }
};

/// One life of the server: door, engine and all services over the simulated ports. The first thing
/// is Recover. Destroy only after SimLoop::DropServer.
class SimServer {
 public:
  SimServer(std::unique_ptr<JournalStore> store, Machine& machine, SimLoop& loop, Trace& trace,
            const Faults& faults, std::string data_dir, uint64_t seed);

  /// The product's store on the simulated disk.
  static Result<std::unique_ptr<JournalStore>> OpenStore(Machine& machine, SimLoop& loop,
                                                         uint64_t seed,
                                                         JournalStore::Failed failed);

  Task<> Recover();
  Door& door() { return *door_; }
  Engine& engine() { return *engine_; }
  Store& store() { return store_; }

 private:
  /// Writes down what the server commits, in clear.
  class Recorder;
  void RepeatEffects(uint64_t one_in);
  void RepeatEvents(const std::vector<Due>& dues);

  SimLoop& loop_;
  Trace& trace_;
  Chance chance_;
  const uint64_t repeat_event_;
  std::unique_ptr<JournalStore> plain_;
  NoArchive archive_;
  NoWeb web_;
  std::unique_ptr<Repos> repos_;
  SimBackend backend_;
  Vault vault_;
  SealedStore sealed_;
  std::unique_ptr<Store> recorder_;
  Store& store_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Ports> ports_;
  std::unique_ptr<Door> door_;
};

}  // namespace stepmill::sim
