#include "engine/engine.h"
#include "gate/model.h"
#include "service/batch/batch.h"
#include "service/batch/machine.h"
#include "service/batch/operations.h"
#include "service/batch/records.h"
#include "service/container_host.h"
#include "service/ports.h"

namespace stepmill::batch {
namespace {

constexpr std::string_view kAny = "*";

constexpr Operation Row(std::string_view name, Task<Json> (*handler)(Call&),
                        std::string_view action, Access access, std::string_view resource = kAny,
                        std::string_view keeps = "") {
  return {.name = name,
          .handler = handler,
          .action = action,
          .resource = resource,
          .access = access,
          .keeps = keeps};
}

constexpr std::string_view kEnvironment =
    "arn:aws:batch:{region}:{account}:compute-environment/{computeEnvironmentName}";
constexpr std::string_view kQueue = "arn:aws:batch:{region}:{account}:job-queue/{jobQueueName}";
constexpr std::string_view kDefinition =
    "arn:aws:batch:{region}:{account}:job-definition/{jobDefinitionName}";
constexpr std::string_view kJob = "arn:aws:batch:{region}:{account}:job/{jobId}";
/// The machines of the cloud: here there is one, and environments only bound what runs on it.
constexpr std::string_view kKeptOfNewEnvironments =
    "serviceRole,context,computeResources.allocationStrategy,computeResources.minvCpus,"
    "computeResources.desiredvCpus,computeResources.instanceTypes,computeResources.imageId,"
    "computeResources.subnets,computeResources.securityGroupIds,computeResources.ec2KeyPair,"
    "computeResources.instanceRole,computeResources.placementGroup,"
    "computeResources.bidPercentage,computeResources.ec2Configuration,"
    "computeResources.launchTemplate,computeResources.scalingPolicy,"
    "computeResources.spotIamFleetRole";
constexpr std::string_view kKeptOfEnvironments =
    "serviceRole,context,updatePolicy,computeResources.allocationStrategy,"
    "computeResources.minvCpus,computeResources.desiredvCpus,computeResources.instanceTypes,"
    "computeResources.imageId,computeResources.subnets,computeResources.securityGroupIds,"
    "computeResources.ec2KeyPair,computeResources.instanceRole,"
    "computeResources.placementGroup,computeResources.bidPercentage,"
    "computeResources.ec2Configuration,computeResources.launchTemplate,"
    "computeResources.scalingPolicy";
constexpr std::string_view kKeptOfContainers =
    "schedulingPriority,propagateTags,platformCapabilities,"
    "containerProperties.executionRoleArn,containerProperties.instanceType,"
    "containerProperties.networkConfiguration,"
    "containerProperties.fargatePlatformConfiguration,containerProperties.ephemeralStorage,"
    "containerProperties.runtimePlatform,containerProperties.enableExecuteCommand,"
    "containerProperties.ulimits";

constexpr Operation kOperations[] = {
    Row("CreateComputeEnvironment", CreateComputeEnvironment, "batch:CreateComputeEnvironment",
        Access::kWrite, kEnvironment, kKeptOfNewEnvironments),
    Row("DescribeComputeEnvironments", DescribeComputeEnvironments,
        "batch:DescribeComputeEnvironments", Access::kList),
    Row("UpdateComputeEnvironment", UpdateComputeEnvironment, "batch:UpdateComputeEnvironment",
        Access::kWrite, "{computeEnvironment}", kKeptOfEnvironments),
    Row("DeleteComputeEnvironment", DeleteComputeEnvironment, "batch:DeleteComputeEnvironment",
        Access::kWrite, "{computeEnvironment}"),
    Row("CreateJobQueue", CreateJobQueue, "batch:CreateJobQueue", Access::kWrite, kQueue,
        "jobQueueType,jobStateTimeLimitActions,computeEnvironmentOrder.order"),
    Row("DescribeJobQueues", DescribeJobQueues, "batch:DescribeJobQueues", Access::kList),
    Row("UpdateJobQueue", UpdateJobQueue, "batch:UpdateJobQueue", Access::kWrite, "{jobQueue}"),
    Row("DeleteJobQueue", DeleteJobQueue, "batch:DeleteJobQueue", Access::kWrite, "{jobQueue}"),
    Row("RegisterJobDefinition", RegisterJobDefinition, "batch:RegisterJobDefinition",
        Access::kWrite, kDefinition, kKeptOfContainers),
    Row("DescribeJobDefinitions", DescribeJobDefinitions, "batch:DescribeJobDefinitions",
        Access::kList),
    Row("DeregisterJobDefinition", DeregisterJobDefinition, "batch:DeregisterJobDefinition",
        Access::kWrite, "{jobDefinition}"),
    Row("SubmitJob", SubmitJob, "batch:SubmitJob", Access::kWrite, "{jobDefinition}",
        "shareIdentifier,schedulingPriorityOverride"),
    Row("DescribeJobs", DescribeJobs, "batch:DescribeJobs", Access::kList),
    Row("ListJobs", ListJobs, "batch:ListJobs", Access::kList),
    Row("CancelJob", CancelJob, "batch:CancelJob", Access::kWrite, kJob),
    Row("TerminateJob", TerminateJob, "batch:TerminateJob", Access::kWrite, kJob),
    {.name = "ClaimPlace", .handler = ClaimPlace, .action = "batch:SubmitJob", .is_internal = true},
    {.name = "ReleasePlace",
     .handler = ReleasePlace,
     .action = "batch:SubmitJob",
     .is_internal = true},
};

void WireUp(Ports& ports) {
  ports.engine.AddMachine(kMachine, JsonMachine(AdvanceJob));
  AddContainerPerformers(ports, "batch");
}

}  // namespace

const Service kService{.name = "batch",
                       .host = kHost,
                       .model = &models::kBatch,
                       .operations = kOperations,
                       .wire_up = WireUp};

}  // namespace stepmill::batch
