#include "engine/engine.h"
#include "gate/model.h"
#include "service/ports.h"
#include "service/states/execution_log.h"
#include "service/states/execution_machine.h"
#include "service/states/executions.h"
#include "service/states/machines.h"
#include "service/states/states.h"
#include "service/states/task_performer.h"
#include "service/states/test_state.h"

namespace stepmill::states {
namespace {

constexpr std::string_view kMachine = "{stateMachineArn}";
constexpr std::string_view kExecution = "{executionArn}";
constexpr std::string_view kNewMachine = "arn:aws:states:{region}:{account}:stateMachine:{name}";

constexpr Operation kOperations[] = {
    {.name = "CreateStateMachine",
     .handler = CreateStateMachine,
     .action = "states:CreateStateMachine",
     .resource = kNewMachine,
     .access = Access::kWrite,
     .keeps = "tracingConfiguration,tags"},
    {.name = "UpdateStateMachine",
     .handler = UpdateStateMachine,
     .action = "states:UpdateStateMachine",
     .resource = kMachine,
     .access = Access::kWrite,
     .keeps = "tracingConfiguration"},
    {.name = "DescribeStateMachine",
     .handler = DescribeStateMachine,
     .action = "states:DescribeStateMachine",
     .resource = kMachine,
     .access = Access::kRead},
    {.name = "DeleteStateMachine",
     .handler = DeleteStateMachine,
     .action = "states:DeleteStateMachine",
     .resource = kMachine,
     .access = Access::kWrite},
    {.name = "ListStateMachines",
     .handler = ListStateMachines,
     .action = "states:ListStateMachines",
     .resource = "*",
     .access = Access::kList},
    {.name = "ValidateStateMachineDefinition",
     .handler = ValidateStateMachineDefinition,
     .action = "states:ValidateStateMachineDefinition",
     .resource = "*",
     .access = Access::kRead},
    {.name = "StartExecution",
     .handler = StartExecution,
     .action = "states:StartExecution",
     .resource = kMachine,
     .access = Access::kWrite,
     .keeps = "traceHeader"},
    {.name = "DescribeExecution",
     .handler = DescribeExecution,
     .action = "states:DescribeExecution",
     .resource = kExecution,
     .access = Access::kRead},
    {.name = "DescribeStateMachineForExecution",
     .handler = DescribeStateMachineForExecution,
     .action = "states:DescribeStateMachineForExecution",
     .resource = kExecution,
     .access = Access::kRead},
    {.name = "ListExecutions",
     .handler = ListExecutions,
     .action = "states:ListExecutions",
     .resource = kMachine,
     .access = Access::kList},
    {.name = "StopExecution",
     .handler = StopExecution,
     .action = "states:StopExecution",
     .resource = kExecution,
     .access = Access::kWrite},
    {.name = "GetExecutionHistory",
     .handler = GetExecutionHistory,
     .action = "states:GetExecutionHistory",
     .resource = kExecution,
     .access = Access::kRead},
    {.name = "SendTaskSuccess",
     .handler = SendTaskSuccess,
     .action = "states:SendTaskSuccess",
     .resource = "*",
     .access = Access::kWrite},
    {.name = "SendTaskFailure",
     .handler = SendTaskFailure,
     .action = "states:SendTaskFailure",
     .resource = "*",
     .access = Access::kWrite},
    {.name = "SendTaskHeartbeat",
     .handler = SendTaskHeartbeat,
     .action = "states:SendTaskHeartbeat",
     .resource = "*",
     .access = Access::kWrite},
    {.name = "TestState",
     .handler = TestState,
     .action = "states:TestState",
     .resource = "*",
     .access = Access::kWrite},
    {.name = "TagResource",
     .handler = TagResource,
     .action = "states:TagResource",
     .resource = "{resourceArn}",
     .access = Access::kWrite},
    {.name = "UntagResource",
     .handler = UntagResource,
     .action = "states:UntagResource",
     .resource = "{resourceArn}",
     .access = Access::kWrite},
    {.name = "ListTagsForResource",
     .handler = ListTagsForResource,
     .action = "states:ListTagsForResource",
     .resource = "{resourceArn}",
     .access = Access::kRead},
};

void WireUp(Ports& ports) {
  ports.engine.AddMachine(kMachineName, MakeExecutionMachine());
  ports.engine.AddPerformer(kPerformerName, MakeTaskPerformer(ports));
  ports.engine.AddPerformer(kLogPerformerName, MakeLogPerformer(ports));
}

}  // namespace

const Service kService{.name = "states",
                       .host = "states.amazonaws.com",
                       .model = &models::kStepfunctions,
                       .operations = kOperations,
                       .wire_up = WireUp};

}  // namespace stepmill::states
