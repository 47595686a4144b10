#include "service/states/history_pages.h"

#include <algorithm>

namespace stepmill::states {

Task<HistoryPage> ReadHistoryPage(Engine& engine, std::string arn, HistoryCursor from,
                                  Direction direction, size_t limit) {
  constexpr size_t kTurnsAtOnce = 100;
  const bool is_forward = direction == Direction::kForward;
  HistoryPage page;
  uint64_t at = is_forward ? std::max<uint64_t>(from.turn, 1) : from.turn;
  size_t skip = from.entry;
  do {
    const size_t wanted = std::min(kTurnsAtOnce, limit - page.events.size() + 1);
    MILL_CO_TRY(const auto turns,
                co_await engine.ReadHistory(arn, at, direction, static_cast<int>(wanted), &at));
    for (const KeptHistory& turn : turns) {
      std::vector<asl::HistoryEvent> events = asl::UnpackHistory(turn.history);
      if (!is_forward) std::reverse(events.begin(), events.end());
      for (size_t i = skip; i < events.size(); ++i) {
        if (page.events.size() == limit) {
          page.next = HistoryCursor{turn.turn, i};
          co_return page;
        }
        page.events.push_back(std::move(events[i]));
      }
      skip = 0;
    }
  } while (at != 0);
  co_return page;
}

}  // namespace stepmill::states
