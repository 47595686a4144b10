#pragma once

#include "gate/operation.h"

namespace stepmill::states {

Task<Json> StartExecution(Call& call);
Task<Json> StartSyncExecution(Call& call);

}  // namespace stepmill::states
