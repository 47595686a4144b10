#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "chance.h"
#include "sim_loop.h"
#include "store/memory/memory_store.h"
#include "trace.h"

namespace stepmill::sim {

/// The store's promise without its disk: commits take effect at once, become durable in groups at
/// moments that the seed chooses, and what was not durable is lost in a crash, or kept: the last of
/// the queue first lost, as one journal would. Reads take their time now and then.
class SimStore final : public Store {
 public:
  /// `durable`: what an earlier life left. `failed`: the disk refused a write; the server must end.
  SimStore(MemoryStore& durable, SimLoop::Side& side, uint64_t seed, bool has_errors,
           std::function<void()> failed)
      : durable_(durable),
        live_(durable),
        side_(side),
        chance_(seed),
        has_errors_(has_errors),
        failed_(std::move(failed)) {}

  Task<> Commit(Batch batch) override;
  Task<> Settle() override;
  Task<std::optional<Document>> Get(Key key) override;
  Task<std::vector<Document>> Range(Key from, Key to, Direction direction, int limit) override;
  Task<std::vector<Record>> Read(std::string stream, uint64_t from, Direction direction,
                                 int limit) override;
  Task<std::vector<Due>> FindDue(Time after_at, std::string after_id, int limit) override;

  /// After a crash: what of the commits that nobody was told of has reached the disk all the same.
  std::vector<Batch> TakeSurvivors();

 private:
  /// Commits that become durable together.
  struct Group {
    std::vector<Batch> batches;
    Signal done;
    bool has_failed = false;
  };
  Task<> Write();
  Task<> Pause();

  MemoryStore& durable_;
  MemoryStore live_;
  SimLoop::Side& side_;
  Chance chance_;
  const bool has_errors_;
  std::function<void()> failed_;
  std::shared_ptr<Group> writing_, next_;  ///< shared with those who wait for them
};

}  // namespace stepmill::sim
