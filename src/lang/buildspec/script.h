#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/json.h"

namespace stepmill::buildspec {

/// One command as the script that a fresh shell runs (mode 0.2). State is carried in two files of
/// `state_folder` (a path inside the sandbox): `env`, written by `export -p`, and `dir`, by `pwd`.
/// All assignments are exported (`set -a`); functions, options and traps end with the command.
struct CommandScript {
  std::string command;
  std::string state_folder;
  /// Set after the saved environment is read, e.g. CODEBUILD_BUILD_SUCCEEDING.
  std::vector<std::pair<std::string, std::string>> overrides = {};
  bool is_isolated = false;  ///< version 0.1: nothing is carried
};
std::string ScriptOf(const CommandScript& command);

/// Prints each name's value in the carried environment as `value NUL`, then each text of `texts`
/// expanded by the shell (artifact names hold $VARIABLES and $(commands)), also NUL-ended.
std::string ReadBackScript(const std::vector<std::string>& names,
                           const std::vector<std::string>& texts, std::string_view state_folder);

/// 'text' quoted for a POSIX shell.
std::string ShellQuote(std::string_view text);

}  // namespace stepmill::buildspec
