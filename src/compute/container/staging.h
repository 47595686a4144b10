#pragma once

#include "archive/archive.h"
#include "compute/container/job_folder.h"
#include "io/loop.h"

namespace stepmill::container {

/// Puts a spec's inputs where PlanMounts said. In the order of the spec, so a later file may stand
/// in an earlier archive's folder; never through a symbolic link.
Task<> StageInputs(io::Loop& loop, BlobStore& blobs, Archive& archive, const JobSpec& spec,
                   const std::vector<Mount>& mounts, const JobFolder& folder);

}  // namespace stepmill::container
