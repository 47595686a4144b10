#pragma once

#include <string>

#include "engine/engine.h"

/// The machine of one training job.
namespace stepmill::sagemaker {

/// Events: "start" {"job"}; effects "run:N" "log:N" "end:N" (host N, from 0), "feed:N:C" (channel C
/// in Pipe mode), "stop:N:M", "sync:M", "upload", "clean"; timers "limit", "sync"; posted "stop".
/// State:
///
///     {"job": the document, "epoch": seconds, names the log streams,
///      "started": [N], "logged": [N], "ended": [N] hosts that have got so far,
///      "stops": how often hosts were told to stop, "reason": FailureReason,
///      "stopped": the secondary status that a job that was stopped ends with,
///      "metrics": {name: {"Value", "Timestamp"}}, "syncs": how often checkpoints were copied,
///      "isSyncing": bool, "isUploading": bool}
Step AdvanceTraining(const std::string& instance_id, const Json& state, const Event& event);

}  // namespace stepmill::sagemaker
