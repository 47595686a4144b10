#pragma once

#include "gate/operation.h"

namespace stepmill::lambda {
/// Ends the containers in which functions of an earlier process ran.
void EndOldEnvironments(Ports& ports);

extern const Service kService;
}  // namespace stepmill::lambda
