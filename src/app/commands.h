#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stepmill {

/// A command of the program: `stepmill NAME ARGUMENTS`.
struct Command {
  std::string_view name;
  std::string_view summary;
  int (*run)(const std::vector<std::string>& args);  ///< the exit code
};

/// All of them, in the order in which the help shows them.
std::span<const Command> Commands();
/// The help of `stepmill` itself.
std::string CommandsHelp();

}  // namespace stepmill
