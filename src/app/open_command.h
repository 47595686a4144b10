#pragma once

#include <string>
#include <vector>

namespace stepmill {

/// `stepmill open [--data DIR]`: prints the console's address and, on a terminal with xdg-open,
/// opens it. 1: no server answers, or it has no console; 2: usage.
int OpenCommand(const std::vector<std::string>& args);

}  // namespace stepmill
