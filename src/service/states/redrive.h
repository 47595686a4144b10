#pragma once

#include "gate/operation.h"

namespace stepmill::states {

Task<Json> RedriveExecution(Call& call);

}  // namespace stepmill::states
