#include "json/each.h"
#include "service/ports.h"
#include "service/sagemaker/errors.h"
#include "service/sagemaker/job_machine.h"
#include "service/sagemaker/job_operations.h"
#include "service/sagemaker/records.h"
#include "service/sagemaker/s3_data.h"
#include "service/sagemaker/search.h"
#include "service/sagemaker/training_contract.h"
#include "service/sagemaker/tuning_stop.h"

namespace stepmill::sagemaker {

namespace {

Json Summary(const Json& job) {
  return Picked(job, {"TrainingJobName", "TrainingJobArn", "CreationTime", "TrainingEndTime",
                      "LastModifiedTime", "TrainingJobStatus", "SecondaryStatus"});
}

/// Each channel's URI must name something.
Task<> CheckInputs(Call& call) {
  const std::string role = call.input.StringOr("RoleArn", "");
  for (const Json& channel : ItemsOf(call.input["InputDataConfig"])) {
    const std::string uri = channel["DataSource"]["S3DataSource"].StringOr("S3Uri", "");
    MILL_CO_TRY(const S3Location where, ParseS3Uri(uri));
    MILL_CO_TRY(const bool is_there, co_await HasObjects(call, role, uri));
    if (!is_there) co_return NoObjects(uri, where.bucket, call.region, role);
  }
  co_return Result<>();
}

/// A training job of a tuning job names it, and reports to one that ends jobs early.
Task<Json> WithTuning(Call& call, Json job) {
  constexpr size_t kSuffix = sizeof "-001-0123abcd" - 1;
  const std::string name = job.StringOr("TrainingJobName", "");
  const bool is_ours = call.principal.kind == Principal::Kind::kService &&
                       call.principal.arn == "sagemaker.amazonaws.com";
  if (!is_ours || !job["HyperParameters"].Has("_tuning_objective_metric") || name.size() <= kSuffix)
    co_return job;
  const std::string tuning = name.substr(0, name.size() - kSuffix);
  MILL_CO_TRY(const auto found,
              co_await call.ports.store.Get(JobKey(call.account, call.region, kTuningJob, tuning)));
  if (!found) co_return job;
  job = job.With("TuningJobArn", found->body["HyperParameterTuningJobArn"]);
  if (!EndsJobsEarly(found->body["HyperParameterTuningJobConfig"])) co_return job;
  co_return job.With("Own", Json::Object{{"reportsTo", JobInstance(call, kTuningJob, tuning)}});
}

/// The document with its tags, as Search shows it.
Task<Json> WithTags(Call& call, Json job) {
  MILL_CO_TRY(const auto tags,
              co_await call.ports.store.Get(TagsKey(call, job.StringOr("TrainingJobArn", ""))));
  job = job.Without("Own");
  if (tags) job = job.With("Tags", tags->body["Tags"]);
  co_return job;
}

/// A job that is starting and has no room on the machine is pending, and says what it waits for.
Json WithQueue(const Call& call, Json job) {
  const std::string reason = WaitReason(call, kTrainingJob, job);
  if (reason.empty()) return job;
  job = job.With("SecondaryStatus", "Pending");
  if (!job.Has("SecondaryStatusTransitions")) return job;  // an item of a list
  Json::Array transitions = job["SecondaryStatusTransitions"].items();
  transitions.back() = transitions.back().With("Status", "Pending").With("StatusMessage", reason);
  return job.With("SecondaryStatusTransitions", std::move(transitions));
}

}  // namespace

Task<Json> CreateTrainingJob(Call& call) {
  MILL_CO_CHECK(CheckTrainingRequest(call.input));
  MILL_CO_CHECK(co_await CheckNameIsFree(call, kTrainingJob));
  MILL_CO_CHECK(co_await CheckInputs(call));
  const Json starting = Json::Object{{"Status", "Starting"},
                                     {"StartTime", SecondsSinceEpoch(call.Now())},
                                     {"StatusMessage", "Starting the training job"}};
  const Json asked = WithTrainingDefaults(call.input.Without("Tags"), call.account)
                         .With("SecondaryStatus", "Starting")
                         .With("SecondaryStatusTransitions", Json::Array{starting});
  MILL_CO_TRY(const Json job, co_await WithTuning(call, asked));
  co_return StartJob(call, kTrainingJob, job, Json::Object{});
}

Task<Json> DescribeTrainingJob(Call& call) {
  MILL_CO_TRY(const Document job, co_await RequireJob(call, kTrainingJob));
  co_return WithQueue(call, job.body.Without("Own"));
}

Task<Json> ListTrainingJobs(Call& call) {
  const Listing listing(kTrainingJob.type, ListMembers("TrainingJobName", "TrainingJobStatus"),
                        "TrainingJobSummaries", Summary);
  MILL_CO_TRY(Json answer, co_await ListAll(call, listing));
  co_return WithItems(call, std::move(answer), listing.list, WithQueue);
}

Task<Json> StopTrainingJob(Call& call) { co_return co_await StopJob(call, kTrainingJob); }

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
  MILL_CO_TRY(const Json page, PageFor(call, "Results", results));
  co_return page.With("TotalHits", Json::Object{{"Value", count}, {"Relation", "EqualTo"}});
}

}  // namespace stepmill::sagemaker
