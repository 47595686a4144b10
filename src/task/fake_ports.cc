#include "task/fake_ports.h"

#include <boost/asio/co_spawn.hpp>

namespace stepmill {

FakeWorld::FakeWorld(uint64_t seed)
    : context_(std::make_unique<asio::io_context>(1)), state_(seed) {}
FakeWorld::~FakeWorld() = default;

uint64_t FakeWorld::WakeAt(Time at, std::function<void()> wake) {
  wakes_[{at, ++last_handle_}] = std::move(wake);
  return last_handle_;
}

void FakeWorld::Cancel(uint64_t handle) {
  for (auto wake = wakes_.begin(); wake != wakes_.end(); ++wake) {
    if (wake->first.second == handle) {
      wakes_.erase(wake);
      return;
    }
  }
}

Task<> FakeWorld::SleepUntil(Time at) {
  const auto signal = std::make_shared<Signal>();  // shared: the sleeper may be dropped first
  WakeAt(at, [signal] { signal->Set(); });
  co_return co_await signal->Wait();
}

uint64_t FakeWorld::Next() {  // splitmix64
  state_ += 0x9E3779B97F4A7C15ull;
  uint64_t z = state_;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ z >> 27) * 0x94D049BB133111EBull;
  return z ^ z >> 31;
}

void FakeWorld::Spawn(std::string what, Task<> work) {
  asio::co_spawn(*context_, std::move(work),
                 [this, what](std::exception_ptr failure, Result<> result) {
                   if (failure) std::rethrow_exception(failure);
                   if (!result) errors.push_back(what + ": " + result.error().message);
                 });
}

void FakeWorld::RunReady() {
  context_->restart();
  while (context_->poll() > 0) {  // not run(): a coroutine that waits for ever counts as work
  }
}

void FakeWorld::Run(Time until) {
  RunReady();
  while (!wakes_.empty() && wakes_.begin()->first.first <= until) {
    now_ = std::max(now_, wakes_.begin()->first.first);
    const auto wake = std::move(wakes_.begin()->second);
    wakes_.erase(wakes_.begin());
    wake();
    RunReady();
  }
}

void FakeWorld::DropAll() {
  wakes_.clear();
  context_ = std::make_unique<asio::io_context>(1);
}

}  // namespace stepmill
