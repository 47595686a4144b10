#include "engine/engine.h"
#include "gate/model.h"
#include "service/glue/glue.h"
#include "service/glue/performers.h"
#include "service/glue/records.h"
#include "service/glue/run_machine.h"
#include "service/ports.h"

namespace stepmill::glue {
namespace {

constexpr std::string_view kNamed = "arn:aws:glue:{region}:{account}:job/{Name}";
constexpr std::string_view kJob = "arn:aws:glue:{region}:{account}:job/{JobName}";
constexpr std::string_view kAny = "arn:aws:glue:{region}:{account}:job/*";

constexpr Operation kOperations[] = {
    {.name = "CreateJob",
     .handler = CreateJob,
     .action = "glue:CreateJob",
     .resource = kNamed,
     .keeps = "Description,JobMode,LogUri,ExecutionClass,MaintenanceWindow,Command.Runtime"},
    {.name = "UpdateJob",
     .handler = UpdateJob,
     .action = "glue:UpdateJob",
     .resource = kJob,
     .keeps = "JobUpdate.Description,JobUpdate.JobMode,JobUpdate.LogUri,JobUpdate.ExecutionClass,"
              "JobUpdate.MaintenanceWindow"},
    {.name = "GetJob",
     .handler = GetJob,
     .action = "glue:GetJob",
     .resource = kJob,
     .access = Access::kRead},
    {.name = "GetJobs",
     .handler = GetJobs,
     .action = "glue:GetJobs",
     .resource = kAny,
     .access = Access::kList},
    {.name = "BatchGetJobs",
     .handler = BatchGetJobs,
     .action = "glue:BatchGetJobs",
     .resource = kAny,
     .access = Access::kRead},
    {.name = "ListJobs",
     .handler = ListJobs,
     .action = "glue:ListJobs",
     .resource = kAny,
     .access = Access::kList},
    {.name = "DeleteJob", .handler = DeleteJob, .action = "glue:DeleteJob", .resource = kJob},
    {.name = "StartJobRun",
     .handler = StartJobRun,
     .action = "glue:StartJobRun",
     .resource = kJob,
     .keeps = "ExecutionClass"},
    {.name = "AdmitJobRun",
     .handler = AdmitJobRun,
     .action = "glue:StartJobRun",
     .resource = kJob,
     .is_internal = true},
    {.name = "GetJobRun",
     .handler = GetJobRun,
     .action = "glue:GetJobRun",
     .resource = kJob,
     .access = Access::kRead,
     .keeps = "PredecessorsIncluded"},
    {.name = "GetJobRuns",
     .handler = GetJobRuns,
     .action = "glue:GetJobRuns",
     .resource = kJob,
     .access = Access::kList},
    {.name = "BatchStopJobRun",
     .handler = BatchStopJobRun,
     .action = "glue:BatchStopJobRun",
     .resource = kJob},
    {.name = "TagResource",
     .handler = TagResource,
     .action = "glue:TagResource",
     .resource = "{ResourceArn}"},
    {.name = "UntagResource",
     .handler = UntagResource,
     .action = "glue:UntagResource",
     .resource = "{ResourceArn}"},
    {.name = "GetTags",
     .handler = GetTags,
     .action = "glue:GetTags",
     .resource = "{ResourceArn}",
     .access = Access::kRead},
};

void WireUp(Ports& ports) {
  ports.engine.AddMachine(kMachine, JsonMachine(AdvanceRun));
  AddPerformers(ports);
}

}  // namespace

const Service kService{.name = "glue",
                       .host = "glue.amazonaws.com",
                       .model = &models::kGlue,
                       .operations = kOperations,
                       .wire_up = WireUp};

}  // namespace stepmill::glue
