#pragma once

#include <string>

#include "base/result.h"
#include "json/json.h"

namespace stepmill::states {

/// The items that a Map's ItemReader (as it is written) makes of `data`, the text of its source:
/// an array. States.ItemReaderFailed where it cannot be read. Pure.
Result<Json> ReadTestItems(const Json& item_reader, const std::string& data);

}  // namespace stepmill::states
