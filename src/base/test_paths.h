#pragma once

#include <string>

namespace stepmill {

/// For tests only: the source tree and the build folder (which holds the program `stepmill`).
std::string SourceDir();
std::string BuildDir();

}  // namespace stepmill
