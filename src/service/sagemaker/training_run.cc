#include "service/sagemaker/training_run.h"

#include <set>

#include "archive/archive.h"
#include "base/log.h"
#include "base/strings.h"
#include "json/each.h"
#include "service/performer.h"
#include "service/sagemaker/checkpoints.h"
#include "service/sagemaker/errors.h"
#include "service/sagemaker/job_host.h"
#include "service/sagemaker/s3_data.h"
#include "service/sagemaker/training_contract.h"
#include "service/sagemaker/training_feed.h"
#include "service/sagemaker/training_publish.h"
#include "task/ports.h"

namespace stepmill::sagemaker {

namespace {

constexpr std::chrono::seconds kStopGrace{120};
constexpr size_t kFailureBytes = 1024;
constexpr char kLogGroup[] = "/aws/sagemaker/TrainingJobs";

JobId IdOf(const JobHost& host, size_t index) {
  return HostId(kTrainingJob, host.job, static_cast<int>(index));
}

// ---- run

Task<> AddChannels(JobHost host, JobSpec& spec, std::vector<BlobId>& blobs) {
  for (const Json& channel : ItemsOf(host.job["InputDataConfig"])) {
    if (!ShareOf(host.job, channel, host.index).is_in) continue;
    if (InputModeOf(host.job, channel) == "Pipe") {
      JobInput pipe;
      pipe.kind = JobInput::Kind::kPipe;
      pipe.path = PipePath(channel, 0);
      spec.inputs.push_back(pipe);
      continue;
    }
    const std::string path = "/opt/ml/input/data/" + channel.StringOr("ChannelName", "");
    spec.inputs.push_back(EmptyFolder(path));
    const DataSource source = ChannelSource(host.job, channel, host.index);
    MILL_CO_TRY(const auto objects, co_await FindObjects(host.asker, source));
    MILL_CO_CHECK(co_await AddObjects(host.asker, objects, path, spec, blobs));
  }
  co_return Result<>();
}

Task<> Stage(JobHost host, JobSpec& spec, std::vector<BlobId>& blobs) {
  MILL_CO_CHECK(co_await AddChannels(host, spec, blobs));
  const Checkpoints checkpoints = CheckpointsOf(host.job);
  if (checkpoints.s3_uri.empty()) co_return Result<>();
  const CheckpointPlace place{host.id, checkpoints.local_path, checkpoints.s3_uri};
  co_return co_await StageCheckpoints(host.asker, place, spec, blobs);
}

Task<Json> Run(Ports& ports, Performance performance) {
  MILL_CO_TRY(const JobHost host, HostOf(ports, performance.what, kTrainingJob));
  JobSpec spec = TrainingHostSpec(host.job, host.asker.account, host.asker.region, host.index);
  co_return co_await StartHost(host, std::move(spec), Stage, "ClientError: Data download failed:");
}

// ---- log

Task<Json> Log(Ports& ports, Performance performance) {
  MILL_CO_TRY(const JobHost host, HostOf(ports, performance.what, kTrainingJob));
  const std::string host_name = HostsOf(host.job)[static_cast<size_t>(host.index)].name;
  const LogTarget target{kLogGroup, LogStreamOf(host.job.StringOr("TrainingJobName", ""), host_name,
                                                performance.what)};
  MILL_CO_TRY(const std::shared_ptr<MetricPublisher> publisher,
              co_await OpenMetricPublisher(host.asker, host.id.value, host.job));
  LogPump pump = EscapingPump(host.id);
  pump.after = [publisher](std::string range_id, std::vector<std::string> lines) {
    return PublishMetrics(publisher, std::move(range_id), std::move(lines));
  };
  MILL_CO_CHECK(co_await RunLogPump(host.asker, target, std::move(pump)));
  co_return Json::Object{{"metrics", FoundMetrics(*publisher)}};
}

// ---- end

Task<Json> End(Ports& ports, Performance performance) {
  MILL_CO_TRY(const JobHost host, HostOf(ports, performance.what, kTrainingJob));
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
Result<std::vector<Archive::Entry>> Collect(const JobHost& host, const std::string& inside) {
  const bool is_packed = host.job["OutputDataConfig"].StringOr("CompressionType", "") != "NONE";
  std::vector<Archive::Entry> entries;
  std::set<std::string> seen;
  for (size_t i = 0; i < HostsOf(host.job).size(); ++i) {
    const auto folder = host.asker.ports.backend.HostPath(IdOf(host, i), inside);
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
Task<std::string> StoreArtifacts(JobHost host, std::vector<Archive::Entry> entries,
                                 std::string name, std::string effect_id) {
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

Task<Json> UploadAll(JobHost host, Json what, std::string effect_id) {
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

Task<> SyncAll(JobHost host, bool is_live, std::string effect_id) {
  const Checkpoints checkpoints = CheckpointsOf(host.job);
  if (checkpoints.s3_uri.empty()) co_return Result<>();
  for (size_t i = 0; i < HostsOf(host.job).size(); ++i) {
    const CheckpointPlace place{IdOf(host, i), checkpoints.local_path, checkpoints.s3_uri};
    const Result<> synced =
        co_await SyncCheckpoints(host.asker, place, is_live, effect_id + ":" + std::to_string(i));
    if (!synced && synced.error().code != Code::kNotFound) co_return synced;
  }
  co_return Result<>();
}

Task<Json> Upload(Ports& ports, Performance performance) {
  MILL_CO_TRY(const JobHost host, HostOf(ports, performance.what, kTrainingJob));
  const Result<> synced = co_await SyncAll(host, false, performance.effect_id);
  if (!synced && IsPassing(synced.error())) co_return synced.error();
  Result<Json> uploaded = co_await UploadAll(host, performance.what, performance.effect_id);
  if (uploaded && synced) co_return *uploaded;
  const Error error = uploaded ? synced.error() : uploaded.error();
  if (IsPassing(error)) co_return error;
  co_return Failure("ClientError: Artifact upload failed:" + error.message);
}

Task<Json> Sync(Ports& ports, Performance performance) {
  MILL_CO_TRY(const JobHost host, HostOf(ports, performance.what, kTrainingJob));
  const Result<> synced = co_await SyncAll(host, true, performance.effect_id);
  // The next round does it again, and the last one counts.
  if (!synced) MILL_LOG(kWarn, "checkpoints of " + host.id.value + ": " + synced.error().message);
  co_return Json::Object{};
}

// ---- stop, clean

Task<Json> Stop(Ports& ports, Performance performance) {
  MILL_CO_TRY(const JobHost host, HostOf(ports, performance.what, kTrainingJob));
  co_return co_await StopHost(host, kStopGrace);
}

Task<Json> Clean(Ports& ports, Performance performance) {
  MILL_CO_TRY(const JobHost host, HostOf(ports, performance.what, kTrainingJob));
  Batch batch;
  for (size_t i = 0; i < HostsOf(host.job).size(); ++i) {
    const JobId id = IdOf(host, i);
    MILL_CO_CHECK(co_await RemoveHost(host.asker, id, batch));
    ForgetMetrics(host.asker, id.value, batch);
    ForgetCheckpoints(host.asker, id, batch);
    ForgetPipes(host, id, batch);
  }
  MILL_CO_CHECK(co_await ports.store.Commit(std::move(batch)));
  co_return Json::Object{};
}

}  // namespace

void AddTrainingPerformers(Ports& ports) {
  RegisterPerformers(ports, {{"sagemaker.training.run", Run},
                             {"sagemaker.training.log", Log},
                             {"sagemaker.training.feed", FeedChannel},
                             {"sagemaker.training.end", End},
                             {"sagemaker.training.sync", Sync},
                             {"sagemaker.training.upload", Upload},
                             {"sagemaker.training.stop", Stop},
                             {"sagemaker.training.clean", Clean}});
}

}  // namespace stepmill::sagemaker
