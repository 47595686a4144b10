#pragma once

#include <string>
#include <vector>

namespace stepmill::sim {

struct RunOptions {
  uint64_t seed = 1;
  bool is_printed = false;  ///< the whole trace
  std::string only;         ///< one scenario's name; empty: as the seed chooses
};

struct RunResult {
  std::string hash;
  uint64_t lines = 0;                ///< of the trace
  std::string story;                 ///< what the seed chose, in a line
  std::vector<std::string> reasons;  ///< why it is wrong; empty: it is not
  int executions = 0, calls = 0, crashes = 0, scenarios = 0;
};

/// One run of one seed, from an empty disk to the last check.
RunResult RunSeed(const RunOptions& options);

}  // namespace stepmill::sim
