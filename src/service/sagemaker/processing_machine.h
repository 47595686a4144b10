#pragma once

#include <string>

#include "engine/engine.h"

/// The machine of one processing job.
namespace stepmill::sagemaker {

/// Events: "start" {"job"}; effects "run:N" "log:N" "end:N" (host N, from 0), "stop:N:M", "clean";
/// timer "limit"; posted "stop". State:
///
///     {"job": the document, "epoch": seconds, names the log streams,
///      "started": [N], "logged": [N], "ended": [N] hosts that have got so far,
///      "stops": how often hosts were told to stop, "reason": FailureReason, "isStopped": bool}
Step AdvanceProcessing(const std::string& instance_id, const Json& state, const Event& event);

}  // namespace stepmill::sagemaker
