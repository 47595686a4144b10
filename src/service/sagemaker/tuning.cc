#include <algorithm>

#include "engine/engine.h"
#include "json/each.h"
#include "service/page.h"
#include "service/ports.h"
#include "service/sagemaker/errors.h"
#include "service/sagemaker/records.h"
#include "service/sagemaker/training_contract.h"
#include "service/sagemaker/training_metrics.h"
#include "service/sagemaker/tuning_machine.h"
#include "service/sagemaker/tuning_search.h"

namespace stepmill::sagemaker {

namespace {

constexpr ListMembers kMembers{"HyperParameterTuningJobName", "HyperParameterTuningJobStatus"};
constexpr int64_t kResultsDefault = 10;

std::string InstanceOf(const Call& call, const std::string& name) {
  return "sagemaker/" + call.account + "/" + call.region + "/hyper-parameter-tuning-job/" + name;
}

Task<Document> RequireJob(Call& call) {
  const std::string name = call.input.StringOr("HyperParameterTuningJobName", "");
  MILL_CO_TRY(const auto found,
              co_await call.ports.store.Get(TuningKey(call.account, call.region, name)));
  if (!found) {
    co_return NotFound("Amazon SageMaker can't find a tuning job with the name " + name +
                       ". Please check the name and try again.");
  }
  co_return *found;
}

/// The objective's metric must be one that the training jobs report.
Result<> CheckObjective(const Json& objective, const Json& algorithm, bool is_xgboost) {
  const std::string wanted = objective.StringOr("MetricName", "");
  if (wanted.empty()) return Invalid("HyperParameterTuningJobObjective must be specified");
  const Json definitions = is_xgboost ? XgboostMetricDefinitions() : algorithm["MetricDefinitions"];
  for (const Json& one : ItemsOf(definitions))
    if (one.StringOr("Name", "") == wanted) return {};
  return Invalid("The objective metric " + wanted + " is not in MetricDefinitions");
}

Result<> CheckTuning(const Json& request, const std::string& account) {
  const Json& config = request["HyperParameterTuningJobConfig"];
  const Json& definition = request["TrainingJobDefinition"];
  if (request["TrainingJobDefinitions"].size() > 0)
    return Invalid("TrainingJobDefinitions is not available here: give TrainingJobDefinition");
  if (!definition.is_object()) return Invalid("TrainingJobDefinition must be specified");
  if (definition.Has("HyperParameterRanges") || definition.Has("TuningObjective"))
    return Invalid("HyperParameterRanges and TuningObjective belong to TrainingJobDefinitions");
  if (config.StringOr("TrainingJobEarlyStoppingType", "Off") != "Off")
    return Invalid("TrainingJobEarlyStoppingType Auto is not available here");
  MILL_CHECK(CheckTuningRanges(config, config["ParameterRanges"]));
  if (config.StringOr("Strategy", "") != "Grid" &&
      !config["ResourceLimits"].Has("MaxNumberOfTrainingJobs"))
    return Invalid("MaxNumberOfTrainingJobs must be specified");
  const Json& algorithm = definition["AlgorithmSpecification"];
  const bool is_xgboost =
      XgboostVersion(algorithm.StringOr("TrainingImage", ""), account).has_value();
  MILL_CHECK(CheckObjective(config["HyperParameterTuningJobObjective"], algorithm, is_xgboost));
  // As each of its training jobs will be checked.
  return CheckTrainingRequest(definition.With("TrainingJobName", "x"));
}

Json SummaryOf(const Json& entry, const Json& training, const Json& tuning) {
  Json::Object summary{{"TrainingJobName", entry["name"]},
                       {"TunedHyperParameters", entry["parameters"]}};
  for (const char* name : {"TrainingJobArn", "CreationTime", "TrainingStartTime", "TrainingEndTime",
                           "TrainingJobStatus", "FailureReason"})
    summary.SetIf(name, training.Find(name));
  const std::string status = entry.StringOr("status", "");
  if (!training.Has("TrainingJobStatus")) summary.Set("TrainingJobStatus", status);
  const Json& objective =
      tuning["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"];
  if (entry["objective"].is_number()) {
    summary.Set("FinalHyperParameterTuningJobObjectiveMetric",
                Json::Object{{"Type", objective["Type"]},
                             {"MetricName", objective["MetricName"]},
                             {"Value", entry["objective"]}});
    summary.Set("ObjectiveStatus", "Succeeded");
  } else {
    summary.Set("ObjectiveStatus", status == "InProgress" ? "Pending" : "Failed");
  }
  return summary;
}

Task<Json> SummaryWithTraining(Call& call, Json entry, Json tuning) {
  const Key key = TrainingKey(call.account, call.region, entry.StringOr("name", ""));
  MILL_CO_TRY(const auto training, co_await call.ports.store.Get(key));
  co_return SummaryOf(entry, training ? training->body : Json(Json::Object{}), tuning);
}

/// The entry with the best objective, or null.
Json BestOf(const Json& tuning) {
  const bool is_up =
      tuning["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"].StringOr(
          "Type", "") == "Maximize";
  Json best;
  for (const Json& one : ItemsOf(tuning["Own"]["jobs"])) {
    if (!one["objective"].is_number()) continue;
    const double value = one["objective"].AsDouble();
    if (best.is_null() ||
        (is_up ? value > best["objective"].AsDouble() : value < best["objective"].AsDouble()))
      best = one;
  }
  return best;
}

Json WithCounters(Json tuning) {
  int64_t completed = 0, running = 0, failed = 0, stopped = 0, succeeded = 0;
  for (const Json& one : ItemsOf(tuning["Own"]["jobs"])) {
    const std::string status = one.StringOr("status", "");
    completed += status == "Completed";
    running += status == "InProgress";
    failed += status == "Failed";
    stopped += status == "Stopped";
    succeeded += one["objective"].is_number();
  }
  return tuning
      .With("TrainingJobStatusCounters", Json::Object{{"Completed", completed},
                                                      {"InProgress", running},
                                                      {"RetryableError", 0},
                                                      {"NonRetryableError", failed},
                                                      {"Stopped", stopped}})
      .With("ObjectiveStatusCounters",
            Json::Object{{"Succeeded", succeeded},
                         {"Pending", running},
                         {"Failed", completed + failed + stopped - succeeded}});
}

}  // namespace

Key TuningKey(std::string_view account, std::string_view region, std::string_view name) {
  return MakeKey({account, region, "sagemaker", "hyper-parameter-tuning-job", name});
}

Task<Json> CreateHyperParameterTuningJob(Call& call) {
  MILL_CO_CHECK(CheckTuning(call.input, call.account));
  const std::string name = call.input.StringOr("HyperParameterTuningJobName", "");
  const std::string arn =
      ResourceArn(call.account, call.region, "hyper-parameter-tuning-job", name);
  const Key key = TuningKey(call.account, call.region, name);
  MILL_CO_TRY(const auto known, co_await call.ports.store.Get(key));
  if (known) {
    co_return Error{
        Code::kConflict, "ResourceInUse",
        "A tuning job with the name " + name + " already exists. Please use a different name."};
  }
  const double now = SecondsSinceEpoch(call.Now());
  const Json job = call.input.Without("Tags")
                       .With("HyperParameterTuningJobArn", arn)
                       .With("HyperParameterTuningJobStatus", "InProgress")
                       .With("CreationTime", now)
                       .With("LastModifiedTime", now);
  if (call.input["Tags"].size() > 0)
    call.batch.PutDocument(TagsKey(call, arn), Json::Object{{"Tags", call.input["Tags"]}});
  call.batch.Create(key, job);
  const Json data = Json::Object{{"job", job}};
  call.ports.engine.Start(call.batch, InstanceOf(call, name), kTuningMachine, data);
  co_return Json::Object{{"HyperParameterTuningJobArn", arn}};
}

Task<Json> DescribeHyperParameterTuningJob(Call& call) {
  MILL_CO_TRY(const Document found, co_await RequireJob(call));
  Json job = WithCounters(found.body);
  const Json best = BestOf(found.body);
  if (!best.is_null()) {
    MILL_CO_TRY(const Json summary, co_await SummaryWithTraining(call, best, found.body));
    job = job.With("BestTrainingJob", summary);
  }
  co_return job.Without("Own");
}

Task<Json> ListHyperParameterTuningJobs(Call& call) {
  MILL_CO_TRY(const std::vector<Json> all, co_await AllOf(call, "hyper-parameter-tuning-job"));
  std::vector<Json> jobs;
  for (const Json& one : all) {
    if (!IsListed(one, call.input, kMembers)) continue;
    const Json job = WithCounters(one);
    Json::Object summary;
    for (const char* name :
         {"HyperParameterTuningJobName", "HyperParameterTuningJobArn",
          "HyperParameterTuningJobStatus", "CreationTime", "HyperParameterTuningEndTime",
          "LastModifiedTime", "TrainingJobStatusCounters", "ObjectiveStatusCounters"})
      summary.SetIf(name, job.Find(name));
    const Json& config = job["HyperParameterTuningJobConfig"];
    summary.SetIf("Strategy", config.Find("Strategy"));
    summary.SetIf("ResourceLimits", config.Find("ResourceLimits"));
    jobs.push_back(std::move(summary));
  }
  SortListed(jobs, call.input, kMembers, "Name");
  Json input = call.input;
  if (!input.Has("MaxResults")) input = input.With("MaxResults", kResultsDefault);
  co_return PageOf(input, "HyperParameterTuningJobSummaries", jobs, "MaxResults", "NextToken",
                   Invalid("NextToken is not one of ours"));
}

Task<Json> ListTrainingJobsForHyperParameterTuningJob(Call& call) {
  constexpr ListMembers kTraining{"TrainingJobName", "TrainingJobStatus"};
  MILL_CO_TRY(const Document found, co_await RequireJob(call));
  std::vector<Json> jobs;
  for (const Json& entry : ItemsOf(found.body["Own"]["jobs"])) {
    MILL_CO_TRY(const Json summary, co_await SummaryWithTraining(call, entry, found.body));
    if (IsListed(summary, call.input.Without("NameContains"), kTraining)) jobs.push_back(summary);
  }
  if (call.input.StringOr("SortBy", "") == "FinalObjectiveMetricValue") {
    const bool is_up = call.input.StringOr("SortOrder", "Ascending") == "Ascending";
    constexpr char kFinal[] = "FinalHyperParameterTuningJobObjectiveMetric";
    std::erase_if(jobs, [&](const Json& job) { return !job.Has(kFinal); });
    std::stable_sort(jobs.begin(), jobs.end(), [&](const Json& a, const Json& b) {
      const double x = a[kFinal]["Value"].AsDouble(), y = b[kFinal]["Value"].AsDouble();
      return is_up ? x < y : y < x;
    });
  } else {
    SortListed(jobs, call.input, kTraining, "Name");
  }
  Json input = call.input;
  if (!input.Has("MaxResults")) input = input.With("MaxResults", kResultsDefault);
  co_return PageOf(input, "TrainingJobSummaries", jobs, "MaxResults", "NextToken",
                   Invalid("NextToken is not one of ours"));
}

Task<Json> StopHyperParameterTuningJob(Call& call) {
  MILL_CO_TRY(const Document job, co_await RequireJob(call));
  const std::string name = job.body.StringOr("HyperParameterTuningJobName", "");
  const std::string status = job.body.StringOr("HyperParameterTuningJobStatus", "");
  if (status == "InProgress")
    call.ports.engine.Post(call.batch, InstanceOf(call, name), "stop", Json::Object{});
  co_return Json::Object{};
}

}  // namespace stepmill::sagemaker
