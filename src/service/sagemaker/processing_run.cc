#include "service/sagemaker/processing_run.h"

#include "json/each.h"
#include "service/performer.h"
#include "service/sagemaker/contract.h"
#include "service/sagemaker/job_host.h"
#include "service/sagemaker/s3_data.h"

namespace stepmill::sagemaker {

namespace {

constexpr std::chrono::seconds kStopGrace{120};
constexpr size_t kMessageBytes = 1024;
constexpr char kLogGroup[] = "/aws/sagemaker/ProcessingJobs";

/// Downloads all inputs into blobs and names them in `spec`.
Task<> AddInputs(JobHost host, JobSpec& spec, std::vector<BlobId>& blobs) {
  for (const Json& input : ItemsOf(host.job["ProcessingInputs"])) {
    const Json s3 = input["S3Input"];
    const std::string local = s3.StringOr("LocalPath", "");
    spec.inputs.push_back(EmptyFolder(local));
    const DataSource source = DataSourceOf(s3, host.index, HostCount(host.job));
    MILL_CO_TRY(const auto objects, co_await FindObjects(host.asker, source));
    MILL_CO_CHECK(co_await AddObjects(host.asker, objects, local, spec, blobs));
  }
  co_return Result<>();
}

Task<Json> Run(Ports& ports, Performance performance) {
  MILL_CO_TRY(const JobHost host, HostOf(ports, performance.what, kProcessingJob));
  JobSpec spec = HostSpec(host.job, host.asker.account, host.asker.region, host.index);
  co_return co_await StartHost(host, std::move(spec), AddInputs, "ClientError: ");
}

// ---- log, end

Task<Json> Log(Ports& ports, Performance performance) {
  MILL_CO_TRY(const JobHost host, HostOf(ports, performance.what, kProcessingJob));
  const LogTarget target{kLogGroup, LogStreamOf(host.job.StringOr("ProcessingJobName", ""),
                                                HostName(host.index), performance.what)};
  MILL_CO_CHECK(co_await RunLogPump(host.asker, target, PlainPump(host.id)));
  co_return Json::Object{};
}

Task<> Upload(JobHost host, std::string effect_id) {
  for (const Json& output : ItemsOf(host.job["ProcessingOutputConfig"]["Outputs"])) {
    const Json s3 = output["S3Output"];
    MILL_CO_TRY(const S3Location where, ParseS3Uri(s3.StringOr("S3Uri", "")));
    MILL_CO_TRY(const std::string folder,
                host.asker.ports.backend.HostPath(host.id, s3.StringOr("LocalPath", "")));
    MILL_CO_CHECK(co_await UploadFolder(host.asker, folder, where, false, effect_id));
  }
  co_return Result<>();
}

Task<Json> End(Ports& ports, Performance performance) {
  MILL_CO_TRY(const JobHost host, HostOf(ports, performance.what, kProcessingJob));
  MILL_CO_TRY(const JobResult result, co_await ports.backend.Wait(host.id));
  Result<> uploaded;
  if (result.start_error.empty()) {
    uploaded = co_await Upload(host, performance.effect_id);
    if (!uploaded && IsPassing(uploaded.error())) co_return uploaded.error();
  }
  Json::Object output{{"image_digest", result.image_digest}};
  if (result.start_error.empty())
    output.Set("message", ReadJobText(ports, host.id, std::string(kMessageFolder) + "/message",
                                      kMessageBytes));
  std::string failure = FailureOf(result, "");
  if (failure.empty() && !uploaded)
    failure = "ClientError: Unable to upload outputs: " + uploaded.error().message;
  if (!failure.empty()) output.Set("failure", failure);
  co_return output;
}

Task<Json> Stop(Ports& ports, Performance performance) {
  MILL_CO_TRY(const JobHost host, HostOf(ports, performance.what, kProcessingJob));
  co_return co_await StopHost(host, kStopGrace);
}

Task<Json> Clean(Ports& ports, Performance performance) {
  MILL_CO_TRY(const JobHost host, HostOf(ports, performance.what, kProcessingJob));
  Batch batch;
  for (int i = 0; i < HostCount(host.job); ++i)
    MILL_CO_CHECK(co_await RemoveHost(host.asker, HostId(kProcessingJob, host.job, i), batch));
  MILL_CO_CHECK(co_await ports.store.Commit(std::move(batch)));
  co_return Json::Object{};
}

}  // namespace

void AddPerformers(Ports& ports) {
  RegisterPerformers(ports, {{"sagemaker.run", Run},
                             {"sagemaker.log", Log},
                             {"sagemaker.end", End},
                             {"sagemaker.stop", Stop},
                             {"sagemaker.clean", Clean}});
}

}  // namespace stepmill::sagemaker
