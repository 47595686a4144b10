#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace stepmill::archives {

/// A member's path without "./", repeated and trailing slashes ("" for the folder itself).
/// kInvalid when it is absolute, has a ".." or is no text.
Result<std::string> CleanPath(std::string_view path);

/// Whether a link at `path` (cleaned) to `target` can only lead to places below the folder, however
/// other links of the archive lie: not absolute, ".." only in front and no more than `path` is
/// deep.
Result<> CheckLink(std::string_view path, std::string_view target);

}  // namespace stepmill::archives
