#include "engine/engine.h"
#include "gate/model.h"
#include "service/ports.h"
#include "service/states/activities.h"
#include "service/states/aliases.h"
#include "service/states/callbacks.h"
#include "service/states/execution_log.h"
#include "service/states/execution_machine.h"
#include "service/states/executions.h"
#include "service/states/express.h"
#include "service/states/http_task.h"
#include "service/states/machines.h"
#include "service/states/map_child.h"
#include "service/states/map_items.h"
#include "service/states/map_results.h"
#include "service/states/map_run_machine.h"
#include "service/states/map_runs.h"
#include "service/states/redrive.h"
#include "service/states/start.h"
#include "service/states/states.h"
#include "service/states/sweep.h"
#include "service/states/tags.h"
#include "service/states/task_performer.h"
#include "service/states/test_state.h"
#include "service/states/versions.h"

namespace stepmill::states {
namespace {

constexpr std::string_view kMachine = "{stateMachineArn}";
constexpr std::string_view kExecution = "{executionArn}";
constexpr std::string_view kNewMachine = "arn:aws:states:{region}:{account}:stateMachine:{name}";

constexpr std::string_view kActivity = "{activityArn}";

constexpr Operation kOperations[] = {
    {.name = "CreateStateMachine",
     .handler = CreateStateMachine,
     .action = "states:CreateStateMachine",
     .resource = kNewMachine,
     .access = Access::kWrite,
     .keeps = "tracingConfiguration,encryptionConfiguration"},
    {.name = "UpdateStateMachine",
     .handler = UpdateStateMachine,
     .action = "states:UpdateStateMachine",
     .resource = kMachine,
     .access = Access::kWrite,
     .keeps = "tracingConfiguration,encryptionConfiguration"},
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
    {.name = "DescribeMapRun",
     .handler = DescribeMapRun,
     .action = "states:DescribeMapRun",
     .resource = "{mapRunArn}",
     .access = Access::kRead},
    {.name = "ListMapRuns",
     .handler = ListMapRuns,
     .action = "states:ListMapRuns",
     .resource = kExecution,
     .access = Access::kList},
    {.name = "UpdateMapRun",
     .handler = UpdateMapRun,
     .action = "states:UpdateMapRun",
     .resource = "{mapRunArn}",
     .access = Access::kWrite},
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
    {.name = "PublishStateMachineVersion",
     .handler = PublishStateMachineVersion,
     .action = "states:PublishStateMachineVersion",
     .resource = kMachine,
     .access = Access::kWrite},
    {.name = "ListStateMachineVersions",
     .handler = ListStateMachineVersions,
     .action = "states:ListStateMachineVersions",
     .resource = kMachine,
     .access = Access::kList},
    {.name = "DeleteStateMachineVersion",
     .handler = DeleteStateMachineVersion,
     .action = "states:DeleteStateMachineVersion",
     .resource = "{stateMachineVersionArn}",
     .access = Access::kWrite},
    {.name = "CreateStateMachineAlias",
     .handler = CreateStateMachineAlias,
     .action = "states:CreateStateMachineAlias",
     .resource = "*",
     .access = Access::kWrite},
    {.name = "UpdateStateMachineAlias",
     .handler = UpdateStateMachineAlias,
     .action = "states:UpdateStateMachineAlias",
     .resource = "{stateMachineAliasArn}",
     .access = Access::kWrite},
    {.name = "DescribeStateMachineAlias",
     .handler = DescribeStateMachineAlias,
     .action = "states:DescribeStateMachineAlias",
     .resource = "{stateMachineAliasArn}",
     .access = Access::kRead},
    {.name = "DeleteStateMachineAlias",
     .handler = DeleteStateMachineAlias,
     .action = "states:DeleteStateMachineAlias",
     .resource = "{stateMachineAliasArn}",
     .access = Access::kWrite},
    {.name = "ListStateMachineAliases",
     .handler = ListStateMachineAliases,
     .action = "states:ListStateMachineAliases",
     .resource = kMachine,
     .access = Access::kList},
    {.name = "StartSyncExecution",
     .handler = StartSyncExecution,
     .action = "states:StartSyncExecution",
     .resource = kMachine,
     .access = Access::kWrite,
     .keeps = "traceHeader"},
    {.name = "RedriveExecution",
     .handler = RedriveExecution,
     .action = "states:RedriveExecution",
     .resource = kExecution,
     .access = Access::kWrite},
    {.name = "CreateActivity",
     .handler = CreateActivity,
     .action = "states:CreateActivity",
     .resource = "arn:aws:states:{region}:{account}:activity:{name}",
     .access = Access::kWrite,
     .keeps = "encryptionConfiguration"},
    {.name = "DescribeActivity",
     .handler = DescribeActivity,
     .action = "states:DescribeActivity",
     .resource = kActivity,
     .access = Access::kRead},
    {.name = "DeleteActivity",
     .handler = DeleteActivity,
     .action = "states:DeleteActivity",
     .resource = kActivity,
     .access = Access::kWrite},
    {.name = "ListActivities",
     .handler = ListActivities,
     .action = "states:ListActivities",
     .resource = "*",
     .access = Access::kList},
    {.name = "GetActivityTask",
     .handler = GetActivityTask,
     .action = "states:GetActivityTask",
     .resource = kActivity,
     .access = Access::kWrite},
    {.name = "InvokeHTTPEndpoint",
     .handler = InvokeHTTPEndpoint,
     .action = "states:InvokeHTTPEndpoint",
     .resource = kMachine,
     .access = Access::kWrite,
     .is_internal = true},
    {.name = "RevealSecrets",
     .handler = RevealSecrets,
     .action = "states:RevealSecrets",
     .resource = "*",
     .access = Access::kWrite,
     .is_internal = true},
};

void WireUp(Ports& ports) {
  ports.engine.AddMachine(kMachineName, MakeExecutionMachine());
  ports.engine.AddPerformer(kPerformerName, MakeTaskPerformer(ports));
  ports.engine.AddPerformer(kLogPerformerName, MakeLogPerformer(ports));
  ports.engine.AddPerformer(kLogCheckPerformerName, MakeLogCheckPerformer(ports));
  ports.engine.AddPerformer(kExpressPerformerName, MakeExpressPerformer(ports));
  ports.engine.AddPerformer(kSweepPerformerName, MakeSweepPerformer(ports));
  ports.engine.AddMachine(kMapRunMachineName, MakeMapRunMachine());
  ports.engine.AddPerformer(kMapChildName, MakeMapChildPerformer(ports));
  ports.engine.AddPerformer(kMapItemsName, MakeMapItemsPerformer(ports));
  ports.engine.AddPerformer(kMapResultsName, MakeMapResultsPerformer(ports));
  SearchMapItemLeftovers(ports);
}

}  // namespace

const Service kService{.name = "states",
                       .host = "states.amazonaws.com",
                       .model = &models::kStepfunctions,
                       .operations = kOperations,
                       .wire_up = WireUp};

}  // namespace stepmill::states
