#include "engine/engine.h"
#include "gate/model.h"
#include "service/ports.h"
#include "service/workflows/performers.h"
#include "service/workflows/records.h"
#include "service/workflows/run_machine.h"
#include "service/workflows/workflows.h"

namespace stepmill::workflows {
namespace {

constexpr std::string_view kRepository =
    "arn:aws:workflows:{region}:{account}:repository/{repositoryName}";

constexpr Operation Internal(std::string_view name, Task<Json> (*handler)(Call&)) {
  return {.name = name,
          .handler = handler,
          .action = "workflows:StartWorkflowRun",
          .resource = kRepository,
          .access = Access::kWrite,
          .is_internal = true};
}

constexpr Operation kOperations[] = {
    {.name = "ListWorkflowRuns",
     .handler = ListWorkflowRuns,
     .action = "workflows:ListWorkflowRuns",
     .resource = kRepository,
     .access = Access::kList},
    {.name = "GetWorkflowRun",
     .handler = GetWorkflowRun,
     .action = "workflows:GetWorkflowRun",
     .resource = kRepository,
     .access = Access::kRead},
    {.name = "StartWorkflowRun",
     .handler = StartWorkflowRun,
     .action = "workflows:StartWorkflowRun",
     .resource = kRepository,
     .access = Access::kWrite},
    {.name = "StopWorkflowRun",
     .handler = StopWorkflowRun,
     .action = "workflows:StopWorkflowRun",
     .resource = kRepository,
     .access = Access::kWrite},
    {.name = "OnRepositoryEvent",
     .handler = OnRepositoryEvent,
     .action = "workflows:StartWorkflowRun",
     .access = Access::kWrite,
     .is_internal = true},
    Internal("EnterGroup", EnterGroup),
    Internal("LeaveGroup", LeaveGroup),
    Internal("FireSchedule", FireSchedule),
};

constexpr EventRow kEvents[] = {
    {.pattern = R"({"source": ["aws.codecommit"], "detail-type": [
        "CodeCommit Repository State Change", "CodeCommit Pull Request State Change"]})",
     .operation = "OnRepositoryEvent"},
};

void WireUp(Ports& ports) {
  ports.engine.AddMachine(kMachine, JsonMachine(AdvanceRunMachine));
  ports.engine.AddMachine(kTickMachine, JsonMachine(AdvanceTick));
  AddPerformers(ports);
}

}  // namespace

const Service kService{.name = "workflows",
                       .host = kHost,
                       .model = &models::kWorkflows,
                       .operations = kOperations,
                       .events = kEvents,
                       .wire_up = WireUp};

}  // namespace stepmill::workflows
