#pragma once

#include <string_view>

#include "base/result.h"
#include "json/json.h"

namespace stepmill {

/// TOML text to a value: tables are objects in the order of the text, dates and times are strings.
/// kInvalid, name "InvalidToml", message ending in "at line L, column C". `positions` (may be null)
/// takes where each value stands: JSON pointer -> line and column in characters.
Result<Json> ParseToml(std::string_view text, Positions* positions = nullptr);

}  // namespace stepmill
