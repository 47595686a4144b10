#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "json/json.h"

namespace stepmill {

/// The options of one `sam` command, from the command line over samconfig.toml over defaults. Names
/// are those of the configuration: "stack_name", "confirm_changeset".
class SamOptions {
 public:
  std::string Text(const std::string& name, const std::string& otherwise = "") const;
  bool Flag(const std::string& name, bool otherwise) const;
  /// A list: an array, or texts separated by blanks.
  std::vector<std::string> List(const std::string& name) const;
  /// Name=value pairs: `A=1 B="x y"`, `ParameterKey=A,ParameterValue=1`, or a table.
  Result<std::vector<std::pair<std::string, std::string>>> Pairs(const std::string& name) const;

  void Set(const std::string& name, Json value) { values_[name] = std::move(value); }
  void SetUnlessThere(const std::string& name, Json value) { values_.try_emplace(name, value); }
  bool Has(const std::string& name) const { return values_.count(name) > 0; }

  std::string config_path;  ///< of the configuration that was read, or empty
  std::string config_env = "default";

 private:
  std::map<std::string, Json> values_;
};

/// Reads the arguments of `sam COMMAND` and the configuration beside the template (else in the
/// current folder). kInvalid, name "Usage": an option that the command does not have.
Result<SamOptions> ReadSamOptions(const std::string& command, const std::vector<std::string>& args);

/// What a configuration file says for a command: [ENV.global.parameters] under
/// [ENV.COMMAND.parameters]. `is_yaml`: the file's format.
Result<Json> SamConfigParameters(std::string_view text, bool is_yaml, const std::string& env,
                                 const std::string& command);

/// A whole file. kNotFound.
Result<std::string> ReadFileText(const std::string& path);

}  // namespace stepmill
