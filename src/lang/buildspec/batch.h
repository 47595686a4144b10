#pragma once

#include <string_view>

#include "base/result.h"
#include "json/json.h"

namespace stepmill::buildspec {

/// The builds of a batch (CodeBuild: "Batch build buildspec reference"), a matrix multiplied out:
///
///     {"fastFail": bool, "groups": [{"identifier", "buildspec" (or absent), "dependsOn": [id],
///       "ignoreFailure": bool, "variables": {K: text}, "image", "computeType", "type" (or absent),
///       "privilegedMode": bool (or absent)}]}
///
/// kInvalid, name YAML_FILE_ERROR: it is none, or has no batch.
Result<Json> BatchOf(std::string_view text);

}  // namespace stepmill::buildspec
