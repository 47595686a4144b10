#pragma once

#include <string>
#include <vector>

namespace stepmill {

/// `stepmill cleanup [--data DIR]`: removes every job's container and folder of a data folder whose
/// server does not run, and ends its container engine. 0: nothing is left; 1: a server runs on it,
/// or something could not be removed.
int CleanupCommand(const std::vector<std::string>& args);

}  // namespace stepmill
