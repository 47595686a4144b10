#pragma once

#include "gate/operation.h"

namespace stepmill::states {

Task<Json> SendTaskSuccess(Call& call);
Task<Json> SendTaskFailure(Call& call);
Task<Json> SendTaskHeartbeat(Call& call);

}  // namespace stepmill::states
