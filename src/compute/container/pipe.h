#pragma once

#include <functional>
#include <string>

#include "compute/backend.h"
#include "io/loop.h"

namespace stepmill::container {

/// Makes a named pipe that anybody in the job may read. One that is there stays.
Result<> MakeFifo(const std::string& path);

/// Writes one stream into the named pipe at `path` once somebody has opened it to read
/// (Backend::FeedPipe). `has_ended`: the job has.
Task<PipeEnd> FeedFifo(io::Loop& loop, std::string path, std::function<bool()> has_ended,
                       PipeOpener open);

}  // namespace stepmill::container
