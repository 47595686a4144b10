#pragma once

#include <string>

#include "base/result.h"

namespace stepmill::xgboost {

/// One training run by SageMaker's contract. `root` is "/opt/ml" (a test has its own): reads
/// input/config and input/data, writes model/xgboost-model. A line a round goes to standard output:
/// "[0]\ttrain-rmse:0.51234\tvalidation-rmse:0.61234".
///
/// With a checkpointconfig.json it goes on from the newest `xgboost-checkpoint.N` and writes one a
/// round, the last five being kept. SIGTERM ends it after the round that runs, with the model so
/// far when save_model_on_termination says so.
Result<> Train(const std::string& root, const std::string& version);

}  // namespace stepmill::xgboost
