#include "sim_jobs.h"

#include <algorithm>

#include "base/strings.h"
#include "io/files.h"

namespace stepmill::sim {
namespace {

constexpr int kExitKilled = 137, kExitTerminated = 143;
constexpr char kOutputFolder[] = "/opt/ml/processing/output";
constexpr Millis kLook{200};  // who waits looks again after this

Error NeverStarted(const JobId& id) {
  return Error{Code::kNotFound, "JobNotFound", "no job '" + id.value + "' was started"};
}

int64_t NumberOf(const JobSpec& spec, const char* name, int64_t other) {
  const auto found = spec.env.find(name);
  return found == spec.env.end() ? other : ParseInt(found->second).value_or(other);
}

}  // namespace

SimJobs::Job* SimJobs::Find(const JobId& id) {
  const auto found = jobs.find(id);
  return found == jobs.end() || found->second.is_removed ? nullptr : &found->second;
}

void SimJobs::Start(JobSpec spec) {
  Job& job = jobs[spec.id];
  ++job.starts;
  job.is_removed = false;
  job.started = loop_.now();
  const int64_t seconds = NumberOf(spec, "SIM_SECONDS", 1);
  job.ends = job.started + Seconds(seconds) + Millis(chance_.Between(0, 999));
  job.exit_code = static_cast<int>(NumberOf(spec, "SIM_EXIT", 0));
  for (int64_t i = 0; i < NumberOf(spec, "SIM_LINES", 0); ++i)
    job.lines.push_back("line " + std::to_string(i) + "\n");
  trace_.Add(loop_.now(), "job starts", spec.id.value + " #" + std::to_string(job.starts));
  job.spec = std::move(spec);
}

std::string SimJobs::LogOf(const Job& job) const {
  std::string text;
  const auto whole = std::max<int64_t>(1, (job.ends - job.started).count());
  const auto gone = std::min(whole, (loop_.now() - job.started).count());
  const size_t count = job.lines.size() * static_cast<size_t>(gone) / static_cast<size_t>(whole);
  for (size_t i = 0; i < count; ++i) text += job.lines[i];
  return text;
}

void SimJobs::Stop(Job& job) {
  if (HasEnded(job)) return;
  const std::string log = LogOf(job);
  job.lines.resize(static_cast<size_t>(std::count(log.begin(), log.end(), '\n')));
  job.ends = loop_.now();
  job.exit_code = kExitTerminated;
  job.was_stopped = true;
}

void SimJobs::LoseAll() {
  for (auto& [id, job] : jobs) {
    if (job.is_removed || HasEnded(job)) continue;
    trace_.Add(loop_.now(), "job is lost", id.value);
    Stop(job);
    job.was_stopped = false;
    job.exit_code = kExitKilled;
  }
}

Result<> SimBackend::WriteFiles(const SimJobs::Job& job) const {
  const std::string folder = folder_ + "/" + job.spec.id.value + kOutputFolder;
  MILL_CHECK(io::MakeFolders(folder));
  return io::WriteFile(folder + "/result", job.spec.id.value, false);
}

Task<> SimBackend::Travel() {
  const Time at = side_.Now() + Millis(chance_.Between(0, 40));
  MILL_CO_CHECK(co_await side_.SleepUntil(at));
  if (error_one_in_ != 0 && chance_.OneIn(error_one_in_))
    co_return Error{Code::kUnavailable, "EngineAway", "the container engine does not answer"};
  co_return Result<>();
}

Task<> SimBackend::Start(JobSpec spec) {
  MILL_CO_CHECK(co_await Travel());
  if (!jobs_.Find(spec.id)) jobs_.Start(std::move(spec));
  co_return co_await Travel();
}

Task<JobResult> SimBackend::Wait(JobId id) {
  MILL_CO_CHECK(co_await Travel());
  for (;;) {
    const SimJobs::Job* job = jobs_.Find(id);
    if (!job) co_return NeverStarted(id);
    if (jobs_.HasEnded(*job)) {
      JobResult result;
      result.exit_code = job->exit_code;
      result.was_stopped = job->was_stopped;
      co_return result;
    }
    const Time at = std::min(job->ends, side_.Now() + std::chrono::minutes(10));
    MILL_CO_CHECK(co_await side_.SleepUntil(at));
  }
}

Task<LogChunk> SimBackend::ReadLog(JobId id, uint64_t offset_bytes) {
  MILL_CO_CHECK(co_await Travel());
  for (;;) {
    const SimJobs::Job* job = jobs_.Find(id);
    if (!job) co_return NeverStarted(id);
    const std::string log = jobs_.LogOf(*job);
    if (log.size() > offset_bytes || jobs_.HasEnded(*job)) {
      LogChunk chunk;
      chunk.offset = offset_bytes;
      if (log.size() > offset_bytes) {
        chunk.bytes = log.substr(offset_bytes);
        chunk.bytes.resize(1 + chance_.Below(chunk.bytes.size()));  // as it happens to arrive
      }
      chunk.is_end = chunk.bytes.empty();
      co_return chunk;
    }
    const Time at = std::min(job->ends, side_.Now() + kLook);
    MILL_CO_CHECK(co_await side_.SleepUntil(at));
  }
}

Task<StepResult> SimBackend::RunStep(JobId id, StepSpec) {
  co_return Error{Code::kUnavailable, "NotSimulated", "steps of " + id.value};
}

Result<std::string> SimBackend::HostPath(JobId id, std::string path) {
  const SimJobs::Job* job = jobs_.Find(id);
  if (!job) return NeverStarted(id);
  if (path == kOutputFolder && jobs_.HasEnded(*job) && job->exit_code == 0)
    MILL_CHECK(WriteFiles(*job));
  return folder_ + "/" + id.value + path;
}

Task<> SimBackend::Stop(JobId id, std::chrono::seconds) {
  MILL_CO_CHECK(co_await Travel());
  SimJobs::Job* job = jobs_.Find(id);
  if (!job) co_return NeverStarted(id);
  jobs_.Stop(*job);
  co_return co_await Travel();
}

Task<> SimBackend::Remove(JobId id) {
  MILL_CO_CHECK(co_await Travel());
  if (SimJobs::Job* job = jobs_.Find(id)) job->is_removed = true;
  co_return co_await Travel();
}

Task<std::vector<JobId>> SimBackend::List() {
  MILL_CO_CHECK(co_await Travel());
  std::vector<JobId> ids;
  for (const auto& [id, job] : jobs_.jobs)
    if (!job.is_removed) ids.push_back(id);
  co_return ids;
}

}  // namespace stepmill::sim
