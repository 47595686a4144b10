#pragma once

#include <cstdint>
#include <string>

#include "json/json.h"

namespace stepmill::states {

/// Items or executions of a Map Run, by how they stand.
struct MapCounts {
  int64_t pending = 0, running = 0, succeeded = 0, failed = 0, timed_out = 0, aborted = 0;
  int64_t total = 0, written = 0;

  int64_t started() const { return running + succeeded + failed + timed_out + aborted; }
  void End(const std::string& status, int64_t count) {
    running -= count;
    Of(status) += count;
  }
  void StartAgain(const std::string& status, int64_t count) {
    Of(status) -= count;
    running += count;
  }
  /// As DescribeMapRun shows them.
  Json ToJson() const {
    return Json::Object{
        {"pending", pending}, {"running", running},        {"succeeded", succeeded},
        {"failed", failed},   {"timedOut", timed_out},     {"aborted", aborted},
        {"total", total},     {"resultsWritten", written}, {"failuresNotRedrivable", 0},
        {"pendingRedrive", 0}};
  }

 private:
  int64_t& Of(const std::string& status) {
    if (status == "SUCCEEDED") return succeeded;
    if (status == "TIMED_OUT") return timed_out;
    return status == "ABORTED" ? aborted : failed;
  }
};

/// ToleratedFailureCount and ToleratedFailurePercentage; 0: not given. Either one ends the run.
struct Tolerance {
  int64_t count = 0;
  double percentage = 0;
  bool IsExceeded(const MapCounts& items) const {
    const int64_t failed = items.failed + items.timed_out;
    if (failed == 0) return false;
    if (count == 0 && percentage == 0) return true;
    if (count > 0 && failed > count) return true;
    return percentage > 0 &&
           static_cast<double>(failed) * 100.0 > percentage * static_cast<double>(items.total);
  }
};

}  // namespace stepmill::states
