#include "service/glue/performers.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/strings.h"
#include "blob/blob_store.h"
#include "compute/backend.h"
#include "engine/engine.h"
#include "service/ask.h"
#include "service/glue/contract.h"
#include "service/log_pump.h"
#include "service/performer.h"
#include "service/sandbox_job.h"

namespace stepmill::glue {
namespace {

using Performance = Engine::Performance;

constexpr std::chrono::seconds kStopGrace{10};
constexpr size_t kMessageBytes = 2048;

Result<Asker> AskerOf(Ports& ports, const Json& what) {
  const std::string account = what.StringOr("account", "");
  MILL_TRY(Principal principal,
           RolePrincipal(RoleArn(what["job"], account), "GlueJobRunnerSession"));
  return Asker{ports, std::move(principal), account, what.StringOr("region", "")};
}

JobId JobOf(const Json& what) {
  return JobId{SandboxId(what.StringOr("account", ""), what.StringOr("region", ""),
                         what["run"].StringOr("Id", ""))};
}

Json Failure(const std::string& text) { return Json::Object{{"failure", text}}; }

/// As the script's own download says it.
std::string NotFetched(const Fetch& file, const Error& error) {
  const std::string name = "s3://" + file.bucket + "/" + file.key;
  if (error.name == "NoSuchKey" || error.name == "NoSuchBucket")
    return "An error occurred (404) when calling the HeadObject operation: Not Found: " + name;
  if (error.name == "AccessDenied" || error.name == "AccessDeniedException")
    return "An error occurred (403) when calling the HeadObject operation: Forbidden: " + name;
  return error.name + ": " + error.message + ": " + name;
}

/// Brings the files into blobs and names them in `spec`; why that failed, or "".
Task<std::string> FetchAll(Asker asker, std::vector<Fetch> files, JobSpec& spec,
                           std::vector<BlobId>& blobs) {
  for (const Fetch& file : files) {
    const Result<BlobInfo> blob = co_await FetchBlob(asker, file.bucket, file.key);
    if (!blob && blob.error().code == Code::kUnavailable) co_return blob.error();
    if (!blob) co_return NotFetched(file, blob.error());
    blobs.push_back(blob->id);
    JobInput input;
    input.kind = JobInput::Kind::kBlobFile;
    input.blob = blob->id;
    input.path = file.path;
    spec.inputs.push_back(std::move(input));
  }
  co_return std::string();
}

Task<Json> Begin(Ports& ports, Json what, std::vector<BlobId>& blobs) {
  MILL_CO_TRY(const Asker asker, AskerOf(ports, what));
  JobSpec spec = SandboxOf(what["job"], what["run"], asker.account, asker.region);
  MILL_CO_TRY(const std::vector<JobId> known, co_await ports.backend.List());
  if (std::find(known.begin(), known.end(), spec.id) != known.end()) {
    spec.inputs.clear();  // begun before a crash: all is staged
  } else {
    MILL_CO_CHECK(co_await ports.backend.AwaitRoom(spec));
    const Result<std::vector<Fetch>> files = FilesOf(what["job"], what["run"]);
    if (!files) co_return Failure(files.error().message);
    MILL_CO_TRY(const std::string missing, co_await FetchAll(asker, *files, spec, blobs));
    if (!missing.empty()) co_return Failure(missing);
  }
  MILL_CO_CHECK(co_await ports.backend.Start(std::move(spec)));
  co_return Json::Object{};
}

Task<Json> RunScript(Ports& ports, Performance performance) {
  std::vector<BlobId> blobs;
  const Result<Json> begun = co_await Begin(ports, performance.what, blobs);
  for (const BlobId& blob : blobs) MILL_CO_CHECK(co_await ports.blobs.Remove(blob));
  if (!begun) co_return FinalError(begun.error(), performance.attempt);
  co_return *begun;
}

Task<Json> CopyLog(Ports& ports, Json what, char mark) {
  MILL_CO_TRY(const Asker asker, AskerOf(ports, what));
  const Json& run = what["run"];
  const std::string group = run.StringOr("LogGroupName", "") + (mark == 'o' ? "/output" : "/error");
  const LogTarget target{group, run.StringOr("Id", "")};
  const JobId job = JobOf(what);
  LogPump pump;
  pump.id = job.value + (mark == 'o' ? "-out" : "-err");
  pump.job_id = job.value;
  pump.line = [mark](const std::string& line) {
    return MarkOf(line) == mark ? std::optional<std::string>(WithoutMark(line)) : std::nullopt;
  };
  MILL_CO_CHECK(co_await RunLogPump(asker, target, std::move(pump)));
  co_return Json::Object{};
}
Task<Json> CopyOutput(Ports& ports, Performance performance) {
  co_return co_await CopyLog(ports, performance.what, 'o');
}
Task<Json> CopyErrors(Ports& ports, Performance performance) {
  co_return co_await CopyLog(ports, performance.what, 'e');
}

/// What launch.py wrote down; the script may have put anything there.
std::string ReadReason(Ports& ports, const JobId& job) {
  const auto path = ports.backend.HostPath(job, kResultFile);
  std::error_code error;  // what cannot be looked at is no reason
  if (!path || !std::filesystem::is_regular_file(std::filesystem::symlink_status(*path, error)))
    return "";
  std::ifstream file(*path, std::ios::binary);
  std::string text(kMessageBytes, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  text = TruncateUtf8(text, kMessageBytes);
  return IsValidUtf8(text) ? text : "";
}

Task<Json> WaitForEnd(Ports& ports, Performance performance) {
  const JobId job = JobOf(performance.what);
  MILL_CO_TRY(const JobResult result, co_await ports.backend.Wait(job));
  if (!result.start_error.empty()) co_return Failure(result.start_error);
  if (result.is_out_of_memory) co_return Failure("Command failed due to out of memory");
  if (result.exit_code == 0) co_return Json::Object{};
  const std::string reason = ReadReason(ports, job);
  co_return Failure(reason.empty()
                        ? "Command failed with exit code " + std::to_string(result.exit_code)
                        : reason);
}

Task<Json> Stop(Ports& ports, Performance performance) {
  MILL_CO_CHECK(co_await StopSandbox(ports, JobOf(performance.what), kStopGrace));
  co_return Json::Object{};
}

Task<Json> Clean(Ports& ports, Performance performance) {
  const JobId job = JobOf(performance.what);
  MILL_CO_CHECK(co_await RemoveJob(ports, job));
  const Asker asker{ports, Principal{}, performance.what.StringOr("account", ""),
                    performance.what.StringOr("region", "")};
  Batch batch;
  for (const char* pump : {"-out", "-err"}) ForgetLogPump(asker, job.value + pump, batch);
  MILL_CO_CHECK(co_await ports.store.Commit(std::move(batch)));
  co_return Json::Object{};
}

}  // namespace

void AddPerformers(Ports& ports) {
  RegisterPerformers(ports, {{"glue.run", RunScript},
                             {"glue.out", CopyOutput},
                             {"glue.err", CopyErrors},
                             {"glue.end", WaitForEnd},
                             {"glue.stop", Stop},
                             {"glue.clean", Clean}});
}

}  // namespace stepmill::glue
