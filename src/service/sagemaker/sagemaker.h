#pragma once

#include "gate/operation.h"

namespace stepmill::sagemaker {

/// The table of SageMaker.
extern const Service kService;
/// sagemaker-runtime: InvokeEndpoint.
extern const Service kRuntime;

}  // namespace stepmill::sagemaker
