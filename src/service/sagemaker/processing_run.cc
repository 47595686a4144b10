#include "service/sagemaker/processing_run.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/strings.h"
#include "blob/blob_store.h"
#include "compute/backend.h"
#include "engine/engine.h"
#include "json/each.h"
#include "service/ask.h"
#include "service/log_pump.h"
#include "service/sagemaker/contract.h"
#include "service/sagemaker/errors.h"

namespace stepmill::sagemaker {

namespace {

namespace fs = std::filesystem;
using Performance = Engine::Performance;

constexpr std::chrono::seconds kStopGrace{120};
constexpr size_t kMessageBytes = 1024;
constexpr char kLogGroup[] = "/aws/sagemaker/ProcessingJobs";
constexpr uint64_t kManifestMax = 64ull << 20;

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

/// True for a failure that a later attempt may not meet: the engine performs again.
bool IsPassing(const Error& error) {
  return error.code == Code::kUnavailable || error.code == Code::kTimeout;
}

Json Failure(const std::string& text) { return Json::Object{{"failure", text}}; }

// ---- inputs

struct Object {
  std::string key;
  std::string path;  ///< absolute, inside
};

Task<std::vector<std::string>> ListKeys(Asker asker, S3Location where) {
  std::vector<std::string> keys;
  std::string token;
  do {
    Json::Object input{{"Bucket", where.bucket}, {"Prefix", where.key}};
    if (!token.empty()) input.Set("ContinuationToken", token);
    const Json asked = std::move(input);
    MILL_CO_TRY(const Json page, co_await AskService(asker, "s3", "ListObjectsV2", asked));
    for (const Json& object : ItemsOf(page["Contents"])) {
      const std::string key = object.StringOr("Key", "");
      if (!key.ends_with('/')) keys.push_back(key);  // what stands for a folder is no file
    }
    token = page.BoolOr("IsTruncated", false) ? page.StringOr("NextContinuationToken", "") : "";
  } while (!token.empty());
  co_return keys;
}

Task<BlobInfo> Download(Asker asker, std::string bucket, std::string key) {
  Request request;
  request.service = "s3";
  request.operation = "GetObject";
  request.principal = asker.principal;
  request.account = asker.account;
  request.region = asker.region;
  request.input = Json::Object{{"Bucket", bucket}, {"Key", key}};
  request.is_internal = true;  // as the product's own, like service/ask
  MILL_CO_TRY(Answer answer, co_await asker.ports.door.Ask(std::move(request)));
  if (!answer.body) answer.body = BytesSource("");
  co_return co_await CopyToBlob(asker.ports.blobs, *answer.body);
}

/// [{"prefix": "s3://BUCKET/FOLDER/"}, "a", "b"]: the keys, and where they lie.
Task<std::vector<Object>> ReadManifest(Asker asker, S3Location& where, std::string local) {
  MILL_CO_TRY(const BlobInfo blob, co_await Download(asker, where.bucket, where.key));
  const Result<std::string> text = co_await ReadBlob(asker.ports.blobs, blob.id, kManifestMax);
  MILL_CO_CHECK(co_await asker.ports.blobs.Remove(blob.id));
  if (!text) co_return text.error();
  MILL_CO_TRY(const Json manifest, ParseJson(*text));
  if (!manifest.is_array() || manifest.size() == 0 || !manifest.At(0)["prefix"].is_string())
    co_return Invalid("the manifest must be a list that begins with {\"prefix\": \"s3://...\"}");
  MILL_CO_TRY(where, ParseS3Uri(manifest.At(0).StringOr("prefix", "")));
  std::vector<Object> objects;
  for (size_t i = 1; i < manifest.size(); ++i) {
    if (!manifest.At(i).is_string()) co_return Invalid("the manifest must name keys");
    const std::string& rest = manifest.At(i).AsString();
    objects.push_back({where.key + rest, local + "/" + rest});
  }
  co_return objects;
}

/// What one input puts into one host. `where` is given the bucket.
Task<std::vector<Object>> FindObjects(Host host, Json s3, S3Location& where) {
  const std::string uri = s3.StringOr("S3Uri", "");
  std::string local = s3.StringOr("LocalPath", "");
  while (local.ends_with('/')) local.pop_back();
  MILL_CO_TRY(where, ParseS3Uri(uri));
  std::vector<Object> objects;
  if (s3.StringOr("S3DataType", "S3Prefix") == "ManifestFile") {
    MILL_CO_TRY(objects, co_await ReadManifest(host.asker, where, local));
  } else {
    const S3Location prefix = where;
    MILL_CO_TRY(const auto keys, co_await ListKeys(host.asker, prefix));
    for (const std::string& key : keys)
      objects.push_back({key, local + "/" + RelativeKey(prefix.key, key)});
  }
  if (objects.empty()) co_return Invalid("No S3 objects found under S3 URL \"" + uri + "\"");
  if (s3.StringOr("S3DataDistributionType", "FullyReplicated") == "ShardedByS3Key") {
    std::vector<Object> mine;
    const auto count = static_cast<size_t>(HostCount(host.job));
    for (size_t i = static_cast<size_t>(host.index); i < objects.size(); i += count)
      mine.push_back(objects[i]);
    objects = std::move(mine);
  }
  co_return objects;
}

/// Downloads all inputs into blobs and names them in `spec`. The blobs are only for the way: the
/// caller removes them.
Task<> AddInputs(Host host, JobSpec& spec, std::vector<BlobId>& blobs) {
  for (const Json& input : ItemsOf(host.job["ProcessingInputs"])) {
    const Json s3 = input["S3Input"];
    JobInput folder;
    folder.kind = JobInput::Kind::kFolder;
    folder.path = s3.StringOr("LocalPath", "");
    spec.inputs.push_back(folder);
    S3Location where;
    MILL_CO_TRY(const auto objects, co_await FindObjects(host, s3, where));
    for (const Object& object : objects) {
      MILL_CO_TRY(const BlobInfo blob, co_await Download(host.asker, where.bucket, object.key));
      blobs.push_back(blob.id);
      JobInput file;
      file.kind = JobInput::Kind::kBlobFile;
      file.blob = blob.id;
      file.path = object.path;
      spec.inputs.push_back(file);
    }
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

/// The regular files below `folder`, links not followed.
std::vector<std::string> FilesBelow(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;  // a folder that the job removed has no files
  for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
    if (entry.is_regular_file(error) && !entry.is_symlink(error)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Task<> Upload(Host host, std::string effect_id) {
  for (const Json& output : ItemsOf(host.job["ProcessingOutputConfig"]["Outputs"])) {
    const Json s3 = output["S3Output"];
    MILL_CO_TRY(S3Location where, ParseS3Uri(s3.StringOr("S3Uri", "")));
    if (!where.key.empty() && !where.key.ends_with('/')) where.key += '/';
    MILL_CO_TRY(const std::string folder,
                host.asker.ports.backend.HostPath(host.id, s3.StringOr("LocalPath", "")));
    for (const std::string& file : FilesBelow(folder)) {
      const std::string relative = file.substr(folder.size() + 1);
      // The store takes a file away: it gets a name of its own, so that a repeat finds it again.
      const std::string copy =
          host.asker.ports.data_dir + "/tmp/" + host.asker.ports.random.NewUuid();
      std::error_code error;
      fs::create_hard_link(file, copy, error);
      if (error) {
        error.clear();
        fs::copy_file(file, copy, error);
      }
      if (error) co_return Error{Code::kInternal, "FileError", file + ": " + error.message()};
      const std::string key = where.key + relative;
      const std::string id = effect_id + ":" + where.bucket + "/" + key;
      MILL_CO_TRY(const Json stored, co_await StoreObject(host.asker, copy, where.bucket, key,
                                                          "application/octet-stream", id));
    }
  }
  co_return Result<>();
}

std::string ReadMessage(Ports& ports, const JobId& id) {
  const auto path = ports.backend.HostPath(id, std::string(kMessageFolder) + "/message");
  std::error_code error;  // what cannot be looked at is no message
  if (!path || !fs::is_regular_file(fs::symlink_status(*path, error))) return "";
  std::ifstream file(*path, std::ios::binary);
  std::string text(kMessageBytes, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  text = TruncateUtf8(text, kMessageBytes);
  return IsValidUtf8(text) ? text : "";
}

std::string FailureOf(const JobResult& result, const Result<>& uploaded) {
  if (!result.start_error.empty()) {
    if (result.start_error.starts_with("image '")) {
      return "ClientError: Cannot pull algorithm container. Either the image does not exist or its "
             "permissions are incorrect: " +
             result.start_error;
    }
    return "ClientError: Cannot start the container: " + result.start_error;
  }
  if (result.exit_code != 0) {
    const std::string why = result.is_out_of_memory ? " (out of memory)" : "";
    return "AlgorithmError: See job logs for more information" + why +
           ", exit code: " + std::to_string(result.exit_code);
  }
  if (!uploaded) return "ClientError: Unable to upload outputs: " + uploaded.error().message;
  return "";
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
  if (result.start_error.empty()) output.Set("message", ReadMessage(ports, host.id));
  const std::string failure = FailureOf(result, uploaded);
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
