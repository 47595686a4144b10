#pragma once

#include "gate/operation.h"

namespace stepmill::codeconnections {

extern const Service kService;
/// The same rows under the older name.
extern const Service kOlderService;

}  // namespace stepmill::codeconnections
