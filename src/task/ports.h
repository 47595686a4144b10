#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/strings.h"
#include "base/time.h"
#include "task/task.h"

namespace stepmill {

/// The only source of time. Real in io/, simulated in tests.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time Now() = 0;
  /// Calls `wake` once on the loop thread at or after `at`. Returns a handle for Cancel.
  virtual uint64_t WakeAt(Time at, std::function<void()> wake) = 0;
  virtual void Cancel(uint64_t handle) = 0;
  virtual Task<> SleepUntil(Time at) = 0;
};

/// The only source of chance.
class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t Next() = 0;
  std::string NewUuid() {
    const uint64_t high = Next();
    return Uuid(high, Next());
  }
};

/// Starts background work on the loop thread. An error that it ends with is logged under `what`.
class Spawner {
 public:
  virtual ~Spawner() = default;
  virtual void Spawn(std::string what, Task<> work) = 0;
};

/// A one-shot signal between coroutines of the loop thread: Wait returns once Set was called
/// (at once when it was called before). Any number may wait; those that still do when it is
/// destroyed end there and then, without resuming.
class Signal {
 public:
  Signal();
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;
  void Set();
  bool is_set() const { return is_set_; }
  Task<> Wait();

 private:
  struct Waiters;
  bool is_set_ = false;
  std::unique_ptr<Waiters> waiters_;
};

}  // namespace stepmill
