#pragma once

#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "task/ports.h"

namespace stepmill {

/// Clock, chance and background work for tests and simulation: one thread, time moves only when
/// nothing else is left to do, the same seed gives the same run.
class FakeWorld : public Clock, public Random, public Spawner {
 public:
  explicit FakeWorld(uint64_t seed = 1);
  ~FakeWorld() override;

  Time Now() override { return now_; }
  uint64_t WakeAt(Time at, std::function<void()> wake) override;
  void Cancel(uint64_t handle) override;
  Task<> SleepUntil(Time at) override;
  uint64_t Next() override;
  void Spawn(std::string what, Task<> work) override;

  /// Runs what is ready; when nothing is, moves time to the next wake-up, until there is none left
  /// or time would pass `until`.
  void Run(Time until = Time::max());
  /// Runs only what is ready now; time stands still.
  void RunReady();
  /// Runs `task` to its end (moving time as needed) and returns its result.
  template <class T>
  Result<T> Await(Task<T> task);
  /// Everything spawned ends here and now, as in a crash.
  void DropAll();

  std::vector<std::string> errors;  ///< that background work ended with

 private:
  std::unique_ptr<asio::io_context> context_;
  Time now_{std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)};
  uint64_t state_;
  uint64_t last_handle_ = 0;
  std::map<std::pair<Time, uint64_t>, std::function<void()>> wakes_;
};

template <class T>
Result<T> FakeWorld::Await(Task<T> task) {
  std::optional<Result<T>> result;
  const auto run = [](Task<T> work, std::optional<Result<T>>* out) -> Task<> {
    out->emplace(co_await std::move(work));
    co_return Result<>();
  };
  Spawn("await", run(std::move(task), &result));
  RunReady();
  while (!result && !wakes_.empty()) Run(wakes_.begin()->first.first);
  MILL_ASSERT(result.has_value());
  return *std::move(result);
}

}  // namespace stepmill
