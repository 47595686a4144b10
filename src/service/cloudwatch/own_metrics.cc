// What the server's own services report as AWS's do: AWS/CodeBuild and AWS/CodePipeline, from the
// events of state changes (CodeBuild User Guide: "CodeBuild CloudWatch metrics"; CodePipeline User
// Guide: "CloudWatch metrics").
#include "base/time.h"
#include "json/each.h"
#include "service/cloudwatch/metrics.h"
#include "service/cloudwatch/operations.h"

namespace stepmill::cloudwatch {

namespace {

/// Samples of one event: each for the dimension and, where the service does so, for all together.
class Report {
 public:
  Report(std::string space, const std::string& dimension, const Json& name, const Json& event,
         Time now)
      : space_(std::move(space)),
        at_ms_(MillisSinceEpoch(now)),
        dimensions_(Json::Array{Json::Object{{"Name", dimension}, {"Value", name}}}) {
    if (const auto time = ParseIso(event.StringOr("time", ""))) at_ms_ = MillisSinceEpoch(*time);
  }
  Result<> Add(const std::string& name, double value, const char* unit, bool is_total) {
    MILL_CHECK(AddOne(name, value, unit, dimensions_));
    if (is_total) MILL_CHECK(AddOne(name, value, unit, Json()));
    return Result<>();
  }
  std::vector<Sample> Take() { return std::move(samples_); }

 private:
  Result<> AddOne(const std::string& name, double value, const char* unit, const Json& dimensions) {
    Sample sample;
    MILL_TRY(sample.metric, MakeMetricId(space_, name, dimensions));
    sample.at_ms = at_ms_;
    sample.unit = unit;
    sample.bucket.Add(value, 1);
    samples_.push_back(std::move(sample));
    return Result<>();
  }

  std::string space_;
  int64_t at_ms_;
  Json dimensions_;
  std::vector<Sample> samples_;
};

struct PhaseMetric {
  const char* phase;
  const char* metric;
};
constexpr PhaseMetric kPhases[] = {{"SUBMITTED", "SubmittedDuration"},
                                   {"QUEUED", "QueuedDuration"},
                                   {"PROVISIONING", "ProvisioningDuration"},
                                   {"DOWNLOAD_SOURCE", "DownloadSourceDuration"},
                                   {"INSTALL", "InstallDuration"},
                                   {"PRE_BUILD", "PreBuildDuration"},
                                   {"BUILD", "BuildDuration"},
                                   {"POST_BUILD", "PostBuildDuration"},
                                   {"UPLOAD_ARTIFACTS", "UploadArtifactsDuration"},
                                   {"FINALIZING", "FinalizingDuration"}};

Result<> ReportBuild(const Json& detail, Report& report) {
  const std::string status = detail.StringOr("build-status", "");
  if (status == "IN_PROGRESS") return report.Add("Builds", 1, "Count", true);
  if (status == "SUCCEEDED") MILL_CHECK(report.Add("SucceededBuilds", 1, "Count", true));
  if (status == "FAILED" || status == "TIMED_OUT" || status == "FAULT")
    MILL_CHECK(report.Add("FailedBuilds", 1, "Count", true));
  double total = 0;
  for (const Json& phase : ItemsOf(detail["additional-information"]["phases"])) {
    const Json& seconds = phase["durationInSeconds"];
    if (!seconds.is_number()) continue;
    total += seconds.AsDouble();
    for (const PhaseMetric& row : kPhases)
      if (phase.StringOr("phaseType", "") == row.phase)
        MILL_CHECK(report.Add(row.metric, seconds.AsDouble(), "Seconds", true));
  }
  return report.Add("Duration", total, "Seconds", true);
}

}  // namespace

/// {"event"}: a build began or ended.
Task<Json> OnBuildEvent(Call& call) {
  const Json event = call.input["event"];
  const Json detail = event["detail"];
  Report report("AWS/CodeBuild", "ProjectName", detail["project-name"], event, call.now);
  MILL_CO_CHECK(ReportBuild(detail, report));
  MILL_CO_CHECK(co_await AddSamples(call, report.Take()));
  co_return Json::Object{};
}

/// {"event"}: a pipeline's execution ended.
Task<Json> OnPipelineEvent(Call& call) {
  const Json event = call.input["event"];
  const Json detail = event["detail"];
  Report report("AWS/CodePipeline", "PipelineName", detail["pipeline"], event, call.now);
  const bool has_failed = detail.StringOr("state", "") == "FAILED";
  MILL_CO_CHECK(report.Add("FailedPipelineExecutions", has_failed ? 1 : 0, "Count", false));
  const auto begun = ParseIso(detail.StringOr("start-time", ""));
  const auto ended = ParseIso(event.StringOr("time", ""));
  if (begun && ended)
    MILL_CO_CHECK(report.Add("PipelineDuration",
                             SecondsSinceEpoch(*ended) - SecondsSinceEpoch(*begun), "Seconds",
                             false));
  MILL_CO_CHECK(co_await AddSamples(call, report.Take()));
  co_return Json::Object{};
}

}  // namespace stepmill::cloudwatch
