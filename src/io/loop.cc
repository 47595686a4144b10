#include "io/loop.h"

#include <sys/random.h>

#include <array>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/system_timer.hpp>
#include <map>

#include "base/log.h"

namespace stepmill::io {

namespace {

/// A wake-up is at most this late after the system's clock was set.
constexpr auto kRecheck = std::chrono::seconds(60);

/// One timer of the system for all wake-ups.
class RealClock : public Clock {
 public:
  explicit RealClock(asio::io_context& context) : timer_(context) {}

  Time Now() override {
    return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
  }

  uint64_t WakeAt(Time at, std::function<void()> wake) override {
    const uint64_t handle = ++last_handle_;
    const bool is_first = wakes_.empty() || at < wakes_.begin()->first.first;
    wakes_.emplace(std::pair(at, handle), std::move(wake));
    times_.emplace(handle, at);
    if (is_first) Arm();
    return handle;
  }

  void Cancel(uint64_t handle) override {
    const auto found = times_.find(handle);
    if (found == times_.end()) return;
    wakes_.erase(std::pair(found->second, handle));
    times_.erase(found);
  }

  Task<> SleepUntil(Time at) override {
    const auto signal = std::make_shared<Signal>();  // shared: the caller may go away first
    const uint64_t handle = WakeAt(at, [signal] { signal->Set(); });
    const Guard guard{*this, handle};
    co_return co_await signal->Wait();
  }

 private:
  struct Guard {
    RealClock& clock;
    uint64_t handle;
    ~Guard() { clock.Cancel(handle); }
  };

  void Arm() {
    const auto wait =
        std::min<std::chrono::milliseconds>(wakes_.begin()->first.first - Now(), kRecheck);
    timer_.expires_after(std::max<std::chrono::milliseconds>(wait, Millis(0)));
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) Fire();  // an error is a timer that was armed anew
    });
  }

  void Fire() {
    const Time now = Now();
    while (!wakes_.empty() && wakes_.begin()->first.first <= now) {
      auto node = wakes_.extract(wakes_.begin());
      times_.erase(node.key().second);
      node.mapped()();
    }
    if (!wakes_.empty()) Arm();
  }

  asio::steady_timer timer_;
  std::map<std::pair<Time, uint64_t>, std::function<void()>> wakes_;
  std::map<uint64_t, Time> times_;
  uint64_t last_handle_ = 0;
};

/// Chance from the kernel, fetched a page at a time. Loop thread.
class KernelRandom : public Random {
 public:
  uint64_t Next() override {
    if (next_ == values_.size()) {
      auto* bytes = reinterpret_cast<char*>(values_.data());
      const size_t size = sizeof(values_);
      for (size_t have = 0; have < size;) {
        const ssize_t got = ::getrandom(bytes + have, size - have, 0);
        if (got > 0) have += static_cast<size_t>(got);
      }
      next_ = 0;
    }
    return values_[next_++];
  }

 private:
  std::array<uint64_t, 32> values_{};
  size_t next_ = 32;
};

asio::awaitable<void> RunLogged(std::string what, Task<> work) {
  try {
    const Result<> result = co_await std::move(work);
    if (!result)
      MILL_LOG(kError, what + ": " + result.error().name + ": " + result.error().message);
  } catch (const std::exception& e) {  // what a library threw through a task: a fault to be seen
    MILL_LOG(kError, what + ": exception: " + e.what());
  }
}

class RealSpawner : public Spawner {
 public:
  explicit RealSpawner(asio::io_context& context) : context_(context) {}
  void Spawn(std::string what, Task<> work) override {
    asio::co_spawn(context_, RunLogged(std::move(what), std::move(work)), asio::detached);
  }

 private:
  asio::io_context& context_;
};

}  // namespace

struct Loop::Parts {
  explicit Parts(asio::io_context& context)
      : clock(context), spawner(context), keep_running(context.get_executor()) {}
  RealClock clock;
  KernelRandom random;
  RealSpawner spawner;
  asio::executor_work_guard<asio::io_context::executor_type> keep_running;
};

Loop::Loop(int workers)
    : pool_(static_cast<size_t>(workers)), parts_(std::make_unique<Parts>(context_)) {}
Loop::~Loop() { pool_.join(); }

Clock& Loop::clock() { return parts_->clock; }
Random& Loop::random() { return parts_->random; }
Spawner& Loop::spawner() { return parts_->spawner; }

void Loop::Run() { context_.run(); }
void Loop::Stop() { context_.stop(); }

}  // namespace stepmill::io
