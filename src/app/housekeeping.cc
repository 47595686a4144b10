#include "app/housekeeping.h"

#include <chrono>

#include "base/log.h"
#include "engine/engine.h"
#include "gate/audit.h"
#include "service/ports.h"
#include "task/ports.h"

namespace stepmill {

namespace {

constexpr Seconds kRetention = std::chrono::hours(24 * 90);
constexpr Seconds kEvery = std::chrono::hours(24);

}  // namespace

Task<> KeepHouse(Ports& ports) {
  for (;;) {
    const Time until = ports.clock.Now() - kRetention;
    const auto collected = co_await ports.engine.Collect(until);
    if (!collected)
      MILL_LOG(kError, "old records are not removed: " + collected.error().message);
    else if (*collected > 0)
      MILL_LOG(kInfo, "removed the records of " + std::to_string(*collected) +
                          " instances that finished 90 days ago");
    const Result<> truncated = co_await TruncateAudit(ports.store, until);
    if (!truncated)
      MILL_LOG(kError, "old audit records are not removed: " + truncated.error().message);
    const Time next = ports.clock.Now() + kEvery;
    if (!co_await ports.clock.SleepUntil(next)) co_return Result<>();  // the loop ends
  }
}

}  // namespace stepmill
