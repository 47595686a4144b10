#pragma once

#include <string>
#include <vector>

namespace stepmill {

/// `stepmill images list | add NAME ARCHIVE | make NAME... | make --all`. Returns the exit code:
/// 0 done, 1 failed, 2 usage.
int ImagesCommand(const std::vector<std::string>& arguments);

}  // namespace stepmill
