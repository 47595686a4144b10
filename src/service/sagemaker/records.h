#pragma once

#include <string>
#include <vector>

#include "gate/operation.h"
#include "json/json.h"
#include "task/task.h"

/// Documents of SageMaker, below `<account>/<region>/sagemaker/`:
///
///     processing-job/NAME   what DescribeProcessingJob answers, and "Own" {"ImageDigest"}: the
///                           digest of the image that ran. Written by the job's machine.
///     training-job/NAME     what DescribeTrainingJob answers. Written by the job's machine.
///     tags/ARN              {"Tags": [{"Key", "Value"}]}
namespace stepmill::sagemaker {

Key ProcessingKey(std::string_view account, std::string_view region, std::string_view name);
std::string ProcessingArn(std::string_view account, std::string_view region, std::string name);
/// "sagemaker/ACCOUNT/REGION/processing-job/NAME"
std::string InstanceId(std::string_view account, std::string_view region, std::string_view name);

Key TrainingKey(std::string_view account, std::string_view region, std::string_view name);
/// Where the tags of a resource are.
Key TagsKey(const Call& call, const std::string& arn);
/// "arn:aws:sagemaker:REGION:ACCOUNT:TYPE/name": names stand in lower case in ARNs.
std::string ResourceArn(std::string_view account, std::string_view region, std::string_view type,
                        std::string name);

/// All documents of a type, in the order of their names.
Task<std::vector<Json>> AllOf(Call& call, std::string type);
/// What List operations share: CreationTimeAfter and so on, NameContains, StatusEquals.
struct ListMembers {
  const char *name, *status;
};
bool IsListed(const Json& document, const Json& input, const ListMembers& members);
/// Sorts by SortBy (CreationTime, Name or Status; else by `by`) and SortOrder.
void SortListed(std::vector<Json>& documents, const Json& input, const ListMembers& members,
                const char* by);

// Handlers; service.cc has their rows.
Task<Json> CreateProcessingJob(Call& call);
Task<Json> DescribeProcessingJob(Call& call);
/// Ours: {"ImageDigest"} of the image that the job's container ran.
Task<Json> DescribeProcessingJobContainer(Call& call);
Task<Json> ListProcessingJobs(Call& call);
Task<Json> StopProcessingJob(Call& call);
Task<Json> CreateTrainingJob(Call& call);
Task<Json> DescribeTrainingJob(Call& call);
Task<Json> ListTrainingJobs(Call& call);
Task<Json> StopTrainingJob(Call& call);
Task<Json> Search(Call& call);
Task<Json> AddTags(Call& call);
Task<Json> DeleteTags(Call& call);
Task<Json> ListTags(Call& call);

}  // namespace stepmill::sagemaker
