#pragma once

#include "gate/operation.h"

namespace stepmill::batch {

Task<Json> CreateComputeEnvironment(Call& call);
Task<Json> DescribeComputeEnvironments(Call& call);
Task<Json> UpdateComputeEnvironment(Call& call);
Task<Json> DeleteComputeEnvironment(Call& call);
Task<Json> CreateJobQueue(Call& call);
Task<Json> DescribeJobQueues(Call& call);
Task<Json> UpdateJobQueue(Call& call);
Task<Json> DeleteJobQueue(Call& call);
Task<Json> RegisterJobDefinition(Call& call);
Task<Json> DescribeJobDefinitions(Call& call);
Task<Json> DeregisterJobDefinition(Call& call);
Task<Json> SubmitJob(Call& call);
Task<Json> DescribeJobs(Call& call);
Task<Json> ListJobs(Call& call);
Task<Json> CancelJob(Call& call);
Task<Json> TerminateJob(Call& call);

// Internal, of the machine.
Task<Json> ClaimPlace(Call& call);
Task<Json> ReleasePlace(Call& call);

}  // namespace stepmill::batch
