#pragma once

#include <deque>
#include <functional>

#include "chance.h"
#include "io/worker.h"
#include "sim_loop.h"

namespace stepmill::sim {

/// A thread beside the loop's, as the loop's thread at moments that the seed chooses: the same
/// order, one piece of work after the other.
class SimWorker final : public io::Worker {
 public:
  /// `slow_ms`: how long a piece of work may take now and then.
  SimWorker(SimLoop::Side& side, uint64_t seed, int64_t slow_ms)
      : side_(side), chance_(seed), slow_ms_(slow_ms) {}

  void Run(std::function<void()> work, std::function<void()> done) override;

 private:
  struct Piece {
    std::function<void()> work, done;
  };
  void Next();

  SimLoop::Side& side_;
  Chance chance_;
  const int64_t slow_ms_;
  std::deque<Piece> pieces_;
  bool is_busy_ = false;
};

}  // namespace stepmill::sim
