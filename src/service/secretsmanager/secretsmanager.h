#pragma once

#include "gate/operation.h"

namespace stepmill::secretsmanager {

/// Secrets Manager.
extern const Service kService;

}  // namespace stepmill::secretsmanager
