#pragma once

#include <optional>
#include <string>

#include "lang/workflow/run.h"

namespace stepmill::workflows {

/// What a `uses:` needs beside its inputs.
struct ActionFacts {
  std::string repository;  ///< NAME
  std::string ref, sha;    ///< of the run
  std::string server_url;  ///< of the git host, inside the sandbox
  std::string token;       ///< "Basic" credentials for it
};

/// The action as a bash script that runs in the sandbox, in the workspace. kNotFound names an
/// action that is not built in, and says what to do.
Result<std::string> ActionScript(const workflow::ResolvedStep& step, const ActionFacts& facts);

}  // namespace stepmill::workflows
