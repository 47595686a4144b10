#pragma once

#include <string>

#include "engine/engine.h"

/// The machine of one hyperparameter tuning job.
namespace stepmill::sagemaker {

/// It starts training jobs by the door, and hears of their ends by EventBridge. Events: "start"
/// {"job"}; effects "create:N", "look:N:M" (training job N; after a recovery, round M), "stop:N";
/// "early:N"; event of the subscription "ends"; timer "limit"; posted "stop", and "report" {"name",
/// "host", "range", "values"}: of the objective, by a training job that runs. State:
///
///     {"job": the document ("Own" {"jobs": [{"name", "parameters", "status", "objective",
///      "definition": its number when not the first, "isEarly": ended early}], "best",
///      "notImproving"} names its training jobs), "reports": {name: {"values", "ranges"}}, "seed":
///      text of the number, "round", "endsWith": the status that a job that was told to stop ends
///      with}
Step AdvanceTuning(const std::string& instance_id, const Json& state, const Event& event);

}  // namespace stepmill::sagemaker
