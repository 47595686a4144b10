#pragma once

#include "service/ports.h"

namespace stepmill::sagemaker {

/// Registers what a processing job does outside. Each performer may be called again after a crash
/// and then does nothing twice: jobs have ids, objects are written under an effect id.
///
///     sagemaker.run    stages a host's inputs and starts its container: {} or {"failure"}
///     sagemaker.log    copies its output until its end
///     sagemaker.end    waits for its end, uploads its outputs: {"message", "image_digest",
///                      "failure"?}
///     sagemaker.stop   TERM, 120 s, KILL
///     sagemaker.clean  removes containers and folders
void AddPerformers(Ports& ports);

}  // namespace stepmill::sagemaker
