#pragma once

#include "gate/operation.h"

namespace stepmill::codebuild {

/// The table of CodeBuild: projects and builds.
extern const Service kService;

}  // namespace stepmill::codebuild
