#pragma once

#include <string_view>

#include "json/json.h"
#include "store/store.h"
#include "task/ports.h"

namespace stepmill {

/// Gives each of batch.events an "id" and "time" when it has none and makes a Due of it. Whoever
/// commits calls it: door and engine.
void TurnEventsIntoDues(Batch& batch, Time now, Random& random);

/// An EventBridge document (docs: "Events and event structure"). id and time are set at commit.
Json MakeEvent(std::string_view source, std::string_view detail_type, std::string_view account,
               std::string_view region, Json::Array resources, Json detail);

}  // namespace stepmill
