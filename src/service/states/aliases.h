#pragma once

#include "gate/operation.h"

namespace stepmill::states {

Task<Json> CreateStateMachineAlias(Call& call);
Task<Json> UpdateStateMachineAlias(Call& call);
Task<Json> DescribeStateMachineAlias(Call& call);
Task<Json> DeleteStateMachineAlias(Call& call);
Task<Json> ListStateMachineAliases(Call& call);

}  // namespace stepmill::states
