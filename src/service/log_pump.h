#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "service/ask.h"

namespace stepmill {

/// Where log lines go.
struct LogTarget {
  std::string group, stream;  ///< CloudWatch Logs; made when they are not there
};

/// Puts lines of the server itself, once for an effect id.
Task<> PutLogLines(Asker asker, LogTarget target, std::vector<std::string> lines,
                   std::string effect_id);

/// Copies a job's output to CloudWatch Logs as it comes, line by line, until the job has ended.
///
/// `line` gets each line without its newline and answers what is to be put (masked, rewritten), or
/// nothing. `id` names the pump: the document `<account>/<region>/log-pump/<id>` holds the range of
/// the job's output that is being put, written before the put; a put carries the range in its
/// effect id. So a line is put once, whenever the process stops.
struct LogPump {
  std::string id;
  std::string job_id;
  std::function<std::optional<std::string>(const std::string& line)> line;
  /// When not empty: sees each line that was put before the process started, in order (what is to
  /// be masked may have been said in them).
  std::function<void(const std::string& line)> earlier = {};
  /// When not empty: gets the lines of each range, as they were put, before the next range is
  /// begun. After a stop of the process the last range may come again, under the same id.
  std::function<Task<>(std::string range_id, std::vector<std::string> lines)> after = {};
};
Task<> RunLogPump(Asker asker, LogTarget target, LogPump pump);
/// Forgets the pump's document, when the job itself is removed. Adds to `batch`.
void ForgetLogPump(const Asker& asker, const std::string& id, Batch& batch);

}  // namespace stepmill
