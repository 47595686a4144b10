#pragma once

#include <memory>

#include "gate/door.h"
#include "wire/http/front_end.h"

namespace stepmill::wire {

/// The Lambda runtime API at /2018-06-01/runtime/, for what comes through a job's relay: the job is
/// the function's environment, so a process reaches its own only. Hands each request to an internal
/// row of the service lambda; `next` waits there until there is work.
/// AWS: "Using the Lambda runtime API for custom runtimes".
std::unique_ptr<FrontEnd> MakeRuntimeFront(Door& door, std::string account, std::string region);

}  // namespace stepmill::wire
