#pragma once

#include "gate/operation.h"

namespace stepmill::ecs {

Task<Json> CreateCluster(Call& call);
Task<Json> DescribeClusters(Call& call);
Task<Json> ListClusters(Call& call);
Task<Json> DeleteCluster(Call& call);
Task<Json> RegisterTaskDefinition(Call& call);
Task<Json> DescribeTaskDefinition(Call& call);
Task<Json> DeregisterTaskDefinition(Call& call);
Task<Json> ListTaskDefinitions(Call& call);
Task<Json> RunTask(Call& call);
Task<Json> DescribeTasks(Call& call);
Task<Json> ListTasks(Call& call);
Task<Json> StopTask(Call& call);

}  // namespace stepmill::ecs
