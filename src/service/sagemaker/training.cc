#include "engine/engine.h"
#include "json/each.h"
#include "service/ask.h"
#include "service/page.h"
#include "service/ports.h"
#include "service/sagemaker/errors.h"
#include "service/sagemaker/records.h"
#include "service/sagemaker/s3_data.h"
#include "service/sagemaker/search.h"
#include "service/sagemaker/training_contract.h"
#include "service/sagemaker/training_machine.h"

namespace stepmill::sagemaker {

namespace {

constexpr ListMembers kMembers{"TrainingJobName", "TrainingJobStatus"};
constexpr int64_t kResultsDefault = 10;

std::string InstanceOf(const Call& call, const std::string& name) {
  return "sagemaker/" + call.account + "/" + call.region + "/training-job/" + name;
}

Task<Document> RequireJob(Call& call) {
  const std::string name = call.input.StringOr("TrainingJobName", "");
  MILL_CO_TRY(const auto found,
              co_await call.ports.store.Get(TrainingKey(call.account, call.region, name)));
  if (!found) co_return ResourceMissing();
  co_return *found;
}

Json Summary(const Json& job) {
  Json::Object summary;
  for (const char* name : {"TrainingJobName", "TrainingJobArn", "CreationTime", "TrainingEndTime",
                           "LastModifiedTime", "TrainingJobStatus", "SecondaryStatus"})
    summary.SetIf(name, job.Find(name));
  return summary;
}

/// AWS looks before it takes the job: each channel's URI must name something.
Task<> CheckInputs(Call& call) {
  const std::string role = call.input.StringOr("RoleArn", "");
  MILL_CO_TRY(const Principal principal, RolePrincipal(role, "SageMaker"));
  const Asker asker{call.ports, principal, call.account, call.region};
  for (const Json& channel : ItemsOf(call.input["InputDataConfig"])) {
    const std::string uri = channel["DataSource"]["S3DataSource"].StringOr("S3Uri", "");
    MILL_CO_TRY(const S3Location where, ParseS3Uri(uri));
    const Json asked =
        Json::Object{{"Bucket", where.bucket}, {"Prefix", where.key}, {"MaxKeys", 1}};
    const auto page = co_await AskService(asker, "s3", "ListObjectsV2", asked);
    if (!page && IsPassing(page.error())) co_return page.error();
    if (!page || (*page)["Contents"].size() == 0)
      co_return NoObjects(uri, where.bucket, call.region, role);
  }
  co_return Result<>();
}

/// The document with its tags, as Search shows it.
Task<Json> WithTags(Call& call, Json job) {
  MILL_CO_TRY(const auto tags,
              co_await call.ports.store.Get(TagsKey(call, job.StringOr("TrainingJobArn", ""))));
  job = job.Without("Own");
  if (tags) job = job.With("Tags", tags->body["Tags"]);
  co_return job;
}

}  // namespace

Key TrainingKey(std::string_view account, std::string_view region, std::string_view name) {
  return MakeKey({account, region, "sagemaker", "training-job", name});
}

Task<Json> CreateTrainingJob(Call& call) {
  MILL_CO_CHECK(CheckTrainingRequest(call.input));
  MILL_CO_TRY(const std::string name, call.input.RequireString("TrainingJobName"));
  const std::string arn = ResourceArn(call.account, call.region, "training-job", name);
  const Key key = TrainingKey(call.account, call.region, name);
  MILL_CO_TRY(const auto known, co_await call.ports.store.Get(key));
  if (known) co_return TrainingJobExists(arn);
  MILL_CO_CHECK(co_await CheckInputs(call));
  const double now = SecondsSinceEpoch(call.Now());
  const Json starting = Json::Object{
      {"Status", "Starting"}, {"StartTime", now}, {"StatusMessage", "Starting the training job"}};
  const Json job = WithTrainingDefaults(call.input.Without("Tags"), call.account)
                       .With("TrainingJobArn", arn)
                       .With("TrainingJobStatus", "InProgress")
                       .With("SecondaryStatus", "Starting")
                       .With("SecondaryStatusTransitions", Json::Array{starting})
                       .With("CreationTime", now)
                       .With("LastModifiedTime", now);
  if (call.input["Tags"].size() > 0)
    call.batch.PutDocument(TagsKey(call, arn), Json::Object{{"Tags", call.input["Tags"]}});
  call.batch.Create(key, job);
  const Json data = Json::Object{{"job", job}};
  call.ports.engine.Start(call.batch, InstanceOf(call, name), kTrainingMachine, data);
  co_return Json::Object{{"TrainingJobArn", arn}};
}

Task<Json> DescribeTrainingJob(Call& call) {
  MILL_CO_TRY(const Document job, co_await RequireJob(call));
  co_return job.body.Without("Own");
}

Task<Json> ListTrainingJobs(Call& call) {
  MILL_CO_TRY(std::vector<Json> all, co_await AllOf(call, "training-job"));
  std::vector<Json> jobs;
  for (Json& job : all)
    if (IsListed(job, call.input, kMembers)) jobs.push_back(Summary(job));
  SortListed(jobs, call.input, kMembers, "CreationTime");
  Json input = call.input;
  if (!input.Has("MaxResults")) input = input.With("MaxResults", kResultsDefault);
  co_return PageOf(input, "TrainingJobSummaries", jobs, "MaxResults", "NextToken",
                   Invalid("NextToken is not one of ours"));
}

Task<Json> StopTrainingJob(Call& call) {
  MILL_CO_TRY(const Document job, co_await RequireJob(call));
  const std::string status = job.body.StringOr("TrainingJobStatus", "");
  if (status == "Stopping") co_return Json::Object{};
  if (status != "InProgress")
    co_return Invalid("The request was rejected because the training job is in status " + status +
                      ".");
  call.ports.engine.Post(call.batch, InstanceOf(call, job.body.StringOr("TrainingJobName", "")),
                         "stop", Json::Object{});
  co_return Json::Object{};
}

Task<Json> Search(Call& call) {
  const std::string resource = call.input.StringOr("Resource", "");
  if (resource != "TrainingJob")
    co_return Invalid("Search of resource " + resource + " is not available here");
  const Json& expression = call.input["SearchExpression"];
  MILL_CO_CHECK(CheckSearchExpression(expression));
  MILL_CO_TRY(const std::vector<Json> all, co_await AllOf(call, "training-job"));
  std::vector<Json> found;
  for (const Json& document : all) {
    MILL_CO_TRY(const Json job, co_await WithTags(call, document));
    if (MatchesSearch(job, expression)) found.push_back(job);
  }
  SortFound(found, call.input);
  Json::Array results;
  for (const Json& job : found) results.push_back(Json::Object{{"TrainingJob", job}});
  const auto count = static_cast<int64_t>(results.size());
  Json input = call.input;
  if (!input.Has("MaxResults")) input = input.With("MaxResults", kResultsDefault);
  MILL_CO_TRY(const Json page, PageOf(input, "Results", results, "MaxResults", "NextToken",
                                      Invalid("NextToken is not one of ours")));
  co_return page.With("TotalHits", Json::Object{{"Value", count}, {"Relation", "EqualTo"}});
}

}  // namespace stepmill::sagemaker
