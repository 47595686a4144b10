#pragma once

#include <string>
#include <vector>

#include "app/validate_command.h"

namespace stepmill {

/// What CreatePipeline would refuse the pipeline in `document` for: the structure itself, or
/// {"pipeline": structure} as `aws codepipeline create-pipeline --cli-input-json` takes it.
std::vector<TemplateProblem> PipelineProblems(const Json& document, const Positions& positions);

}  // namespace stepmill
