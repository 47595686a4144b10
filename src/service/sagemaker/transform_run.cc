#include "service/sagemaker/transform_run.h"

#include <fstream>

#include "blob/blob_store.h"
#include "service/performer.h"
#include "service/sagemaker/errors.h"
#include "service/sagemaker/job_host.h"
#include "service/sagemaker/s3_data.h"
#include "service/sagemaker/serving.h"
#include "service/sagemaker/transform_contract.h"
#include "task/ports.h"

namespace stepmill::sagemaker {

namespace {

constexpr std::chrono::seconds kStopGrace{30};
constexpr char kLogGroup[] = "/aws/sagemaker/TransformJobs";
constexpr uint64_t kObjectMax = 1ull << 30;
constexpr int64_t kInvocationSeconds = 600;  ///< AWS's default of InvocationsTimeoutInSeconds

struct Host : JobHost {
  const Json model;
  int count;
  std::string stream;
};

Result<Host> HostOf(Ports& ports, const Json& what) {
  const Json& job = what["job"];
  MILL_TRY(const JobHost host, sagemaker::HostOf(ports, what, kTransformJob));
  return Host{host, what["model"],
              static_cast<int>(job["TransformResources"].IntOr("InstanceCount", 1)),
              LogStreamOf(job.StringOr("TransformJobName", ""),
                          "algo-" + std::to_string(host.index + 1), what)};
}

Json Done() { return Json::Object{}; }

// ---- run, log

JobSpec SpecOf(const Host& host) {
  const Json& job = host.job;
  JobSpec spec =
      ServingSpec(host.model, host.id, job["TransformResources"].StringOr("InstanceType", ""),
                  host.asker.account, host.asker.region);
  spec.line = JobSpec::Line::kJobs;
  AddEnvironment(spec, job["Environment"]);
  spec.env["SAGEMAKER_BATCH"] = "true";
  spec.env["SAGEMAKER_MAX_PAYLOAD_IN_MB"] = std::to_string(job.IntOr("MaxPayloadInMB", 6));
  const bool is_single = job.StringOr("BatchStrategy", "MultiRecord") == "SingleRecord";
  spec.env["SAGEMAKER_BATCH_STRATEGY"] = is_single ? "SINGLE_RECORD" : "MULTI_RECORD";
  spec.env["SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"] =
      std::to_string(job.IntOr("MaxConcurrentTransforms", 1));
  // The built-in container takes what the job may send.
  spec.env.emplace("MAX_CONTENT_LENGTH", std::to_string(PayloadMax(job)));
  return spec;
}

Task<Json> Run(Ports& ports, Performance performance) {
  MILL_CO_TRY(const Host host, HostOf(ports, performance.what));
  const Result<> started = co_await StartServing(host.asker, host.model, SpecOf(host));
  if (started) co_return Done();
  if (IsPassing(started.error())) co_return started.error();
  co_return Failure("ClientError: " + started.error().message);
}

Task<Json> Log(Ports& ports, Performance performance) {
  MILL_CO_TRY(const Host host, HostOf(ports, performance.what));
  const LogTarget target{kLogGroup, host.stream};
  MILL_CO_CHECK(co_await RunLogPump(host.asker, target, EscapingPump(host.id)));
  co_return Done();
}

// ---- work

/// A line of the data log, as AWS writes one for each object that went wrong.
Task<> TellOfData(Host host, DataObject object, std::string what, std::string effect_id) {
  const LogTarget target{kLogGroup, host.stream + "/data-log"};
  std::vector<std::string> lines{object.bucket + "/" + object.key + ": " + what};
  co_return co_await PutLogLines(host.asker, target, std::move(lines), effect_id + ":data-log");
}

Task<JobAnswer> Invoke(Host host, std::string body) {
  JobRequest request;
  request.port = kServingPort;
  request.method = "POST";
  request.target = "/invocations";
  const std::string type = host.job["TransformInput"].StringOr("ContentType", "");
  const std::string accept = host.job["TransformOutput"].StringOr("Accept", "");
  if (!type.empty()) request.headers["Content-Type"] = type;
  if (!accept.empty()) request.headers["Accept"] = accept;
  request.body = std::move(body);
  request.timeout = std::chrono::seconds(
      host.job["ModelClientConfig"].IntOr("InvocationsTimeoutInSeconds", kInvocationSeconds));
  co_return co_await host.asker.ports.backend.Exchange(host.id, std::move(request));
}

Task<> PutText(Host host, std::string text, S3Location where, std::string effect_id) {
  const std::string path = host.asker.ports.data_dir + "/tmp/" + host.asker.ports.random.NewUuid();
  std::ofstream(path, std::ios::binary) << text;
  const std::string id = effect_id + ":" + where.key;
  MILL_CO_TRY(const Json stored, co_await StoreObject(host.asker, path, where.bucket, where.key,
                                                      "application/octet-stream", id));
  co_return Result<>();
}

/// One object. The text is why the job fails; empty: it went well.
Task<std::string> WorkOn(Host host, DataObject object, std::string effect_id) {
  MILL_CO_TRY(const BlobInfo blob, co_await FetchBlob(host.asker, object.bucket, object.key));
  const Result<std::string> text = co_await ReadBlob(host.asker.ports.blobs, blob.id, kObjectMax);
  MILL_CO_CHECK(co_await host.asker.ports.blobs.Remove(blob.id));
  if (!text) co_return text.error();
  const auto pieces = CutRecords(host.job, *text);
  if (!pieces) {
    MILL_CO_CHECK(
        co_await TellOfData(host, object, "ClientError: " + pieces.error().message, effect_id));
    co_return std::string("ClientError: ") + pieces.error().message;
  }
  std::vector<std::string> answers;
  for (const std::string& piece : *pieces) {
    const auto asked = FilterInput(host.job, piece);
    if (!asked) co_return "ClientError: " + asked.error().message;
    const auto answer = co_await Invoke(host, *asked);
    if (!answer) {
      MILL_CO_CHECK(co_await TellOfData(host, object, answer.error().message, effect_id));
      co_return std::string("AlgorithmError: See job logs for more information");
    }
    if (answer->status != 200 && answer->status != 204) {
      const std::string what =
          "Bad HTTP status received from algorithm: " + std::to_string(answer->status) +
          "\n\nMessage:\n" + answer->body;
      MILL_CO_CHECK(co_await TellOfData(host, object, what, effect_id));
      co_return std::string("AlgorithmError: See job logs for more information");
    }
    auto shown = FilterOutput(host.job, piece, answer->body);
    if (!shown) co_return "ClientError: " + shown.error().message;
    answers.push_back(*std::move(shown));
  }
  const std::string out = host.job["TransformOutput"].StringOr("S3OutputPath", "");
  MILL_CO_TRY(S3Location where, ParseS3Uri(out));
  if (!where.key.empty() && !where.key.ends_with('/')) where.key += '/';
  where.key += object.path + ".out";
  MILL_CO_CHECK(co_await PutText(host, Assemble(host.job, answers), where, effect_id));
  co_return std::string();
}

Task<Json> Work(Ports& ports, Performance performance) {
  MILL_CO_TRY(const Host host, HostOf(ports, performance.what));
  const auto watch = WatchEnd(ports, host.id);
  MILL_CO_TRY(const bool is_up, co_await WaitForPing(ports, host.id, watch));
  if (!is_up) {
    if (!watch->is_over)
      co_return Failure("AlgorithmError: The container did not pass the ping health check");
    MILL_CO_TRY(const JobResult result, co_await ports.backend.Wait(host.id));
    const std::string why = FailureOf(result, "");
    co_return Failure(why.empty() ? "AlgorithmError: See job logs for more information" : why);
  }
  const Json source = host.job["TransformInput"]["DataSource"]["S3DataSource"];
  DataSource data = DataSourceOf(source, host.index, host.count);
  data.is_sharded = host.count > 1;
  const auto objects = co_await FindObjects(host.asker, data);
  if (!objects) {
    if (IsPassing(objects.error())) co_return objects.error();
    co_return Failure("ClientError: " + objects.error().message);
  }
  for (const DataObject& object : *objects) {
    const auto worked = co_await WorkOn(host, object, performance.effect_id);
    if (!worked && IsPassing(worked.error())) co_return worked.error();
    if (!worked) co_return Failure("ClientError: " + worked.error().message);
    if (!worked->empty()) co_return Failure(*worked);
  }
  co_return Done();
}

// ---- stop, clean

Task<Json> Stop(Ports& ports, Performance performance) {
  MILL_CO_TRY(const Host host, HostOf(ports, performance.what));
  co_return co_await StopHost(host, kStopGrace);
}

Task<Json> Clean(Ports& ports, Performance performance) {
  MILL_CO_TRY(const Host host, HostOf(ports, performance.what));
  Batch batch;
  for (int i = 0; i < host.count; ++i)
    MILL_CO_CHECK(co_await RemoveHost(host.asker, HostId(kTransformJob, host.job, i), batch));
  MILL_CO_CHECK(co_await ports.store.Commit(std::move(batch)));
  co_return Done();
}

}  // namespace

void AddTransformPerformers(Ports& ports) {
  RegisterPerformers(ports, {{"sagemaker.transform.run", Run},
                             {"sagemaker.transform.log", Log},
                             {"sagemaker.transform.work", Work},
                             {"sagemaker.transform.stop", Stop},
                             {"sagemaker.transform.clean", Clean}});
}

}  // namespace stepmill::sagemaker
