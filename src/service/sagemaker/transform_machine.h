#pragma once

#include <string>

#include "engine/engine.h"

/// The machine of one batch transform job.
namespace stepmill::sagemaker {

/// Events: "start" {"job", "model"}; effects "run:N" "log:N" "work:N" "end:N" (host N, from 0),
/// "stop:N:M", "clean"; posted "stop". State:
///
///     {"job": the document, "model", "epoch": seconds, names the log streams,
///      "logged": [N], "worked": [N] hosts that have got so far, "stops", "reason", "isStopped"}
Step AdvanceTransform(const std::string& instance_id, const Json& state, const Event& event);

}  // namespace stepmill::sagemaker
