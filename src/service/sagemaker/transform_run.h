#pragma once

#include "service/ports.h"

namespace stepmill::sagemaker {

/// Registers what a transform job does outside. Each performer may be called again after a crash.
///
///     sagemaker.transform.run    starts a host's container with the model: {} or {"failure"}
///     sagemaker.transform.log    copies its output until its end
///     sagemaker.transform.work   waits for /ping, sends the host's share of the objects, puts the
///                                answers into S3: {} or {"failure"}; a repeat puts them again
///     sagemaker.transform.stop   TERM, 30 s, KILL
///     sagemaker.transform.clean  removes containers and folders
void AddTransformPerformers(Ports& ports);

}  // namespace stepmill::sagemaker
