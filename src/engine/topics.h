#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "task/ports.h"

namespace stepmill {

/// Who waits in memory for something to be told: long polls. Owns the signals that they wait for,
/// so that they end with it.
///
/// Threads: loop thread only.
class Topics {
 public:
  explicit Topics(Clock& clock) : clock_(clock) {}
  uint64_t moment() const { return moment_; }
  /// Returns when `name` has been woken since `moment`, or at `until`, or at once after EndWaits.
  Task<> WaitFor(std::string name, uint64_t moment, Time until);
  void Wake(const std::string& name);
  void Forget(const std::string& name) { topics_.erase(name); }
  void EndWaits();

 private:
  struct Topic {
    uint64_t woken_at = 0;
    std::unique_ptr<Signal> signal;
  };
  Clock& clock_;
  std::unordered_map<std::string, Topic> topics_;
  uint64_t moment_ = 0;  // counts wakings
  bool has_ended_ = false;
};

}  // namespace stepmill
