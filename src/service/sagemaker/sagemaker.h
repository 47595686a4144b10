#pragma once

#include "gate/operation.h"

namespace stepmill::sagemaker {

/// The table of SageMaker: processing jobs and tags.
extern const Service kService;

}  // namespace stepmill::sagemaker
