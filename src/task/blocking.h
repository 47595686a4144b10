#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>

#include "task/task.h"

namespace stepmill {

namespace detail {
template <class T>
asio::awaitable<void> KeepResult(Task<T> task, std::optional<Result<T>>& result) {
  result.emplace(co_await std::move(task));
}
}  // namespace detail

/// For tests and short-lived tools: runs one task on `context` and returns its result. Other work
/// of the context goes on meanwhile. Never inside a coroutine.
template <class T>
Result<T> RunBlocking(asio::io_context& context, Task<T> task) {
  std::optional<Result<T>> result;
  asio::co_spawn(context, detail::KeepResult<T>(std::move(task), result),
                 [](std::exception_ptr failure) {
                   if (failure) std::rethrow_exception(failure);
                 });
  context.restart();
  while (!result && context.run_one() != 0) {
  }
  MILL_ASSERT(result.has_value());
  return *std::move(result);
}

}  // namespace stepmill
