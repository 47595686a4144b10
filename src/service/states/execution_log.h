#pragma once

#include <optional>
#include <string>

#include "engine/engine.h"
#include "json/json.h"
#include "service/ports.h"

namespace stepmill::states {

/// Name of the performer that puts an execution's log lines.
inline constexpr char kLogPerformerName[] = "states.log";

/// What a loggingConfiguration asks for.
struct LogSettings {
  std::string level = "OFF";
  bool with_data = false;
  std::string group;  ///< name of the log group; empty: none
  bool is_on() const { return level != "OFF" && !group.empty(); }
};
LogSettings ReadLogSettings(const Json& logging_configuration);

/// The line for an entry of GetExecutionHistory; nullopt when the level leaves it out. Step
/// Functions: "Logging using CloudWatch Logs", "Log levels".
std::optional<std::string> LogLine(const LogSettings& settings, const Json& event,
                                   const std::string& execution_arn, int64_t redrives);

/// "states/MACHINE/2026-01-01-00-00/1a2b3c4d".
std::string LogStreamName(const std::string& machine, Time started_at,
                          const std::string& execution_arn);

/// `what`: {"group", "stream", "lines", "account", "region"}.
Engine::Performer MakeLogPerformer(Ports& ports);
Task<Json> PutLog(Ports& ports, Engine::Performance performance);

/// Name of the performer that makes the stream by which AWS shows that a group can be written to.
/// `what`: {"logging", "account", "region"}.
inline constexpr char kLogCheckPerformerName[] = "states.log-check";
Engine::Performer MakeLogCheckPerformer(Ports& ports);

}  // namespace stepmill::states
