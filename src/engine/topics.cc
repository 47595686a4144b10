#include "engine/topics.h"

#include <vector>

namespace stepmill {

void Topics::Wake(const std::string& name) {
  Topic& topic = topics_[name];
  topic.woken_at = ++moment_;
  const std::unique_ptr<Signal> signal = std::move(topic.signal);
  if (signal) signal->Set();
}

void Topics::EndWaits() {
  has_ended_ = true;
  std::vector<std::string> waiting;
  for (const auto& [name, topic] : topics_)
    if (topic.signal) waiting.push_back(name);
  for (const std::string& name : waiting) Wake(name);
}

Task<> Topics::WaitFor(std::string name, uint64_t moment, Time until) {
  Topic& topic = topics_[name];
  if (has_ended_ || topic.woken_at > moment || clock_.Now() >= until) co_return Result<>();
  if (!topic.signal) topic.signal = std::make_unique<Signal>();
  Signal& signal = *topic.signal;
  const uint64_t wake = clock_.WakeAt(until, [this, name] { Wake(name); });
  MILL_CO_CHECK(co_await signal.Wait());
  clock_.Cancel(wake);
  co_return Result<>();
}

}  // namespace stepmill
