#pragma once

#include <string_view>

#include "json/json.h"

namespace stepmill {

/// An EventBridge document (docs: "Events and event structure"). id and time are set at commit.
Json MakeEvent(std::string_view source, std::string_view detail_type, std::string_view account,
               std::string_view region, Json::Array resources, Json detail);

}  // namespace stepmill
