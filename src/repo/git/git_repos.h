#pragma once

#include <memory>
#include <string>

#include "io/loop.h"
#include "repo/repo.h"

namespace stepmill {

/// Bare repositories below `root` (ROOT/ACCOUNT/REGION/NAME.git), by git's own programs, one short
/// process a call on the pool of `loop`. `root` is made when it is missing.
Result<std::unique_ptr<Repos>> OpenGitRepos(io::Loop& loop, std::string root);

}  // namespace stepmill
