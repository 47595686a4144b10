#pragma once

#include <string>
#include <vector>

namespace stepmill {

/// The text of docs/operations.md, from the services' tables.
std::string OperationsPage();
/// `stepmill operations`: prints it.
int OperationsCommand(const std::vector<std::string>& args);

}  // namespace stepmill
