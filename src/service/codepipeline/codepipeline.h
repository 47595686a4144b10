#pragma once

#include "gate/operation.h"

namespace stepmill::codepipeline {

/// The table of CodePipeline.
extern const Service kService;

}  // namespace stepmill::codepipeline
