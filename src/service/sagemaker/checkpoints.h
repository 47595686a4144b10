#pragma once

#include <string>
#include <vector>

#include "compute/backend.h"
#include "service/ask.h"

/// Checkpoints of a training job: copied in before its start, out while it runs and at its end. A
/// file that the job removes goes from S3 too; what somebody puts into S3 meanwhile is not seen.
namespace stepmill::sagemaker {

struct CheckpointPlace {
  JobId id;
  std::string local_path;  ///< in the container
  std::string s3_uri;
};

/// Names what is in S3 already in `spec`; the blobs are for the way.
Task<> StageCheckpoints(Asker asker, CheckpointPlace place, JobSpec& spec,
                        std::vector<BlobId>& blobs);
/// Puts what changed since the last time, removes what is gone. kNotFound: the host never started.
Task<> SyncCheckpoints(Asker asker, CheckpointPlace place, bool is_live, std::string effect_id);
/// Forgets what was copied.
void ForgetCheckpoints(const Asker& asker, const JobId& id, Batch& batch);

}  // namespace stepmill::sagemaker
