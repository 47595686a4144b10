#include "service/states/sync_jobs.h"

namespace stepmill::states {
namespace {

// A pattern that wants one value of one member of the event's detail.
Json Pattern(std::string_view source, std::string_view detail_type, std::string_view member,
             const Json& value) {
  return Json::Object{{"source", Json::Array{source}},
                      {"detail-type", Json::Array{detail_type}},
                      {"detail", Json::Object{{std::string(member), Json::Array{value}}}}};
}

// -- SageMaker: jobs with a name of the caller's -------------------------------------------------

Json WithManagedTag(const Json& input, const std::string&) {
  Json::Array tags;
  if (input["Tags"].is_array()) tags = input["Tags"].items();
  tags.push_back(Json::Object{{"Key", "MANAGED_BY_AWS"}, {"Value", "STARTED_BY_STEP_FUNCTIONS"}});
  return input.With("Tags", Json(std::move(tags)));
}

JobOutcome SageMakerOutcome(const Json& described, std::string_view status_member) {
  const std::string status = described.StringOr(status_member, "");
  if (status == "Completed") return {JobOutcome::Kind::kSucceeded, described};
  if (status == "Failed" || status == "Stopped") return {JobOutcome::Kind::kFailed, described};
  return {};
}

struct Processing {
  static constexpr char kName[] = "ProcessingJobName";
  static Json Watch(const Json& input) {
    return Pattern("aws.sagemaker", "SageMaker Processing Job State Change", kName, input[kName]);
  }
  static ServiceCall Describe(const Json& input, const Json&) {
    return {"sagemaker", "DescribeProcessingJob", Json::Object{{kName, input[kName]}}};
  }
  static JobOutcome Outcome(const Json& described, bool) {
    return SageMakerOutcome(described, "ProcessingJobStatus");
  }
  static std::optional<ServiceCall> Stop(const Json& input, const Json&) {
    return ServiceCall{"sagemaker", "StopProcessingJob", Json::Object{{kName, input[kName]}}};
  }
};

struct Training {
  static constexpr char kName[] = "TrainingJobName";
  static Json Watch(const Json& input) {
    return Pattern("aws.sagemaker", "SageMaker Training Job State Change", kName, input[kName]);
  }
  static ServiceCall Describe(const Json& input, const Json&) {
    return {"sagemaker", "DescribeTrainingJob", Json::Object{{kName, input[kName]}}};
  }
  static JobOutcome Outcome(const Json& described, bool) {
    return SageMakerOutcome(described, "TrainingJobStatus");
  }
  static std::optional<ServiceCall> Stop(const Json& input, const Json&) {
    return ServiceCall{"sagemaker", "StopTrainingJob", Json::Object{{kName, input[kName]}}};
  }
};

struct Transform {
  static constexpr char kName[] = "TransformJobName";
  static Json Watch(const Json& input) {
    return Pattern("aws.sagemaker", "SageMaker Transform Job State Change", kName, input[kName]);
  }
  static ServiceCall Describe(const Json& input, const Json&) {
    return {"sagemaker", "DescribeTransformJob", Json::Object{{kName, input[kName]}}};
  }
  static JobOutcome Outcome(const Json& described, bool) {
    return SageMakerOutcome(described, "TransformJobStatus");
  }
  static std::optional<ServiceCall> Stop(const Json& input, const Json&) {
    return ServiceCall{"sagemaker", "StopTransformJob", Json::Object{{kName, input[kName]}}};
  }
};

// -- CodeBuild: the build's id is known only when it was submitted
// ---------------------------------

struct Build {
  static Json Prepare(const Json& input, const std::string&) { return input; }
  static Json Watch(const Json& input) {
    return Pattern("aws.codebuild", "CodeBuild Build State Change", "project-name",
                   input["ProjectName"]);
  }
  static ServiceCall Describe(const Json&, const Json& submitted) {
    return {"codebuild", "BatchGetBuilds",
            Json::Object{{"Ids", Json::Array{submitted["Build"]["Id"]}}}};
  }
  static JobOutcome Outcome(const Json& described, bool) {
    const Json& builds = described["Builds"];
    if (!builds.is_array() || builds.size() == 0) return {};
    const Json result = Json::Object{{"Build", builds.At(0)}};
    const std::string status = builds.At(0).StringOr("BuildStatus", "");
    if (status == "IN_PROGRESS" || status.empty()) return {};
    if (status == "SUCCEEDED") return {JobOutcome::Kind::kSucceeded, result};
    return {JobOutcome::Kind::kFailed, result};
  }
  static std::optional<ServiceCall> Stop(const Json&, const Json& submitted) {
    if (!submitted["Build"].Has("Id")) return std::nullopt;
    return ServiceCall{"codebuild", "StopBuild", Json::Object{{"Id", submitted["Build"]["Id"]}}};
  }
};

struct BuildBatch {
  static Json Watch(const Json& input) {
    return Pattern("aws.codebuild", "CodeBuild Build Batch State Change", "project-name",
                   input["ProjectName"]);
  }
  static ServiceCall Describe(const Json&, const Json& submitted) {
    return {"codebuild", "BatchGetBuildBatches",
            Json::Object{{"Ids", Json::Array{submitted["BuildBatch"]["Id"]}}}};
  }
  static JobOutcome Outcome(const Json& described, bool) {
    const Json& batches = described["BuildBatches"];
    if (!batches.is_array() || batches.size() == 0) return {};
    const Json result = Json::Object{{"BuildBatch", batches.At(0)}};
    const std::string status = batches.At(0).StringOr("BuildBatchStatus", "");
    if (status == "IN_PROGRESS" || status.empty()) return {};
    if (status == "SUCCEEDED") return {JobOutcome::Kind::kSucceeded, result};
    return {JobOutcome::Kind::kFailed, result};
  }
  static std::optional<ServiceCall> Stop(const Json&, const Json& submitted) {
    if (!submitted["BuildBatch"].Has("Id")) return std::nullopt;
    return ServiceCall{"codebuild", "StopBuildBatch",
                       Json::Object{{"Id", submitted["BuildBatch"]["Id"]}}};
  }
};

// -- Glue: the run's id is known only when it was submitted ------------------------------------

struct GlueRun {
  static Json Prepare(const Json& input, const std::string&) { return input; }
  static Json Watch(const Json& input) {
    return Pattern("aws.glue", "Glue Job State Change", "jobName", input["JobName"]);
  }
  static ServiceCall Describe(const Json& input, const Json& submitted) {
    return {"glue", "GetJobRun",
            Json::Object{{"JobName", input["JobName"]}, {"RunId", submitted["JobRunId"]}}};
  }
  static JobOutcome Outcome(const Json& described, bool) {
    const Json& run = described["JobRun"];
    const std::string state = run.StringOr("JobRunState", "");
    if (state == "SUCCEEDED") return {JobOutcome::Kind::kSucceeded, run};
    for (const char* end : {"FAILED", "TIMEOUT", "STOPPED", "ERROR", "EXPIRED"})
      if (state == end) return {JobOutcome::Kind::kFailed, run};
    return {};
  }
  static std::optional<ServiceCall> Stop(const Json& input, const Json& submitted) {
    if (!submitted.Has("JobRunId")) return std::nullopt;
    return ServiceCall{"glue", "BatchStopJobRun",
                       Json::Object{{"JobName", input["JobName"]},
                                    {"JobRunIds", Json::Array{submitted["JobRunId"]}}}};
  }
};

// -- Batch: the job's id is known only when it was submitted -------------------------------------

struct BatchJob {
  static Json Watch(const Json& input) {
    return Pattern("aws.batch", "Batch Job State Change", "jobName", input["JobName"]);
  }
  static ServiceCall Describe(const Json&, const Json& submitted) {
    return {"batch", "DescribeJobs", Json::Object{{"Jobs", Json::Array{submitted["JobId"]}}}};
  }
  static JobOutcome Outcome(const Json& described, bool) {
    const Json& jobs = described["Jobs"];
    if (!jobs.is_array() || jobs.size() == 0) return {};
    const std::string status = jobs.At(0).StringOr("Status", "");
    if (status == "SUCCEEDED") return {JobOutcome::Kind::kSucceeded, jobs.At(0)};
    if (status == "FAILED") return {JobOutcome::Kind::kFailed, jobs.At(0)};
    return {};
  }
  static std::optional<ServiceCall> Stop(const Json&, const Json& submitted) {
    if (!submitted.Has("JobId")) return std::nullopt;
    return ServiceCall{"batch", "TerminateJob",
                       Json::Object{{"JobId", submitted["JobId"]},
                                    {"Reason", "The task was aborted by Step Functions"}}};
  }
};

// -- ECS: the task's ARN is known only when it was submitted -------------------------------------

struct EcsTask {
  static Json Prepare(const Json& input, const std::string&) {
    return input.Has("StartedBy") ? input : input.With("StartedBy", "AWS Step Functions");
  }
  static Json Watch(const Json& input) {
    return Pattern("aws.ecs", "ECS Task State Change", "startedBy", input["StartedBy"]);
  }
  static ServiceCall Describe(const Json& input, const Json& submitted) {
    Json ask = Json::Object{
        {"Tasks", Json::Array{submitted["Tasks"].size() > 0 ? submitted["Tasks"].At(0)["TaskArn"]
                                                            : Json("")}}};
    if (input.Has("Cluster")) ask = ask.With("Cluster", input["Cluster"]);
    return {"ecs", "DescribeTasks", ask};
  }
  static JobOutcome Outcome(const Json& described, bool) {
    const Json& tasks = described["Tasks"];
    if (!tasks.is_array() || tasks.size() == 0) return {};
    const Json& task = tasks.At(0);
    if (task.StringOr("LastStatus", "") != "STOPPED") return {};
    bool has_failed = task.StringOr("StopCode", "") != "EssentialContainerExited";
    for (const Json& container : task["Containers"].items())
      has_failed |= container.IntOr("ExitCode", 0) != 0;
    return {has_failed ? JobOutcome::Kind::kFailed : JobOutcome::Kind::kSucceeded, task};
  }
  static std::optional<ServiceCall> Stop(const Json& input, const Json& submitted) {
    if (submitted["Tasks"].size() == 0) return std::nullopt;
    Json ask = Json::Object{{"Task", submitted["Tasks"].At(0)["TaskArn"]}};
    if (input.Has("Cluster")) ask = ask.With("Cluster", input["Cluster"]);
    return ServiceCall{"ecs", "StopTask", ask};
  }
};

// -- Step Functions: the child's name is given, so that its ARN is known beforehand --------------

struct Child {
  static Json Prepare(const Json& input, const std::string& unique) {
    return input.Has("Name") ? input : input.With("Name", unique);
  }
  static std::string Arn(const Json& input) {
    std::string arn = input.StringOr("StateMachineArn", "");
    const size_t at = arn.find(":stateMachine:");
    if (at == std::string::npos) return arn;
    const size_t qualifier = arn.find(':', at + 14);  // of a version or an alias
    if (qualifier != std::string::npos) arn.resize(qualifier);
    arn.replace(at, 14, ":execution:");
    return arn + ":" + input.StringOr("Name", "");
  }
  static Json Watch(const Json& input) {
    return Pattern("aws.states", "Step Functions Execution Status Change", "executionArn",
                   Json(Arn(input)));
  }
  static ServiceCall Describe(const Json& input, const Json&) {
    return {"states", "DescribeExecution", Json::Object{{"ExecutionArn", Arn(input)}}};
  }
  static Json Parsed(const Json& described, const char* member) {
    if (!described[member].is_string()) return described;
    return described.With(member, ParseJson(described[member].AsString()).value_or(Json()));
  }
  static JobOutcome Outcome(const Json& described, bool with_parsed_data) {
    const std::string status = described.StringOr("Status", "");
    if (status == "RUNNING" || status.empty()) return {};
    Json result = described;
    for (const char* member : {"RedriveCount", "RedriveStatus", "RedriveStatusReason"})
      if (result.Has(member)) result = result.Without(member);
    if (with_parsed_data) result = Parsed(Parsed(result, "Input"), "Output");
    return {status == "SUCCEEDED" ? JobOutcome::Kind::kSucceeded : JobOutcome::Kind::kFailed,
            result};
  }
  static std::optional<ServiceCall> Stop(const Json& input, const Json&) {
    return ServiceCall{"states", "StopExecution", Json::Object{{"ExecutionArn", Arn(input)}}};
  }
};

constexpr SyncJob kJobs[] = {
    {"sagemaker", "createProcessingJob", WithManagedTag, Processing::Watch, Processing::Describe,
     Processing::Outcome, Processing::Stop},
    {"sagemaker", "createTrainingJob", WithManagedTag, Training::Watch, Training::Describe,
     Training::Outcome, Training::Stop},
    {"sagemaker", "createTransformJob", WithManagedTag, Transform::Watch, Transform::Describe,
     Transform::Outcome, Transform::Stop},
    {"codebuild", "startBuild", Build::Prepare, Build::Watch, Build::Describe, Build::Outcome,
     Build::Stop},
    {"codebuild", "startBuildBatch", Build::Prepare, BuildBatch::Watch, BuildBatch::Describe,
     BuildBatch::Outcome, BuildBatch::Stop},
    {"glue", "startJobRun", GlueRun::Prepare, GlueRun::Watch, GlueRun::Describe, GlueRun::Outcome,
     GlueRun::Stop},
    {"batch", "submitJob", Build::Prepare, BatchJob::Watch, BatchJob::Describe, BatchJob::Outcome,
     BatchJob::Stop},
    {"ecs", "runTask", EcsTask::Prepare, EcsTask::Watch, EcsTask::Describe, EcsTask::Outcome,
     EcsTask::Stop},
    {"states", "startExecution", Child::Prepare, Child::Watch, Child::Describe, Child::Outcome,
     Child::Stop},
};

}  // namespace

const SyncJob* FindSyncJob(const asl::Resource& resource) {
  if (!resource.is_sync()) return nullptr;
  for (const SyncJob& job : kJobs)
    if (job.service == resource.service && job.action == resource.action) return &job;
  return nullptr;
}

}  // namespace stepmill::states
