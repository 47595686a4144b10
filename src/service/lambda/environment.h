#pragma once

#include <deque>

#include "compute/backend.h"
#include "service/lambda/fleet.h"

namespace stepmill::lambda {

/// One container of a function; see Fleet. Shared by what waits for it.
struct Fleet::Environment {
  JobId job;
  std::string key;  ///< which version it runs, as configured
  std::string account, region, name, version;
  Json config;
  std::string log_stream;

  bool is_begun = false;    ///< its container was asked for
  bool is_busy = true;      ///< an invocation has it
  bool is_polling = false;  ///< the process inside waits for work
  bool is_ready = false;    ///< it has, once: its initialisation is over
  bool is_over = false;     ///< no more work
  uint64_t polls = 0;
  std::optional<Work> work;
  bool is_delivered = false;
  std::optional<Reply> reply;
  std::string init_error;  ///< what the process said of its failed initialisation
  std::optional<JobResult> end;

  Time made, begun, ready_at, delivered_at, replied_at, last_used;
  bool was_cold = true;  ///< its first invocation is still to be reported
  uint64_t changes = 0;

  uint64_t log_offset = 0;
  std::string log_rest;     ///< the begin of a line
  std::string log_output;   ///< of a container without a log file, not taken yet
  std::string first_lines;  ///< of its initialisation, for what is said of a failed one
  std::deque<std::string> log_queue;
  bool is_flushing = false;

  int64_t timeout_seconds() const { return config.IntOr("Timeout", 3); }
  bool is_broken() const { return end.has_value() || is_over || !init_error.empty(); }
};

}  // namespace stepmill::lambda
