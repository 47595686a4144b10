#pragma once

#include <string>
#include <vector>

namespace stepmill {

/// `stepmill check`: verifies a data folder that no server uses. 0: no problem; 1: problems, on
/// standard output, or no store; 2 usage.
int CheckCommand(const std::vector<std::string>& args);
/// `stepmill backup TO`: also while the server runs; the copy is checked.
int BackupCommand(const std::vector<std::string>& args);
/// `stepmill restore FROM`: into a folder that is not there or empty.
int RestoreCommand(const std::vector<std::string>& args);

}  // namespace stepmill
