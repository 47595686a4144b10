#include "sim_loop.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>

namespace stepmill::sim {

uint64_t SimLoop::Side::WakeAt(Time at, std::function<void()> wake) {
  const uint64_t handle = ++loop_.last_handle_;
  wakes_[{at, handle}] = std::move(wake);
  handles_[handle] = at;
  return handle;
}

void SimLoop::Side::Cancel(uint64_t handle) {
  const auto found = handles_.find(handle);
  if (found == handles_.end()) return;
  wakes_.erase({found->second, handle});
  handles_.erase(found);
}

Task<> SimLoop::Side::SleepUntil(Time at) {
  const auto signal = std::make_shared<Signal>();  // shared: the sleeper may be dropped first
  WakeAt(at, [signal] { signal->Set(); });
  co_return co_await signal->Wait();
}

void SimLoop::Side::Spawn(std::string what, Task<> work) {
  asio::co_spawn(*context_, std::move(work),
                 [this, what](std::exception_ptr failure, Result<> result) {
                   if (failure) std::rethrow_exception(failure);
                   if (!result) errors.push_back(what + ": " + result.error().message);
                 });
}

bool SimLoop::Step(Time until) {
  for (Side* side : {&server_, &outside_}) {
    side->context_->restart();
    if (side->context_->poll_one() > 0) return true;
  }
  Side* first = nullptr;
  for (Side* side : {&server_, &outside_}) {
    if (side->wakes_.empty()) continue;
    if (!first || side->wakes_.begin()->first < first->wakes_.begin()->first) first = side;
  }
  if (!first || first->wakes_.begin()->first.first > until) return false;
  const auto next = first->wakes_.begin();
  now_ = std::max(now_, next->first.first);
  const auto wake = std::move(next->second);
  first->handles_.erase(next->first.second);
  first->wakes_.erase(next);
  wake();
  return true;
}

void SimLoop::DropServer(const std::function<void()>& destroy) {
  // What ends here may still cancel a wake-up of its own.
  auto wakes = std::move(server_.wakes_);
  server_.wakes_.clear();
  wakes.clear();
  server_.context_->DropWork();
  // Coroutines that wait for a signal go with its owner, while their context is still there.
  destroy();
  server_.wakes_.clear();
  server_.handles_.clear();
  server_.context_ = std::make_unique<Side::Context>();
}

}  // namespace stepmill::sim
