#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "json/json.h"

namespace stepmill::sandbox {

// The folder of a stepped job, between the server and the step runner. Every file but the log
// appears complete, by rename; none is ever changed after that.
//
//   commands/<n>.json  by the server: StepCommand. n counts from 1.
//   results/<n>.json   by the runner: StepOutcome. A command with a result is never run again.
//   log                appended: what the steps wrote, both streams, in the order of writing.

/// One command. Runs when all of smaller number have ended.
struct StepCommand {
  int64_t sequence = 0;
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;
  std::string working_dir;
  std::map<std::string, std::string> files;  ///< written before it runs
  int64_t timeout_ms = 0;                    ///< 0: none
};
struct StepOutcome {
  int exit_code = 0;
  bool is_timed_out = false;
  uint64_t log_end = 0;  ///< the log's size when it ended
};

std::string CommandPath(const std::string& folder, int64_t sequence);
std::string ResultPath(const std::string& folder, int64_t sequence);
std::string LogPath(const std::string& folder);

Json CommandToJson(const StepCommand& command);
Result<StepCommand> CommandFromJson(const Json& json);
Json OutcomeToJson(const StepOutcome& outcome);
Result<StepOutcome> OutcomeFromJson(const Json& json);

}  // namespace stepmill::sandbox
