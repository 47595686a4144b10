#pragma once

#include "service/ports.h"

namespace stepmill::sagemaker {

/// Registers what a training job does outside. Each performer may be called again after a crash and
/// then does nothing twice: jobs have ids, objects are written under an effect id.
///
///     sagemaker.training.run     stages a host's channels and checkpoints, starts its container:
///                                {} or {"failure"}
///     sagemaker.training.log     copies its output until its end, looks for metrics in it:
///                                {"metrics": {name: {"Value", "Timestamp"}}}
///     sagemaker.training.feed    streams a channel in Pipe mode: {} or {"failure"}
///     sagemaker.training.end     waits for its end: {"image_digest", "failure"?}
///     sagemaker.training.sync    copies the hosts' checkpoints to S3
///     sagemaker.training.upload  model.tar.gz, output.tar.gz and the last checkpoints:
///                                {"model"?} and {"failure"?}
///     sagemaker.training.stop    TERM, 120 s, KILL
///     sagemaker.training.clean   removes containers and folders
///
/// Documents, below `<account>/<region>/sagemaker/` and gone with the job's containers:
///
///     training-metrics/JOB-ID    {"metrics"}: what was found so far
///     checkpoints/JOB-ID         {"files": {path: "SIZE-MTIME"}}: what was copied
void AddTrainingPerformers(Ports& ports);

}  // namespace stepmill::sagemaker
