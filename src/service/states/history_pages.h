#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "lang/asl/history.h"

namespace stepmill::states {

/// Where a page of an execution's history begins. Default: at its end of the asked direction.
struct HistoryCursor {
  uint64_t turn = 0;
  size_t entry = 0;  ///< in the turn, counted in the asked direction
};

struct HistoryPage {
  std::vector<asl::HistoryEvent> events;
  std::optional<HistoryCursor> next;  ///< there is more, from here
};

/// At most `limit` events from `from` on; reads the turns that hold them and few more.
Task<HistoryPage> ReadHistoryPage(Engine& engine, std::string arn, HistoryCursor from,
                                  Direction direction, size_t limit);

}  // namespace stepmill::states
