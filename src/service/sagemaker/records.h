#pragma once

#include <string>

#include "gate/operation.h"
#include "json/json.h"
#include "task/task.h"

/// Documents of SageMaker, below `<account>/<region>/sagemaker/`:
///
///     processing-job/NAME   what DescribeProcessingJob answers, and "Own" {"ImageDigest"}: the
///                           digest of the image that ran. Written by the job's machine.
///     tags/ARN              {"Tags": [{"Key", "Value"}]}
namespace stepmill::sagemaker {

Key ProcessingKey(std::string_view account, std::string_view region, std::string_view name);
std::string ProcessingArn(std::string_view account, std::string_view region, std::string name);
/// "sagemaker/ACCOUNT/REGION/processing-job/NAME"
std::string InstanceId(std::string_view account, std::string_view region, std::string_view name);

// Handlers; service.cc has their rows.
Task<Json> CreateProcessingJob(Call& call);
Task<Json> DescribeProcessingJob(Call& call);
/// Ours: {"ImageDigest"} of the image that the job's container ran.
Task<Json> DescribeProcessingJobContainer(Call& call);
Task<Json> ListProcessingJobs(Call& call);
Task<Json> StopProcessingJob(Call& call);
Task<Json> AddTags(Call& call);
Task<Json> ListTags(Call& call);

}  // namespace stepmill::sagemaker
