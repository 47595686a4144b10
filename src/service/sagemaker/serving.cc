#include "service/sagemaker/serving.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "archive/archive.h"
#include "blob/blob_store.h"
#include "service/sagemaker/errors.h"
#include "service/sagemaker/job_host.h"
#include "service/sagemaker/s3_data.h"
#include "service/sagemaker/training_contract.h"
#include "task/ports.h"

namespace stepmill::sagemaker {

namespace {

constexpr std::chrono::minutes kPingMax{4};
constexpr std::chrono::seconds kPingTimeout{2};
constexpr std::chrono::milliseconds kPingPause{250};

Task<> Watch(Ports& ports, JobId id, std::shared_ptr<EndWatch> watch) {
  // Also when it cannot be waited for any more: it was removed.
  (void)co_await ports.backend.Wait(id);
  watch->is_over = true;
  co_return Result<>();
}

/// That a model archive is one.
Task<> CheckArchive(Asker asker, BlobId blob, std::string uri) {
  Ports& ports = asker.ports;
  const std::string path = ports.data_dir + "/tmp/" + ports.random.NewUuid();
  MILL_CO_CHECK(co_await ports.blobs.Export(blob, path));
  // A member that no archive has: reading on to the end shows whether it can be read.
  const auto read = co_await ports.archive.ReadEntry(path, "none.stepmill", 0);
  std::error_code error;  // a temporary file: what stays is removed at the next start
  std::filesystem::remove(path, error);
  if (read || read.error().code == Code::kNotFound) co_return Result<>();
  co_return Invalid("Failed to extract model data archive from URL \"" + uri +
                    "\". Please ensure that the object located at the URL is a valid tar.gz "
                    "archive.");
}

/// The model's artifacts below /opt/ml/model.
Task<> AddModel(Asker asker, Json container, JobSpec& spec, std::vector<BlobId>& blobs) {
  const std::string uri = ModelDataOf(container);
  spec.inputs.push_back(EmptyFolder(kModelFolder));
  if (uri.empty()) co_return Result<>();
  MILL_CO_TRY(const S3Location where, ParseS3Uri(uri));
  const Json& source = container["ModelDataSource"]["S3DataSource"];
  if (source.StringOr("CompressionType", "Gzip") == "None") {
    DataSource data;
    data.uri = uri;
    MILL_CO_TRY(const auto objects, co_await FindObjects(asker, data));
    co_return co_await AddObjects(asker, objects, kModelFolder, spec, blobs);
  }
  MILL_CO_TRY(const BlobInfo blob, co_await FetchBlob(asker, where.bucket, where.key));
  blobs.push_back(blob.id);
  MILL_CO_CHECK(co_await CheckArchive(asker, blob.id, uri));
  JobInput archive;
  archive.kind = JobInput::Kind::kBlobArchive;
  archive.path = kModelFolder;
  archive.blob = blob.id;
  spec.inputs.push_back(archive);
  co_return Result<>();
}

Task<> Begin(Asker asker, Json model, JobSpec& spec, std::vector<BlobId>& blobs) {
  const Result<> added = co_await AddModel(asker, ContainerOf(model), spec, blobs);
  if (!added) {
    if (IsPassing(added.error())) co_return added;
    const std::string message = added.error().message;
    co_return Error{Code::kInvalid, "ModelDataError",
                    message.starts_with("Failed to")
                        ? message
                        : "Failed to download model data from URL \"" +
                              ModelDataOf(ContainerOf(model)) + "\": " + message};
  }
  co_return co_await asker.ports.backend.Start(spec);
}

}  // namespace

namespace {
/// Of the loop thread.
std::map<std::string, int>& Flights() {
  static std::map<std::string, int> counts;
  return counts;
}
}  // namespace

Flight::Flight(const JobId& id) : id_(id.value) { ++Flights()[id_]; }
Flight::~Flight() {
  if (--Flights()[id_] == 0) Flights().erase(id_);
}
int Flight::CountOf(const JobId& id) {
  const auto found = Flights().find(id.value);
  return found == Flights().end() ? 0 : found->second;
}

Result<> CheckModelRequest(const Json& request) {
  if (request["Containers"].size() > 1)
    return Invalid("Containers: inference pipelines of several containers are not available here");
  if (request.Has("PrimaryContainer") == (request["Containers"].size() > 0))
    return Invalid("Either PrimaryContainer or Containers must be specified");
  const Json container = ContainerOf(request);
  if (!container.Has("Image")) return Invalid("Image of the container must be specified");
  if (container.StringOr("Mode", "SingleModel") != "SingleModel")
    return Invalid("Mode MultiModel is not available here");
  if (!request.Has("ExecutionRoleArn")) return Invalid("ExecutionRoleArn must be specified");
  const std::string uri = ModelDataOf(container);
  if (uri.empty()) return {};
  MILL_TRY(const S3Location ignored, ParseS3Uri(uri));
  return {};
}

Json ContainerOf(const Json& model) {
  if (model.Has("PrimaryContainer")) return model["PrimaryContainer"];
  return model["Containers"].size() > 0 ? model["Containers"].At(0) : Json(Json::Object{});
}

std::string ModelDataOf(const Json& container) {
  return container.StringOr("ModelDataUrl",
                            container["ModelDataSource"]["S3DataSource"].StringOr("S3Uri", ""));
}

JobSpec ServingSpec(const Json& model, const JobId& id, const std::string& instance_type,
                    const std::string& account, const std::string& region) {
  const Json container = ContainerOf(model);
  JobSpec spec;
  spec.id = id;
  spec.image = container.StringOr("Image", "");
  spec.arguments = {"serve"};
  AddEnvironment(spec, container["Environment"]);
  SetMachine(spec, instance_type, model.BoolOr("EnableNetworkIsolation", false));
  SetIdentity(spec, model.StringOr("ExecutionRoleArn", ""), account, region);
  spec.ports = {kServingPort};
  if (const auto version = XgboostVersion(spec.image, account)) RunXgboost(spec, "serve", *version);
  return spec;
}

Task<> StartServing(Asker asker, Json model, JobSpec spec) {
  MILL_CO_TRY(const std::vector<JobId> jobs, co_await asker.ports.backend.List());
  // Begun before a crash: its model is staged.
  if (std::find(jobs.begin(), jobs.end(), spec.id) != jobs.end())
    co_return co_await asker.ports.backend.Start(spec);
  MILL_CO_CHECK(co_await asker.ports.backend.AwaitRoom(spec));
  std::vector<BlobId> blobs;
  const Result<> result = co_await Begin(asker, model, spec, blobs);
  for (const BlobId& blob : blobs) MILL_CO_CHECK(co_await asker.ports.blobs.Remove(blob));
  co_return result;
}

std::shared_ptr<EndWatch> WatchEnd(Ports& ports, JobId id) {
  // Shared: the one who asked may be done before the container is.
  auto watch = std::make_shared<EndWatch>();
  ports.spawner.Spawn("end of " + id.value, Watch(ports, id, watch));
  return watch;
}

Task<bool> WaitForPing(Ports& ports, JobId id, std::shared_ptr<EndWatch> watch) {
  const Time until = ports.clock.Now() + kPingMax;
  while (!watch->is_over && ports.clock.Now() < until) {
    JobRequest ping;
    ping.port = kServingPort;
    ping.target = "/ping";
    ping.timeout = kPingTimeout;
    const auto answer = co_await ports.backend.Exchange(id, std::move(ping));
    if (answer && answer->status == 200) co_return true;
    MILL_CO_CHECK(co_await ports.clock.SleepUntil(ports.clock.Now() + kPingPause));
  }
  co_return false;
}

}  // namespace stepmill::sagemaker
