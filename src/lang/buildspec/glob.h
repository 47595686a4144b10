#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"

namespace stepmill::buildspec {

/// Does `path` (relative, '/' between parts) match? `*` and `?` stay inside a part, `**` crosses
/// parts (none or more), `[a-z]` is a set. Names that start with a dot match like any other.
bool GlobMatch(std::string_view pattern, std::string_view path);

/// A file that goes into an artifact: where it stands and the name that it gets.
struct Selected {
  std::string path;  ///< relative to the source folder
  std::string name;  ///< inside the artifact
};

/// The files that an artifact set (Parsed::spec's "artifacts" or one of "secondary") takes from
/// `paths`, all files of the source folder. In the order of `paths`, each once.
std::vector<Selected> SelectArtifacts(const Json& set, const std::vector<std::string>& paths);

}  // namespace stepmill::buildspec
