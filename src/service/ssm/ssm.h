#pragma once

#include "gate/operation.h"

namespace stepmill::ssm {

/// Systems Manager's Parameter Store.
extern const Service kService;

}  // namespace stepmill::ssm
