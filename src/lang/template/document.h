#pragma once

#include <string_view>

#include "base/result.h"
#include "json/json.h"

namespace stepmill::cfn {

/// The text of a template, JSON or YAML with short tags, as a value. kInvalid, name
/// "ValidationError", message "Template format error: ..." with line and column.
Result<Json> ParseDocument(std::string_view text, Positions* positions = nullptr);

}  // namespace stepmill::cfn
