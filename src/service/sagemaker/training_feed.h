#pragma once

#include "service/ports.h"
#include "service/sagemaker/job_host.h"

/// The channels of a training job in Pipe mode, as named pipes CHANNEL_EPOCH of its container.
namespace stepmill::sagemaker {

/// Performer "sagemaker.training.feed": streams epoch after epoch of channel what["channel"] into
/// its pipes, until the host has ended: {} or {"failure"}. The pipe of an epoch is there from the
/// moment on that the one before is opened; a reader that closes early goes on with the next one;
/// one that never opens waits for nobody.
///
/// A stream that was under way when the server stopped was cut short in the middle, and its reader
/// took that for the end: a failure, as the document tells that is written before the first byte:
/// `<account>/<region>/sagemaker/training-pipe/JOB-ID/CHANNEL` {"epoch", "isOpen"}.
Task<Json> FeedChannel(Ports& ports, Performance performance);
/// Adds to `batch` that those documents go.
void ForgetPipes(const JobHost& host, const JobId& id, Batch& batch);

/// "/opt/ml/input/data/CHANNEL_EPOCH"
std::string PipePath(const Json& channel, int64_t epoch);

}  // namespace stepmill::sagemaker
