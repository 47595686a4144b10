#pragma once

#include <memory>
#include <string>

#include "gate/door.h"
#include "io/loop.h"
#include "wire/http/front_end.h"

namespace stepmill::wire {

/// git's smart HTTP (v0 to v2) at /git/NAME.git, /git/OWNER/NAME.git and /v1/repos/NAME, by git's
/// own upload-pack and receive-pack. Each request is authorised as the row codecommit:GitPull or
/// codecommit:GitPush; after a push the new refs are published before the client gets its answer.
/// `temp_dir` is for request bodies on their way into git.
std::unique_ptr<FrontEnd> MakeGitFront(io::Loop& loop, Door& door, Authenticator& authenticator,
                                       std::string temp_dir);

}  // namespace stepmill::wire
