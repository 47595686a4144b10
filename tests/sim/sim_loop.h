#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "chance.h"
#include "task/ports.h"

namespace stepmill::sim {

/// One thread, one clock, two sides: the server's process, and the world outside (callers, jobs,
/// disk, the network between). Time moves only when nothing is left to do; the server's side can be
/// dropped between any two steps, as `kill -9` does.
class SimLoop {
 public:
  /// Clock, chance and background work of one side.
  class Side final : public Clock, public Random, public Spawner {
   public:
    Side(SimLoop& loop, uint64_t seed)
        : loop_(loop), context_(std::make_unique<Context>()), chance_(seed) {}

    Time Now() override { return loop_.now_; }
    uint64_t WakeAt(Time at, std::function<void()> wake) override;
    void Cancel(uint64_t handle) override;
    Task<> SleepUntil(Time at) override;
    uint64_t Next() override { return chance_.Next(); }
    void Spawn(std::string what, Task<> work) override;
    asio::any_io_executor executor() { return context_->get_executor(); }

    std::vector<std::string> errors;  ///< that background work ended with

   private:
    friend class SimLoop;
    using Place = std::pair<Time, uint64_t>;
    struct Context : asio::io_context {
      Context() : asio::io_context(1) {}
      void DropWork() { shutdown(); }
    };

    SimLoop& loop_;
    std::unique_ptr<Context> context_;
    Chance chance_;
    std::map<Place, std::function<void()>> wakes_;
    std::unordered_map<uint64_t, Time> handles_;
  };

  explicit SimLoop(uint64_t seed) : server_(*this, seed ^ 1), outside_(*this, seed ^ 2) {}

  Side& server() { return server_; }
  Side& outside() { return outside_; }
  Time now() const { return now_; }

  /// One handler of either side; when there is none, the next wake-up, if it is not after `until`.
  /// False: nothing is left to do until then.
  bool Step(Time until);
  /// Everything that the server has spawned or waits for ends here, without resuming; `destroy`
  /// takes its objects away. Only between two steps.
  void DropServer(const std::function<void()>& destroy);

 private:
  static constexpr int64_t kStart = 1'767'225'600'000;  // 2026-01-01T00:00:00Z

  Time now_{Millis(kStart)};
  uint64_t last_handle_ = 0;
  Side server_, outside_;
};

}  // namespace stepmill::sim
