#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>

#include "task/ports.h"

namespace stepmill::io {

/// The loop thread and a small pool for work that blocks or computes (files, hashing, SQLite reads
/// of cold data, git). Owns the real clock, chance and background work.
class Loop {
 public:
  explicit Loop(int workers);
  ~Loop();
  asio::io_context& context() { return context_; }
  asio::thread_pool& pool() { return pool_; }
  Clock& clock();
  Random& random();
  Spawner& spawner();
  /// Runs until Stop; the calling thread is the loop thread.
  void Run();
  void Stop();

 private:
  struct Parts;
  asio::io_context context_{1};
  asio::thread_pool pool_;
  std::unique_ptr<Parts> parts_;
};

/// Runs `work` (no coroutine; returns Result<T>) on the pool and comes back to the caller's
/// executor.
template <class Work, class R = std::invoke_result_t<Work>>
asio::awaitable<R> Offload(asio::thread_pool& pool, Work work) {
  // Asio needs a default-constructible result: hence the optional.
  const auto on_pool = [](Work moved) -> asio::awaitable<std::optional<R>> { co_return moved(); };
  std::optional<R> result =
      co_await asio::co_spawn(pool, on_pool(std::move(work)), asio::use_awaitable);
  co_return std::move(*result);
}

}  // namespace stepmill::io
