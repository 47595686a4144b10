#pragma once

#include <span>
#include <string_view>

/// The Python that runs inside, beside the script.
namespace stepmill::glue {

/// launch.py: installs modules, unpacks archives, runs the script as a process of its own and
/// copies its two outputs, each line with a mark, to the sandbox's one log. Ends with the script's
/// status, and nothing outlives it. Why the script failed goes to result/error: the last line of
/// its traceback, else its exit code.
extern const char kLaunch[];

struct RuntimeFile {
  std::string_view name, text;
};
/// The module awsglue, written after its documentation: utils (getResolvedOptions), and for Spark
/// images without it context and job.
std::span<const RuntimeFile> AwsGlueFiles();

}  // namespace stepmill::glue
