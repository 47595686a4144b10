#include "engine/engine.h"
#include "service/page.h"
#include "service/ports.h"
#include "service/sagemaker/contract.h"
#include "service/sagemaker/errors.h"
#include "service/sagemaker/processing_machine.h"
#include "service/sagemaker/records.h"

namespace stepmill::sagemaker {

namespace {

constexpr ListMembers kMembers{"ProcessingJobName", "ProcessingJobStatus"};
Task<Document> RequireJob(Call& call, const std::string& name) {
  const Key key = ProcessingKey(call.account, call.region, name);
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(key));
  if (!found) co_return JobNotFound(name);
  co_return *found;
}

/// What clients see of a job's document.
Json Shown(const Json& job) { return job.Without("Own"); }

Json Summary(const Json& job) {
  Json::Object summary;
  for (const char* name :
       {"ProcessingJobName", "ProcessingJobArn", "CreationTime", "ProcessingEndTime",
        "LastModifiedTime", "ProcessingJobStatus", "FailureReason", "ExitMessage"})
    summary.SetIf(name, job.Find(name));
  return summary;
}

}  // namespace

Key ProcessingKey(std::string_view account, std::string_view region, std::string_view name) {
  return MakeKey({account, region, "sagemaker", "processing-job", name});
}

std::string ProcessingArn(std::string_view account, std::string_view region, std::string name) {
  return ResourceArn(account, region, "processing-job", std::move(name));
}

std::string InstanceId(std::string_view account, std::string_view region, std::string_view name) {
  return "sagemaker/" + std::string(account) + "/" + std::string(region) + "/processing-job/" +
         std::string(name);
}

Task<Json> CreateProcessingJob(Call& call) {
  MILL_CO_CHECK(CheckProcessingRequest(call.input));
  MILL_CO_TRY(const std::string name, call.input.RequireString("ProcessingJobName"));
  const std::string arn = ProcessingArn(call.account, call.region, name);
  const Key key = ProcessingKey(call.account, call.region, name);
  MILL_CO_TRY(const auto known, co_await call.ports.store.Get(key));
  if (known) co_return JobExists(arn);
  const double now = SecondsSinceEpoch(call.Now());
  Json job = WithDefaults(call.input.Without("Tags"))
                 .With("ProcessingJobArn", arn)
                 .With("ProcessingJobStatus", "InProgress")
                 .With("CreationTime", now)
                 .With("LastModifiedTime", now);
  if (call.input["Tags"].size() > 0)
    call.batch.PutDocument(TagsKey(call, arn), Json::Object{{"Tags", call.input["Tags"]}});
  call.batch.Create(key, job);
  const Json data = Json::Object{{"job", job}};
  call.ports.engine.Start(call.batch, InstanceId(call.account, call.region, name), kMachine, data);
  co_return Json::Object{{"ProcessingJobArn", arn}};
}

Task<Json> DescribeProcessingJob(Call& call) {
  MILL_CO_TRY(const Document job,
              co_await RequireJob(call, call.input.StringOr("ProcessingJobName", "")));
  co_return Shown(job.body);
}

Task<Json> DescribeProcessingJobContainer(Call& call) {
  MILL_CO_TRY(const Document job,
              co_await RequireJob(call, call.input.StringOr("ProcessingJobName", "")));
  const Json& digest = job.body["Own"]["ImageDigest"];
  co_return digest.is_string() ? Json(Json::Object{{"ImageDigest", digest}}) : Json(Json::Object{});
}

Task<Json> ListProcessingJobs(Call& call) {
  constexpr int64_t kResultsDefault = 10;
  MILL_CO_TRY(const std::vector<Json> all, co_await AllOf(call, "processing-job"));
  std::vector<Json> jobs;
  for (const Json& job : all)
    if (IsListed(job, call.input, kMembers)) jobs.push_back(Summary(job));
  SortListed(jobs, call.input, kMembers, "CreationTime");
  Json input = call.input;
  if (!input.Has("MaxResults")) input = input.With("MaxResults", kResultsDefault);
  co_return PageOf(input, "ProcessingJobSummaries", jobs, "MaxResults", "NextToken",
                   Invalid("NextToken is not one of ours"));
}

Task<Json> StopProcessingJob(Call& call) {
  const std::string name = call.input.StringOr("ProcessingJobName", "");
  MILL_CO_TRY(const Document job, co_await RequireJob(call, name));
  const std::string status = job.body.StringOr("ProcessingJobStatus", "");
  if (status == "Stopping") co_return Json::Object{};
  if (status != "InProgress")
    co_return Invalid("The request was rejected because the processing job is in status " + status +
                      ".");
  call.ports.engine.Post(call.batch, InstanceId(call.account, call.region, name), "stop",
                         Json::Object{});
  co_return Json::Object{};
}

}  // namespace stepmill::sagemaker
