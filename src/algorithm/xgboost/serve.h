#pragma once

#include <string>

#include "base/result.h"

namespace stepmill::xgboost {

/// Serves the model in `folder` over HTTP until SIGTERM: GET /ping, GET /execution-parameters,
/// POST /invocations. A thread a connection, at most 64; bodies up to MAX_CONTENT_LENGTH bytes
/// (6 MiB). `is_batch`: SAGEMAKER_BATCH is set.
Result<> Serve(const std::string& folder, int port, bool is_batch);

}  // namespace stepmill::xgboost
