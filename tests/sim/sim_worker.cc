#include "sim_worker.h"

namespace stepmill::sim {

void SimWorker::Run(std::function<void()> work, std::function<void()> done) {
  pieces_.push_back({std::move(work), std::move(done)});
  if (!is_busy_) Next();
}

void SimWorker::Next() {
  is_busy_ = !pieces_.empty();
  if (!is_busy_) return;
  constexpr uint64_t kSlowOneIn = 30;
  const int64_t ms =
      chance_.OneIn(kSlowOneIn) ? chance_.Between(0, slow_ms_) : chance_.Between(0, 3);
  side_.WakeAt(side_.Now() + Millis(ms), [this] {
    const Piece piece = std::move(pieces_.front());
    pieces_.pop_front();
    piece.work();
    // The loop hears of it a little later.
    side_.WakeAt(side_.Now() + Millis(chance_.Between(0, 1)), piece.done);
    Next();
  });
}

}  // namespace stepmill::sim
