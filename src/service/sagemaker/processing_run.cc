#include "service/sagemaker/processing_run.h"

#include <algorithm>

#include "base/strings.h"
#include "blob/blob_store.h"
#include "compute/backend.h"
#include "engine/engine.h"
#include "json/each.h"
#include "service/ask.h"
#include "service/log_pump.h"
#include "service/sagemaker/contract.h"
#include "service/sagemaker/s3_data.h"

namespace stepmill::sagemaker {

namespace {

using Performance = Engine::Performance;

constexpr std::chrono::seconds kStopGrace{120};
constexpr size_t kMessageBytes = 1024;
constexpr char kLogGroup[] = "/aws/sagemaker/ProcessingJobs";

struct Host {
  Asker asker;
  const Json job;
  int index;
  JobId id;
};

Result<Host> HostOf(Ports& ports, const Json& what) {
  const Json& job = what["job"];
  MILL_TRY(const Principal principal, RolePrincipal(job.StringOr("RoleArn", ""), "SageMaker"));
  const auto index = static_cast<int>(what.IntOr("host", 0));
  return Host{Asker{ports, principal, what.StringOr("account", ""), what.StringOr("region", "")},
              job, index, JobId{HostJobId(job.StringOr("ProcessingJobArn", ""), index)}};
}

Json Failure(const std::string& text) { return Json::Object{{"failure", text}}; }

/// Downloads all inputs into blobs and names them in `spec`. The blobs are only for the way: the
/// caller removes them.
Task<> AddInputs(Host host, JobSpec& spec, std::vector<BlobId>& blobs) {
  for (const Json& input : ItemsOf(host.job["ProcessingInputs"])) {
    const Json s3 = input["S3Input"];
    const std::string local = s3.StringOr("LocalPath", "");
    JobInput folder;
    folder.kind = JobInput::Kind::kFolder;
    folder.path = local;
    spec.inputs.push_back(folder);
    DataSource source;
    source.uri = s3.StringOr("S3Uri", "");
    source.type = s3.StringOr("S3DataType", "S3Prefix");
    source.is_sharded =
        s3.StringOr("S3DataDistributionType", "FullyReplicated") == "ShardedByS3Key";
    source.host = host.index;
    source.hosts = HostCount(host.job);
    MILL_CO_TRY(const auto objects, co_await FindObjects(host.asker, source));
    MILL_CO_CHECK(co_await AddObjects(host.asker, objects, local, spec, blobs));
  }
  co_return Result<>();
}

Task<> Stage(Host host, JobSpec& spec, std::vector<BlobId>& blobs) {
  MILL_CO_CHECK(co_await AddInputs(host, spec, blobs));
  co_return co_await host.asker.ports.backend.Start(spec);
}

Task<Json> RunHost(Ports& ports, Performance performance) {
  MILL_CO_TRY(const Host host, HostOf(ports, performance.what));
  const Json started = Json::Object{};
  MILL_CO_TRY(const std::vector<JobId> jobs, co_await ports.backend.List());
  JobSpec spec = HostSpec(host.job, host.asker.account, host.asker.region, host.index);
  // Begun before a crash: its inputs are staged, and may be gone from the bucket by now.
  if (std::find(jobs.begin(), jobs.end(), host.id) != jobs.end()) spec.inputs.clear();
  std::vector<BlobId> blobs;
  Result<> result;
  if (spec.inputs.empty())
    result = co_await ports.backend.Start(spec);
  else
    result = co_await Stage(host, spec, blobs);
  for (const BlobId& blob : blobs) MILL_CO_CHECK(co_await ports.blobs.Remove(blob));
  if (result) co_return started;
  if (IsPassing(result.error())) co_return result.error();
  co_return Failure("ClientError: " + result.error().message);
}

// ---- log, end

Task<Json> LogHost(Ports& ports, Performance performance) {
  MILL_CO_TRY(const Host host, HostOf(ports, performance.what));
  const std::string name = host.job.StringOr("ProcessingJobName", "");
  const LogTarget target{kLogGroup, name + "/" + HostName(host.index) + "-" +
                                        std::to_string(performance.what.IntOr("epoch", 0))};
  LogPump pump;
  pump.id = host.id.value;
  pump.job_id = host.id.value;
  pump.line = [](const std::string& line) { return std::optional<std::string>(line); };
  MILL_CO_CHECK(co_await RunLogPump(host.asker, target, std::move(pump)));
  co_return Json::Object{};
}

Task<> Upload(Host host, std::string effect_id) {
  for (const Json& output : ItemsOf(host.job["ProcessingOutputConfig"]["Outputs"])) {
    const Json s3 = output["S3Output"];
    MILL_CO_TRY(const S3Location where, ParseS3Uri(s3.StringOr("S3Uri", "")));
    MILL_CO_TRY(const std::string folder,
                host.asker.ports.backend.HostPath(host.id, s3.StringOr("LocalPath", "")));
    MILL_CO_CHECK(co_await UploadFolder(host.asker, folder, where, false, effect_id));
  }
  co_return Result<>();
}

Task<Json> EndHost(Ports& ports, Performance performance) {
  MILL_CO_TRY(const Host host, HostOf(ports, performance.what));
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

Task<Json> StopHost(Ports& ports, Performance performance) {
  MILL_CO_TRY(const Host host, HostOf(ports, performance.what));
  const Result<> stopped = co_await ports.backend.Stop(host.id, kStopGrace);
  // One that has not begun yet has nothing to stop; it is told again when it has.
  if (!stopped && stopped.error().code != Code::kNotFound) co_return stopped.error();
  co_return Json::Object{};
}

Task<Json> Clean(Ports& ports, Performance performance) {
  MILL_CO_TRY(const Host host, HostOf(ports, performance.what));
  Batch batch;
  for (int i = 0; i < HostCount(host.job); ++i) {
    const JobId id{HostJobId(host.job.StringOr("ProcessingJobArn", ""), i)};
    const Result<> removed = co_await ports.backend.Remove(id);
    if (!removed && removed.error().code != Code::kNotFound) co_return removed.error();
    ForgetLogPump(host.asker, id.value, batch);
  }
  MILL_CO_CHECK(co_await ports.store.Commit(std::move(batch)));
  co_return Json::Object{};
}

}  // namespace

void AddPerformers(Ports& ports) {
  const auto add = [&](const char* name, Task<Json> (*perform)(Ports&, Performance)) {
    ports.engine.AddPerformer(name, [&ports, perform](Performance performance) {
      return perform(ports, std::move(performance));
    });
  };
  add("sagemaker.run", RunHost);
  add("sagemaker.log", LogHost);
  add("sagemaker.end", EndHost);
  add("sagemaker.stop", StopHost);
  add("sagemaker.clean", Clean);
}

}  // namespace stepmill::sagemaker
