#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "task/ports.h"

namespace stepmill {

struct Signal::Waiters {
  std::vector<std::function<void()>> wakes;
};

Signal::Signal() : waiters_(std::make_unique<Waiters>()) {}
Signal::~Signal() = default;

void Signal::Set() {
  is_set_ = true;
  const auto wakes = std::move(waiters_->wakes);
  waiters_->wakes.clear();
  for (const auto& wake : wakes) wake();
}

Task<> Signal::Wait() {
  if (is_set_) co_return Result<>();
  Waiters* waiters = waiters_.get();
  const auto initiate = [waiters](auto handler) {
    // Shared: a std::function must be copyable, a completion handler is not.
    const auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    const auto executor = asio::get_associated_executor(*shared);
    waiters->wakes.push_back(
        [shared, executor] { asio::post(executor, [shared] { (*shared)(); }); });
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(initiate,
                                                                        asio::use_awaitable);
  co_return Result<>();
}

}  // namespace stepmill
