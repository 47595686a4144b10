#pragma once

#include <string>
#include <vector>

namespace stepmill {

/// `stepmill sam ...`, with the arguments after "sam". Answers the exit code: 0 done, 1 the work
/// failed, 2 usage.
int SamCommand(const std::vector<std::string>& args);

}  // namespace stepmill
