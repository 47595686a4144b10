#include "service/sagemaker/training_run.h"

#include <algorithm>
#include <set>

#include "archive/archive.h"
#include "base/log.h"
#include "base/strings.h"
#include "blob/blob_store.h"
#include "compute/backend.h"
#include "engine/engine.h"
#include "json/each.h"
#include "service/ask.h"
#include "service/log_pump.h"
#include "service/sagemaker/checkpoints.h"
#include "service/sagemaker/errors.h"
#include "service/sagemaker/s3_data.h"
#include "service/sagemaker/training_contract.h"
#include "service/sagemaker/training_metrics.h"
#include "service/sagemaker/training_publish.h"
#include "task/ports.h"

namespace stepmill::sagemaker {

namespace {

using Performance = Engine::Performance;

constexpr std::chrono::seconds kStopGrace{120};
constexpr size_t kFailureBytes = 1024;
constexpr char kLogGroup[] = "/aws/sagemaker/TrainingJobs";

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
              job, index, JobId{TrainingJobId(job.StringOr("TrainingJobArn", ""), index)}};
}

Json Failure(const std::string& text) { return Json::Object{{"failure", text}}; }

JobId IdOf(const Host& host, int index) {
  return JobId{TrainingJobId(host.job.StringOr("TrainingJobArn", ""), index)};
}

// ---- run

Task<> AddChannels(Host host, JobSpec& spec, std::vector<BlobId>& blobs) {
  for (const Json& channel : ItemsOf(host.job["InputDataConfig"])) {
    const Share share = ShareOf(host.job, channel, host.index);
    if (!share.is_in) continue;
    const Json s3 = channel["DataSource"]["S3DataSource"];
    const std::string path = "/opt/ml/input/data/" + channel.StringOr("ChannelName", "");
    JobInput folder;
    folder.kind = JobInput::Kind::kFolder;
    folder.path = path;
    spec.inputs.push_back(folder);
    DataSource source;
    source.uri = s3.StringOr("S3Uri", "");
    source.type = s3.StringOr("S3DataType", "S3Prefix");
    source.is_sharded =
        s3.StringOr("S3DataDistributionType", "FullyReplicated") == "ShardedByS3Key";
    source.host = share.host;
    source.hosts = share.hosts;
    MILL_CO_TRY(const auto objects, co_await FindObjects(host.asker, source));
    MILL_CO_CHECK(co_await AddObjects(host.asker, objects, path, spec, blobs));
  }
  co_return Result<>();
}

Task<> Stage(Host host, JobSpec& spec, std::vector<BlobId>& blobs) {
  MILL_CO_CHECK(co_await AddChannels(host, spec, blobs));
  const Checkpoints checkpoints = CheckpointsOf(host.job);
  if (!checkpoints.s3_uri.empty()) {
    const CheckpointPlace place{host.id, checkpoints.local_path, checkpoints.s3_uri};
    MILL_CO_CHECK(co_await StageCheckpoints(host.asker, place, spec, blobs));
  }
  co_return co_await host.asker.ports.backend.Start(spec);
}

Task<Json> RunHost(Ports& ports, Performance performance) {
  MILL_CO_TRY(const Host host, HostOf(ports, performance.what));
  MILL_CO_TRY(const std::vector<JobId> jobs, co_await ports.backend.List());
  JobSpec spec = TrainingHostSpec(host.job, host.asker.account, host.asker.region, host.index);
  // Begun before a crash: its inputs are staged, and may be gone from the bucket by now.
  const bool has_begun = std::find(jobs.begin(), jobs.end(), host.id) != jobs.end();
  std::vector<BlobId> blobs;
  Result<> result;
  if (has_begun) {
    spec.inputs.clear();
    result = co_await ports.backend.Start(spec);
  } else {
    result = co_await Stage(host, spec, blobs);
  }
  for (const BlobId& blob : blobs) MILL_CO_CHECK(co_await ports.blobs.Remove(blob));
  if (result) co_return Json(Json::Object{});
  if (IsPassing(result.error())) co_return result.error();
  co_return Failure("ClientError: Data download failed:" + result.error().message);
}

// ---- log

Task<Json> LogHost(Ports& ports, Performance performance) {
  MILL_CO_TRY(const Host host, HostOf(ports, performance.what));
  const std::string name = host.job.StringOr("TrainingJobName", "");
  const LogTarget target{kLogGroup, name + "/" +
                                        HostsOf(host.job)[static_cast<size_t>(host.index)].name +
                                        "-" + std::to_string(performance.what.IntOr("epoch", 0))};
  MILL_CO_TRY(const std::shared_ptr<MetricPublisher> publisher,
              co_await OpenMetricPublisher(host.asker, host.id.value, host.job));
  LogPump pump;
  pump.id = host.id.value;
  pump.job_id = host.id.value;
  pump.line = [](const std::string& line) {
    return std::optional<std::string>(EscapeLogLine(line));
  };
  pump.after = [publisher](std::string range_id, std::vector<std::string> lines) {
    return PublishMetrics(publisher, std::move(range_id), std::move(lines));
  };
  MILL_CO_CHECK(co_await RunLogPump(host.asker, target, std::move(pump)));
  co_return Json::Object{{"metrics", FoundMetrics(*publisher)}};
}

// ---- end

Task<Json> EndHost(Ports& ports, Performance performance) {
  MILL_CO_TRY(const Host host, HostOf(ports, performance.what));
  MILL_CO_TRY(const JobResult result, co_await ports.backend.Wait(host.id));
  std::string detail;
  if (result.start_error.empty())
    detail = ReadJobText(ports, host.id, std::string(kOutputFolder) + "/failure", kFailureBytes);
  Json::Object output{{"image_digest", result.image_digest}};
  std::string failure = FailureOf(result, std::string(Trim(detail)));
  // The built-in algorithm's own way to say that the user's input is at fault.
  const std::string image = host.job["AlgorithmSpecification"].StringOr("TrainingImage", "");
  constexpr int kExitUserError = 2;
  constexpr std::string_view kAlgorithmError = "AlgorithmError: ";
  if (result.exit_code == kExitUserError && XgboostVersion(image, host.asker.account) &&
      failure.starts_with(kAlgorithmError))
    failure = "ClientError: " + failure.substr(kAlgorithmError.size());
  if (!failure.empty()) output.Set("failure", failure);
  co_return output;
}

// ---- artifacts

/// Everything below `inside` of all hosts, by relative path; of two the first host's counts.
Result<std::vector<Archive::Entry>> Collect(const Host& host, const std::string& inside) {
  const bool is_packed = host.job["OutputDataConfig"].StringOr("CompressionType", "") != "NONE";
  std::vector<Archive::Entry> entries;
  std::set<std::string> seen;
  for (size_t i = 0; i < HostsOf(host.job).size(); ++i) {
    const auto folder = host.asker.ports.backend.HostPath(IdOf(host, static_cast<int>(i)), inside);
    if (!folder) continue;  // a host that never started
    for (const std::string& file : FilesBelow(*folder, is_packed)) {
      const std::string path = file.substr(folder->size() + 1);
      if (seen.insert(path).second) entries.push_back({path, file});
    }
  }
  return entries;
}

/// `inside` of all hosts as one archive `name` + ".tar.gz", or as single objects below `name`.
/// Returns where.
Task<std::string> StoreArtifacts(Host host, std::vector<Archive::Entry> entries, std::string name,
                                 std::string effect_id) {
  const std::string uri = ArtifactFolder(host.job);
  MILL_CO_TRY(const S3Location folder, ParseS3Uri(uri));
  if (host.job["OutputDataConfig"].StringOr("CompressionType", "GZIP") == "NONE") {
    for (const Archive::Entry& entry : entries) {
      const S3Location where{folder.bucket, folder.key + name + "/" + entry.path};
      MILL_CO_CHECK(co_await UploadFile(host.asker, entry.file_path, where, false, effect_id));
    }
    co_return uri + name + "/";
  }
  Ports& ports = host.asker.ports;
  const std::string temporary = ports.data_dir + "/tmp/" + ports.random.NewUuid();
  MILL_CO_CHECK(co_await ports.archive.Pack(Archive::Format::kTarGz, entries, temporary));
  const std::string key = folder.key + name + ".tar.gz";
  MILL_CO_TRY(const Json stored, co_await StoreObject(host.asker, temporary, folder.bucket, key,
                                                      "application/x-tar", effect_id + ":" + key));
  co_return uri + name + ".tar.gz";
}

Task<Json> UploadAll(Host host, Json what, std::string effect_id) {
  Json::Object output;
  MILL_CO_TRY(const auto model, Collect(host, kModelFolder));
  // A job that failed leaves what there is.
  if (!model.empty() || !what.BoolOr("hasFailed", false)) {
    MILL_CO_TRY(const std::string stored, co_await StoreArtifacts(host, model, "model", effect_id));
    output.Set("model", stored);
  }
  MILL_CO_TRY(const auto data, Collect(host, kDataFolder));
  if (!data.empty()) {
    const bool is_plain = host.job["OutputDataConfig"].StringOr("CompressionType", "") == "NONE";
    const std::string name = is_plain ? "data" : "output";
    MILL_CO_TRY(const std::string ignored, co_await StoreArtifacts(host, data, name, effect_id));
  }
  co_return output;
}

Task<> SyncAll(Host host, bool is_live, std::string effect_id) {
  const Checkpoints checkpoints = CheckpointsOf(host.job);
  if (checkpoints.s3_uri.empty()) co_return Result<>();
  for (size_t i = 0; i < HostsOf(host.job).size(); ++i) {
    const CheckpointPlace place{IdOf(host, static_cast<int>(i)), checkpoints.local_path,
                                checkpoints.s3_uri};
    const Result<> synced =
        co_await SyncCheckpoints(host.asker, place, is_live, effect_id + ":" + std::to_string(i));
    if (!synced && synced.error().code != Code::kNotFound) co_return synced;
  }
  co_return Result<>();
}

Task<Json> Upload(Ports& ports, Performance performance) {
  MILL_CO_TRY(const Host host, HostOf(ports, performance.what));
  const Result<> synced = co_await SyncAll(host, false, performance.effect_id);
  if (!synced && IsPassing(synced.error())) co_return synced.error();
  Result<Json> uploaded = co_await UploadAll(host, performance.what, performance.effect_id);
  if (uploaded && synced) co_return *uploaded;
  const Error error = uploaded ? synced.error() : uploaded.error();
  if (IsPassing(error)) co_return error;
  co_return Failure("ClientError: Artifact upload failed:" + error.message);
}

Task<Json> Sync(Ports& ports, Performance performance) {
  MILL_CO_TRY(const Host host, HostOf(ports, performance.what));
  const Result<> synced = co_await SyncAll(host, true, performance.effect_id);
  // The next round does it again, and the last one counts.
  if (!synced) MILL_LOG(kWarn, "checkpoints of " + host.id.value + ": " + synced.error().message);
  co_return Json::Object{};
}

// ---- stop, clean

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
  for (size_t i = 0; i < HostsOf(host.job).size(); ++i) {
    const JobId id = IdOf(host, static_cast<int>(i));
    const Result<> removed = co_await ports.backend.Remove(id);
    if (!removed && removed.error().code != Code::kNotFound) co_return removed.error();
    ForgetLogPump(host.asker, id.value, batch);
    ForgetMetrics(host.asker, id.value, batch);
    ForgetCheckpoints(host.asker, id, batch);
  }
  MILL_CO_CHECK(co_await ports.store.Commit(std::move(batch)));
  co_return Json::Object{};
}

}  // namespace

void AddTrainingPerformers(Ports& ports) {
  const auto add = [&](const char* name, Task<Json> (*perform)(Ports&, Performance)) {
    ports.engine.AddPerformer(name, [&ports, perform](Performance performance) {
      return perform(ports, std::move(performance));
    });
  };
  add("sagemaker.training.run", RunHost);
  add("sagemaker.training.log", LogHost);
  add("sagemaker.training.end", EndHost);
  add("sagemaker.training.sync", Sync);
  add("sagemaker.training.upload", Upload);
  add("sagemaker.training.stop", StopHost);
  add("sagemaker.training.clean", Clean);
}

}  // namespace stepmill::sagemaker
