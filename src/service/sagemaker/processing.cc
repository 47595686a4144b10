#include "service/sagemaker/contract.h"
#include "service/sagemaker/job_operations.h"
#include "service/sagemaker/records.h"

namespace stepmill::sagemaker {

namespace {

Json Summary(const Json& job) {
  return Picked(job, {"ProcessingJobName", "ProcessingJobArn", "CreationTime", "ProcessingEndTime",
                      "LastModifiedTime", "ProcessingJobStatus", "FailureReason", "ExitMessage"});
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
  co_return job.body.Without("Own");
}

Task<Json> DescribeProcessingJobContainer(Call& call) {
  MILL_CO_TRY(const Document job, co_await RequireJob(call, kProcessingJob));
  co_return Picked(job.body["Own"], {"ImageDigest"});
}

Task<Json> ListProcessingJobs(Call& call) {
  co_return co_await ListAll(
      call, Listing(kProcessingJob.type, ListMembers("ProcessingJobName", "ProcessingJobStatus"),
                    "ProcessingJobSummaries", Summary));
}

Task<Json> StopProcessingJob(Call& call) { co_return co_await StopJob(call, kProcessingJob); }

}  // namespace stepmill::sagemaker
