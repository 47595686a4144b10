#pragma once

#include "gate/operation.h"

namespace stepmill::states {

Task<Json> DescribeExecution(Call& call);
Task<Json> DescribeStateMachineForExecution(Call& call);
Task<Json> ListExecutions(Call& call);
Task<Json> StopExecution(Call& call);
Task<Json> GetExecutionHistory(Call& call);

}  // namespace stepmill::states
