#pragma once

#include <string>

#include "engine/engine.h"

/// The machine of one hyperparameter tuning job.
namespace stepmill::sagemaker {

/// It starts training jobs by the door, and hears of their ends by EventBridge. Events: "start"
/// {"job"}; effects "create:N", "look:N:M" (training job N; after a recovery, round M), "stop:N";
/// event of the subscription "ends"; timer "limit"; posted "stop". State:
///
///     {"job": the document ("Own" {"jobs": [{"name", "parameters", "status", "objective"}]} names
///      its training jobs), "seed": text of the number, "round", "endsWith": the status that a job
///      that was told to stop ends with}
Step AdvanceTuning(const std::string& instance_id, const Json& state, const Event& event);

}  // namespace stepmill::sagemaker
