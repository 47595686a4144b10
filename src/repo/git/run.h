#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace stepmill::repo {

struct GitRun {
  std::string git_dir = {};           ///< the bare repository; empty for `git init`
  std::vector<std::string> args;      ///< behind "git"
  std::string input = {};             ///< standard input
  std::vector<std::string> env = {};  ///< "NAME=value", added to the isolated environment
  uint64_t output_bytes_max = 64ull << 20;
};
struct GitOutput {
  int exit_code = 0;
  std::string out, err;
};

/// Runs git to its end in an environment of its own: no system or user configuration, an empty
/// home, no prompts, no hooks. Blocks: call from a worker thread. kUnavailable: git cannot be
/// started; kLimit: it wrote more than `output_bytes_max`.
Result<GitOutput> RunGit(const GitRun& run, const std::string& empty_home);

}  // namespace stepmill::repo
