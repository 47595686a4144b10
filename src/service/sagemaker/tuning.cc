#include <algorithm>
#include <set>

#include "engine/engine.h"
#include "json/each.h"
#include "service/ports.h"
#include "service/sagemaker/errors.h"
#include "service/sagemaker/job_machine.h"
#include "service/sagemaker/job_operations.h"
#include "service/sagemaker/records.h"
#include "service/sagemaker/training_contract.h"
#include "service/sagemaker/training_metrics.h"
#include "service/sagemaker/tuning_definitions.h"
#include "service/sagemaker/tuning_search.h"
#include "service/sagemaker/tuning_stop.h"

namespace stepmill::sagemaker {

namespace {

/// The objective's metric must be one that the training jobs report.
Result<> CheckObjective(const Json& objective, const Json& algorithm, bool is_xgboost) {
  const std::string wanted = objective.StringOr("MetricName", "");
  if (wanted.empty()) return Invalid("HyperParameterTuningJobObjective must be specified");
  const Json definitions = is_xgboost ? XgboostMetricDefinitions() : algorithm["MetricDefinitions"];
  for (const Json& one : ItemsOf(definitions))
    if (one.StringOr("Name", "") == wanted) return {};
  return Invalid("The objective metric " + wanted + " is not in MetricDefinitions");
}

Result<> CheckDefinition(const Json& config, const Json& definition, const std::string& account) {
  MILL_CHECK(CheckTuningRanges(config, definition["HyperParameterRanges"]));
  MILL_CHECK(CheckEarlyStopping(config, definition["StaticHyperParameters"]));
  const Json& algorithm = definition["AlgorithmSpecification"];
  const bool is_xgboost =
      XgboostVersion(algorithm.StringOr("TrainingImage", ""), account).has_value();
  MILL_CHECK(CheckObjective(definition["TuningObjective"], algorithm, is_xgboost));
  // As each of its training jobs will be checked.
  return CheckTrainingRequest(definition.With("TrainingJobName", "x"));
}

/// Several definitions have names, ranges and objectives of their own.
Result<> CheckDefinitions(const Json& request) {
  const Json& config = request["HyperParameterTuningJobConfig"];
  if (request.Has("TrainingJobDefinition"))
    return Invalid("Either TrainingJobDefinition or TrainingJobDefinitions can be specified");
  if (config.Has("ParameterRanges") || config.Has("HyperParameterTuningJobObjective"))
    return Invalid(
        "ParameterRanges and HyperParameterTuningJobObjective cannot be specified together with "
        "TrainingJobDefinitions");
  std::set<std::string> names, types;
  for (const Json& one : ItemsOf(request["TrainingJobDefinitions"])) {
    const std::string name = one.StringOr("DefinitionName", "");
    if (name.empty() || !one.Has("TuningObjective") || !one.Has("HyperParameterRanges"))
      return Invalid(
          "DefinitionName, TuningObjective and HyperParameterRanges must be specified for each of "
          "TrainingJobDefinitions");
    if (!names.insert(name).second)
      return Invalid("DefinitionName " + name + " is given twice in TrainingJobDefinitions");
    types.insert(one["TuningObjective"].StringOr("Type", ""));
  }
  if (types.size() > 1)
    return Invalid("All of TrainingJobDefinitions must have the same Type of TuningObjective");
  return {};
}

Result<> CheckTuning(const Json& request, const std::string& account) {
  const Json& config = request["HyperParameterTuningJobConfig"];
  const Json& definition = request["TrainingJobDefinition"];
  if (request["TrainingJobDefinitions"].size() > 0) {
    MILL_CHECK(CheckDefinitions(request));
  } else {
    if (!definition.is_object()) return Invalid("TrainingJobDefinition must be specified");
    if (definition.Has("HyperParameterRanges") || definition.Has("TuningObjective"))
      return Invalid("HyperParameterRanges and TuningObjective belong to TrainingJobDefinitions");
  }
  for (const Json& one : DefinitionsOf(request)) MILL_CHECK(CheckDefinition(config, one, account));
  if (config.StringOr("Strategy", "") != "Grid" &&
      !config["ResourceLimits"].Has("MaxNumberOfTrainingJobs"))
    return Invalid("MaxNumberOfTrainingJobs must be specified");
  return {};
}

Json SummaryOf(const Json& entry, const Json& training, const Json& tuning) {
  Json::Object summary{{"TrainingJobName", entry["name"]},
                       {"TunedHyperParameters", entry["parameters"]}};
  for (const char* name : {"TrainingJobArn", "CreationTime", "TrainingStartTime", "TrainingEndTime",
                           "TrainingJobStatus", "FailureReason"})
    summary.SetIf(name, training.Find(name));
  const std::string status = entry.StringOr("status", "");
  if (!training.Has("TrainingJobStatus")) summary.Set("TrainingJobStatus", status);
  const Json definition = DefinitionOf(tuning, entry);
  const Json& objective = definition["TuningObjective"];
  if (definition.Has("DefinitionName"))
    summary.Set("TrainingJobDefinitionName", definition["DefinitionName"]);
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
  const Key key = JobKey(call.account, call.region, kTrainingJob, entry.StringOr("name", ""));
  MILL_CO_TRY(const auto training, co_await call.ports.store.Get(key));
  co_return SummaryOf(entry, training ? training->body : Json(Json::Object{}), tuning);
}

/// The entry with the best objective, or null.
Json BestOf(const Json& tuning) {
  const bool is_up = IsUp(tuning);
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
  const int64_t idle = tuning["Own"].IntOr("notImproving", 0);
  return tuning
      .With("TuningJobCompletionDetails",
            Json::Object{{"NumberOfTrainingJobsObjectiveNotImproving", idle}})
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

Json Summary(const Json& document) {
  const Json job = WithCounters(document);
  const Json& config = job["HyperParameterTuningJobConfig"];
  Json::Object summary;
  for (const Json& part :
       {Picked(job, {"HyperParameterTuningJobName", "HyperParameterTuningJobArn",
                     "HyperParameterTuningJobStatus", "CreationTime", "HyperParameterTuningEndTime",
                     "LastModifiedTime", "TrainingJobStatusCounters", "ObjectiveStatusCounters"}),
        Picked(config, {"Strategy", "ResourceLimits"})}) {
    for (const auto& member : MembersOf(part)) summary.Set(member.name, member.value);
  }
  return summary;
}

}  // namespace

Task<Json> CreateHyperParameterTuningJob(Call& call) {
  MILL_CO_CHECK(CheckTuning(call.input, call.account));
  MILL_CO_CHECK(co_await CheckNameIsFree(call, kTuningJob));
  co_return StartJob(call, kTuningJob, call.input.Without("Tags"), Json::Object{});
}

Task<Json> DescribeHyperParameterTuningJob(Call& call) {
  MILL_CO_TRY(const Document found, co_await RequireJob(call, kTuningJob));
  Json job = WithCounters(found.body);
  const Json best = BestOf(found.body);
  if (!best.is_null()) {
    MILL_CO_TRY(const Json summary, co_await SummaryWithTraining(call, best, found.body));
    job = job.With("BestTrainingJob", summary);
  }
  co_return job.Without("Own");
}

Task<Json> ListHyperParameterTuningJobs(Call& call) {
  co_return co_await ListAll(
      call, Listing(kTuningJob.type,
                    ListMembers("HyperParameterTuningJobName", "HyperParameterTuningJobStatus"),
                    "HyperParameterTuningJobSummaries", Summary, "Name"));
}

Task<Json> ListTrainingJobsForHyperParameterTuningJob(Call& call) {
  constexpr ListMembers kTraining{"TrainingJobName", "TrainingJobStatus"};
  MILL_CO_TRY(const Document found, co_await RequireJob(call, kTuningJob));
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
  co_return PageFor(call, "TrainingJobSummaries", jobs);
}

Task<Json> StopHyperParameterTuningJob(Call& call) {
  MILL_CO_TRY(const Document job, co_await RequireJob(call, kTuningJob));
  const std::string name = job.body.StringOr("HyperParameterTuningJobName", "");
  const std::string status = job.body.StringOr("HyperParameterTuningJobStatus", "");
  if (status == "InProgress")
    call.ports.engine.Post(call.batch, JobInstance(call, kTuningJob, name), "stop", Json::Object{});
  co_return Json::Object{};
}

}  // namespace stepmill::sagemaker
