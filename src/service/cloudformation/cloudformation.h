#pragma once

#include "gate/operation.h"

namespace stepmill::cloudformation {

/// The service of stacks.
extern const Service kService;

}  // namespace stepmill::cloudformation
