#pragma once

#include <string>

#include "base/time.h"
#include "compute/backend.h"
#include "json/json.h"

/// What a function finds in its environment: files, variables, limits. Pure.
/// AWS: "Lambda execution environment", "Defined runtime environment variables".
namespace stepmill::lambda {

inline constexpr char kLogFile[] = "/var/log/lambda-function.log";

struct EnvironmentPlan {
  std::string job_id;
  std::string account, region;
  std::string version;  ///< "$LATEST" or a number
  std::string log_stream;
  Json config, code;                                            ///< of the version
  std::string access_key_id, secret_access_key, session_token;  ///< of a session of its role
};
JobSpec EnvironmentSpec(const EnvironmentPlan& plan);

/// True when what the function writes goes to kLogFile; else it is the container's own output.
bool HasLogFile(const Json& config);

// The answers of a function that did not answer by itself.
std::string TimedOutText(const std::string& request_id, int64_t timeout_seconds);
/// "Task timed out after 3.00 seconds"
std::string TimeoutWords(int64_t timeout_seconds);
/// `log`: what it wrote before it ended.
std::string ExitText(const Json& config, const std::string& request_id, const JobResult& end,
                     bool was_ready, const std::string& log);

/// The last line of an invocation's log.
struct Report {
  std::string request_id;
  double duration_ms = 0, init_ms = 0;  ///< init_ms 0: it was warm
  int64_t memory_mib = 0;
  int64_t used_mib = 0;  ///< 0: not known
  std::string status;    ///< "timeout", "error"; empty: fine
};
std::string ReportLine(const Report& report);

/// "2026/11/22/[$LATEST]<32 hex digits>"
std::string LogStreamName(Time now, const std::string& version, const std::string& unique);

}  // namespace stepmill::lambda
