#include "service/sagemaker/contract.h"
#include "service/sagemaker/job_operations.h"
#include "service/sagemaker/records.h"

namespace stepmill::sagemaker {

namespace {

Json Summary(const Json& job) {
  return Picked(job, {"ProcessingJobName", "ProcessingJobArn", "CreationTime", "ProcessingEndTime",
                      "LastModifiedTime", "ProcessingJobStatus", "FailureReason", "ExitMessage"});
}

/// AWS has no member for why a job has not begun: a member of our own, which AWS's clients do not
/// look at and `stepmill status` shows.
Json WithQueue(const Call& call, Json job) {
  const std::string reason = WaitReason(call, kProcessingJob, job);
  return reason.empty() ? job : job.With("WaitReason", reason);
}

}  // namespace

Task<Json> CreateProcessingJob(Call& call) {
  MILL_CO_CHECK(CheckProcessingRequest(call.input));
  MILL_CO_CHECK(co_await CheckNameIsFree(call, kProcessingJob));
  co_return StartJob(call, kProcessingJob, WithDefaults(call.input.Without("Tags")),
                     Json::Object{});
}

Task<Json> DescribeProcessingJob(Call& call) {
  MILL_CO_TRY(const Document job, co_await RequireJob(call, kProcessingJob));
  co_return WithQueue(call, job.body.Without("Own"));
}

Task<Json> DescribeProcessingJobContainer(Call& call) {
  MILL_CO_TRY(const Document job, co_await RequireJob(call, kProcessingJob));
  co_return Picked(job.body["Own"], {"ImageDigest"});
}

Task<Json> ListProcessingJobs(Call& call) {
  const Listing listing(kProcessingJob.type,
                        ListMembers("ProcessingJobName", "ProcessingJobStatus"),
                        "ProcessingJobSummaries", Summary);
  MILL_CO_TRY(Json answer, co_await ListAll(call, listing));
  co_return WithItems(call, std::move(answer), listing.list, WithQueue);
}

Task<Json> StopProcessingJob(Call& call) { co_return co_await StopJob(call, kProcessingJob); }

}  // namespace stepmill::sagemaker
