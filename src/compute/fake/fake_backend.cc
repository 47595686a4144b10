#include "compute/fake/fake_backend.h"

#include <algorithm>

#include "io/files.h"

namespace stepmill {

namespace {
constexpr int kExitTerminated = 143;
constexpr size_t kChunkMax = 256 * 1024;

Error NeverStarted(const JobId& id) {
  return Error{Code::kNotFound, "JobNotFound", "no job '" + id.value + "' was started"};
}
}  // namespace

struct FakeBackend::Job {
  JobSpec spec;
  std::string log;
  std::optional<JobResult> result;
  std::map<int64_t, StepResult> steps;
  std::shared_ptr<Signal> changed = std::make_shared<Signal>();

  void Changed() {
    const auto signal = changed;
    changed = std::make_shared<Signal>();
    signal->Set();
  }
  void Finish(JobResult with) {
    if (!result) result = std::move(with);
    Changed();
  }
};

FakeBackend::FakeBackend(std::string folder, Program program, StepProgram steps)
    : folder_(std::move(folder)), program_(std::move(program)), steps_(std::move(steps)) {}
FakeBackend::~FakeBackend() = default;

std::shared_ptr<FakeBackend::Job> FakeBackend::Find(const JobId& id) const {
  const auto found = jobs_.find(id);
  return found == jobs_.end() ? nullptr : found->second;
}

void FakeBackend::End(const JobId& id, int exit_code) {
  JobResult result;
  result.exit_code = exit_code;
  if (const auto job = Find(id)) job->Finish(result);
}

int FakeBackend::StartCount(const JobId& id) const {
  const auto found = start_counts_.find(id);
  return found == start_counts_.end() ? 0 : found->second;
}

const JobSpec* FakeBackend::FindSpec(const JobId& id) const {
  const auto job = Find(id);
  return job ? &job->spec : nullptr;
}

Result<> FakeBackend::WriteFiles(const Job& job, const FakeRun& run) const {
  for (const auto& [path, text] : run.files) {
    const std::string host = folder_ + "/" + job.spec.id.value + path;
    MILL_CHECK(io::MakeFolders(host.substr(0, host.rfind('/'))));
    MILL_CHECK(io::WriteFile(host, text, false));
  }
  return {};
}

Task<> FakeBackend::Start(JobSpec spec) {
  const JobId id = spec.id;
  if (Find(id)) co_return Result<>();
  const auto job = std::make_shared<Job>();
  job->spec = std::move(spec);
  jobs_[id] = job;
  ++start_counts_[id];
  for (const std::string& path : job->spec.output_paths)
    MILL_CO_CHECK(io::MakeFolders(folder_ + "/" + id.value + path));
  if (job->spec.is_stepped) co_return Result<>();
  FakeRun run = program_(job->spec);
  job->log = run.output;
  MILL_CO_CHECK(WriteFiles(*job, run));
  if (run.is_endless) co_return Result<>();
  JobResult result;
  result.exit_code = run.exit_code;
  result.start_error = run.start_error;
  job->Finish(result);
  co_return Result<>();
}

Task<JobResult> FakeBackend::Wait(JobId id) {
  const auto job = Find(id);
  if (!job) co_return NeverStarted(id);
  while (!job->result) {
    const auto changed = job->changed;
    MILL_CO_CHECK(co_await changed->Wait());
  }
  co_return *job->result;
}

Task<LogChunk> FakeBackend::ReadLog(JobId id, uint64_t offset_bytes) {
  const auto job = Find(id);
  if (!job) co_return NeverStarted(id);
  while (!job->result && job->log.size() <= offset_bytes) {
    const auto changed = job->changed;
    MILL_CO_CHECK(co_await changed->Wait());
  }
  LogChunk chunk;
  chunk.offset = offset_bytes;
  if (job->log.size() > offset_bytes) chunk.bytes = job->log.substr(offset_bytes, kChunkMax);
  chunk.is_end = chunk.bytes.empty();
  co_return chunk;
}

Task<StepResult> FakeBackend::RunStep(JobId id, StepSpec step) {
  const auto job = Find(id);
  if (!job) co_return NeverStarted(id);
  if (const auto known = job->steps.find(step.sequence); known != job->steps.end())
    co_return known->second;
  if (job->result) {
    co_return Error{
        Code::kConflict, "JobEnded",
        "job " + id.value + " ended before its step " + std::to_string(step.sequence) + " did"};
  }
  FakeRun run = steps_(job->spec, step);
  MILL_CO_CHECK(WriteFiles(*job, run));
  job->log += run.output;
  StepResult result;
  result.exit_code = run.exit_code;
  result.log_end = job->log.size();
  job->steps[step.sequence] = result;
  job->Changed();
  co_return result;
}

Result<std::string> FakeBackend::HostPath(JobId id, std::string path) {
  const auto job = Find(id);
  if (!job) return NeverStarted(id);
  std::vector<std::string> folders = job->spec.output_paths;
  for (const JobInput& input : job->spec.inputs) folders.push_back(input.path);
  const bool is_inside = std::any_of(folders.begin(), folders.end(), [&](const auto& folder) {
    return path == folder || path.starts_with(folder + "/");
  });
  if (is_inside) return folder_ + "/" + id.value + path;
  return Error{Code::kNotFound, "InvalidJobPath",
               path + " is in no input or output folder of job " + id.value};
}

Task<JobAnswer> FakeBackend::Exchange(JobId id, JobRequest request) {
  const auto job = Find(id);
  if (!job) co_return NeverStarted(id);
  if (!server_ || job->result)
    co_return Error{Code::kUnavailable, "ConnectFailed", "nobody listens in job " + id.value};
  co_return server_(job->spec, request);
}

Task<> FakeBackend::MakePipe(JobId id, std::string) {
  co_return Find(id) ? Result<>() : Result<>(NeverStarted(id));
}

Task<PipeEnd> FakeBackend::FeedPipe(JobId id, std::string path, PipeOpener open) {
  const auto job = Find(id);
  if (!job) co_return NeverStarted(id);
  const auto wanted = pipe_reader_ ? pipe_reader_(job->spec, path) : std::nullopt;
  while (!wanted && !job->result) {
    const auto changed = job->changed;
    MILL_CO_CHECK(co_await changed->Wait());
  }
  if (job->result) co_return PipeEnd::kJobEnded;
  MILL_CO_TRY(const std::unique_ptr<ByteSource> source, co_await open());
  std::string& text = pipes[id.value + path];
  while (text.size() < *wanted) {
    MILL_CO_TRY(const std::string bytes, co_await source->Read());
    if (bytes.empty()) co_return PipeEnd::kAll;
    text += bytes;
  }
  co_return PipeEnd::kClosed;
}

Task<> FakeBackend::Stop(JobId id, std::chrono::seconds) {
  const auto job = Find(id);
  if (!job) co_return NeverStarted(id);
  JobResult result;
  result.exit_code = kExitTerminated;
  result.was_stopped = true;
  job->Finish(result);
  co_return Result<>();
}

Task<> FakeBackend::Remove(JobId id) {
  jobs_.erase(id);
  co_return io::RemoveTree(folder_ + "/" + id.value);
}

Task<std::vector<JobId>> FakeBackend::List() {
  std::vector<JobId> ids;
  for (const auto& [id, job] : jobs_) ids.push_back(id);
  co_return ids;
}

}  // namespace stepmill
