#include "engine/engine.h"
#include "gate/model.h"
#include "service/container_host.h"
#include "service/ecs/ecs.h"
#include "service/ecs/machine.h"
#include "service/ecs/operations.h"
#include "service/ecs/records.h"
#include "service/ports.h"

namespace stepmill::ecs {
namespace {

constexpr Operation Row(std::string_view name, Task<Json> (*handler)(Call&),
                        std::string_view action, Access access, std::string_view resource = "*",
                        std::string_view keeps = "") {
  return {.name = name,
          .handler = handler,
          .action = action,
          .resource = resource,
          .access = access,
          .keeps = keeps};
}

constexpr std::string_view kCluster = "arn:aws:ecs:{region}:{account}:cluster/{cluster}";
constexpr std::string_view kDefinition =
    "arn:aws:ecs:{region}:{account}:task-definition/{taskDefinition}";
/// Where on the cloud a task runs: here there is one machine.
constexpr std::string_view kKeptOfDefinitions =
    "executionRoleArn,networkMode,placementConstraints,requiresCompatibilities,"
    "ephemeralStorage,runtimePlatform,containerDefinitions.portMappings,"
    "containerDefinitions.ulimits,containerDefinitions.dockerLabels,"
    "containerDefinitions.startTimeout,containerDefinitions.versionConsistency,"
    "containerDefinitions.interactive,containerDefinitions.pseudoTerminal,"
    "containerDefinitions.healthCheck";
constexpr std::string_view kKeptOfTasks =
    "capacityProviderStrategy.capacityProvider,capacityProviderStrategy.weight,"
    "capacityProviderStrategy.base,enableECSManagedTags,networkConfiguration,placementConstraints,"
    "placementStrategy,propagateTags,referenceId,overrides.executionRoleArn,"
    "overrides.ephemeralStorage";

constexpr Operation kOperations[] = {
    Row("CreateCluster", CreateCluster, "ecs:CreateCluster", Access::kWrite, "*",
        "configuration,serviceConnectDefaults"),
    Row("DescribeClusters", DescribeClusters, "ecs:DescribeClusters", Access::kRead, "*",
        "include"),
    Row("ListClusters", ListClusters, "ecs:ListClusters", Access::kList),
    Row("DeleteCluster", DeleteCluster, "ecs:DeleteCluster", Access::kWrite, kCluster),
    Row("RegisterTaskDefinition", RegisterTaskDefinition, "ecs:RegisterTaskDefinition",
        Access::kWrite, "*", kKeptOfDefinitions),
    Row("DescribeTaskDefinition", DescribeTaskDefinition, "ecs:DescribeTaskDefinition",
        Access::kRead),
    Row("DeregisterTaskDefinition", DeregisterTaskDefinition, "ecs:DeregisterTaskDefinition",
        Access::kWrite),
    Row("ListTaskDefinitions", ListTaskDefinitions, "ecs:ListTaskDefinitions", Access::kList),
    Row("RunTask", RunTask, "ecs:RunTask", Access::kWrite, kDefinition, kKeptOfTasks),
    Row("DescribeTasks", DescribeTasks, "ecs:DescribeTasks", Access::kRead),
    Row("ListTasks", ListTasks, "ecs:ListTasks", Access::kList),
    Row("StopTask", StopTask, "ecs:StopTask", Access::kWrite),
};

void WireUp(Ports& ports) {
  ports.engine.AddMachine(kMachine, JsonMachine(AdvanceTask));
  AddContainerPerformers(ports, "ecs");
}

}  // namespace

const Service kService{.name = "ecs",
                       .host = kHost,
                       .model = &models::kEcs,
                       .operations = kOperations,
                       .wire_up = WireUp};

}  // namespace stepmill::ecs
