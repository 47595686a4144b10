#pragma once

#include <initializer_list>
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
///     transform-job/NAME, model/NAME, endpoint-config/NAME    as their Describe operations answer
///     hyper-parameter-tuning-job/NAME    the same, and "Own" {"jobs"} (tuning_machine.h)
///     endpoint/NAME         the same, and "Own" {"instance", "up": [{"variant", "weight",
///     "job"}]}:
///                           the machine, and the containers that take requests
///     tags/ARN              {"Tags": [{"Key", "Value"}]}
namespace stepmill::sagemaker {

Key ModelKey(std::string_view account, std::string_view region, std::string_view name);
Key EndpointKey(std::string_view account, std::string_view region, std::string_view name);
/// The model's document; AWS's error when there is none.
Task<Document> RequireModel(Call& call, std::string name);
/// Where the tags of a resource are.
Key TagsKey(const Call& call, const std::string& arn);
/// The tags that a Create call gives its resource.
void KeepTags(Call& call, const std::string& arn);
/// Adds to the call's batch that a resource with tags goes.
void DeleteResource(Call& call, const Document& resource, const char* arn_member);
/// Those of a document's members that are there.
Json Picked(const Json& document, std::initializer_list<const char*> members);
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
/// A List operation over all documents of a type.
struct Listing {
  std::string_view type;
  ListMembers members;
  const char* list;  ///< the member of the answer
  Json (*summary)(const Json& document);
  const char* by = "CreationTime";  ///< the order when the call names none
};
Task<Json> ListAll(Call& call, Listing listing);
/// The page that the call asks for, of MaxResults (10 when it does not say).
Result<Json> PageFor(const Call& call, const char* list, const Json::Array& items);

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
Task<Json> CreateModel(Call& call);
Task<Json> DescribeModel(Call& call);
Task<Json> DeleteModel(Call& call);
Task<Json> ListModels(Call& call);
Task<Json> CreateTransformJob(Call& call);
Task<Json> DescribeTransformJob(Call& call);
Task<Json> ListTransformJobs(Call& call);
Task<Json> StopTransformJob(Call& call);
Task<Json> CreateEndpointConfig(Call& call);
Task<Json> DescribeEndpointConfig(Call& call);
Task<Json> DeleteEndpointConfig(Call& call);
Task<Json> ListEndpointConfigs(Call& call);
Task<Json> CreateEndpoint(Call& call);
Task<Json> DescribeEndpoint(Call& call);
Task<Json> UpdateEndpoint(Call& call);
Task<Json> DeleteEndpoint(Call& call);
Task<Json> ListEndpoints(Call& call);
Task<Json> CreateHyperParameterTuningJob(Call& call);
Task<Json> DescribeHyperParameterTuningJob(Call& call);
Task<Json> ListHyperParameterTuningJobs(Call& call);
Task<Json> ListTrainingJobsForHyperParameterTuningJob(Call& call);
Task<Json> StopHyperParameterTuningJob(Call& call);
Task<Json> AddTags(Call& call);
Task<Json> DeleteTags(Call& call);
Task<Json> ListTags(Call& call);

}  // namespace stepmill::sagemaker
