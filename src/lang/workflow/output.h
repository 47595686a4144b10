#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

/// What steps say: command files, commands on standard output, and the hiding of secrets.
namespace stepmill::workflow {

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// GITHUB_ENV, GITHUB_OUTPUT, GITHUB_STATE: lines `name=value`, or `name<<MARK`, lines, `MARK`.
/// kInvalid, name InvalidCommandFile: "Invalid format 'x'" and its kin.
Result<Pairs> ParseCommandFile(std::string_view text);
/// GITHUB_PATH: one folder a line.
std::vector<std::string> ParsePathFile(std::string_view text);
/// A name that GITHUB_ENV must not set: GITHUB_*, RUNNER_* and NODE_OPTIONS.
bool IsReservedVariable(std::string_view name);

/// One `::name key=value,...::text` line.
struct Command {
  std::string name;  ///< lower case
  Pairs properties;
  std::string text;

  std::string Property(std::string_view key) const;
};

/// Reads a step's output line by line. Knows stop-commands and echo.
class CommandReader {
 public:
  struct Read {
    std::optional<Command> command;   ///< to be acted on: set-output, add-mask, save-state, ...
    std::optional<std::string> line;  ///< to be shown; absent for commands that show nothing
  };
  Read Feed(std::string_view line);

 private:
  std::string stop_token_;
  bool is_echoing_ = false;
};

/// Replaces secrets by `***`: each value, and each line of it that is not short.
class Masker {
 public:
  void Add(const Secret& value);
  std::string Mask(std::string_view text) const;
  bool is_empty() const { return values_.empty(); }

 private:
  std::vector<Secret> values_;  ///< longest first
};

}  // namespace stepmill::workflow
