#pragma once

#include "gate/operation.h"

namespace stepmill::states {

Task<Json> CreateStateMachine(Call& call);
Task<Json> UpdateStateMachine(Call& call);
Task<Json> DescribeStateMachine(Call& call);
Task<Json> DeleteStateMachine(Call& call);
Task<Json> ListStateMachines(Call& call);
Task<Json> ValidateStateMachineDefinition(Call& call);

}  // namespace stepmill::states
