#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <optional>

#include "io/loop.h"

namespace stepmill::io {

template <class T>
asio::awaitable<void> KeepResult(Task<T> task, std::optional<Result<T>>& to, Loop& loop) {
  to.emplace(co_await std::move(task));
  loop.Stop();
}

/// For tests and short commands: runs one task on `loop` to its end; work that it left in the
/// background goes on with the next call.
template <class T>
Result<T> RunOn(Loop& loop, Task<T> task) {
  std::optional<Result<T>> result;
  asio::co_spawn(loop.context(), KeepResult(std::move(task), result, loop), asio::detached);
  loop.context().restart();
  loop.Run();
  return std::move(*result);
}

}  // namespace stepmill::io
