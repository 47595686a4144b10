#pragma once

#include "gate/operation.h"

namespace stepmill::states {

Task<Json> StartExecution(Call& call);
Task<Json> DescribeExecution(Call& call);
Task<Json> DescribeStateMachineForExecution(Call& call);
Task<Json> ListExecutions(Call& call);
Task<Json> StopExecution(Call& call);
Task<Json> GetExecutionHistory(Call& call);
Task<Json> SendTaskSuccess(Call& call);
Task<Json> SendTaskFailure(Call& call);
Task<Json> SendTaskHeartbeat(Call& call);

}  // namespace stepmill::states
