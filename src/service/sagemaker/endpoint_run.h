#pragma once

#include "service/ports.h"

namespace stepmill::sagemaker {

/// Registers what an endpoint does outside; what = {"name", "job", "host", "role", "account",
/// "region"}. Each performer may be called again after a crash.
///
///     sagemaker.endpoint.run     starts a container with its model: {} or {"failure"}
///     sagemaker.endpoint.log     copies its output until its end
///     sagemaker.endpoint.ready   waits until it answers /ping: {} or {"failure"}
///     sagemaker.endpoint.retire  waits for requests under way (60 s at most); TERM, 30 s, KILL
///     sagemaker.endpoint.clean   removes the container and its folder
void AddEndpointPerformers(Ports& ports);

}  // namespace stepmill::sagemaker
