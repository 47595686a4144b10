#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "compute/container/core.h"
#include "compute/container/pipe.h"
#include "io/files.h"
#include "io/http_client.h"
#include "sandbox/steps.h"

namespace stepmill::container {

namespace {
constexpr size_t kLogReadBytes = 256 * 1024;
}  // namespace

Result<LogChunk> ContainerBackend::Core::ReadPlain(const std::string& path, uint64_t offset) const {
  LogChunk chunk;
  chunk.offset = offset;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return chunk;  // nothing was written yet
  chunk.bytes.resize(kLogReadBytes);
  const ssize_t count =
      ::pread(fd, chunk.bytes.data(), chunk.bytes.size(), static_cast<off_t>(offset));
  ::close(fd);
  if (count < 0) return Error{Code::kInternal, "FileError", path + " cannot be read"};
  chunk.bytes.resize(static_cast<size_t>(count));
  return chunk;
}

Result<LogChunk> ContainerBackend::Core::ReadDecoded(const std::string& path, const std::string& id,
                                                     uint64_t offset) {
  Cursor& cursor = cursors_[id];
  if (offset < cursor.decoded) cursor = Cursor{};
  LogChunk chunk;
  chunk.offset = offset;
  for (;;) {
    MILL_TRY(const LogChunk raw, ReadPlain(path, cursor.raw));
    std::string decoded;
    const size_t taken = DecodeEngineLog(raw.bytes, decoded);
    if (taken == 0) return chunk;
    const uint64_t begin = cursor.decoded;
    cursor.raw += taken;
    cursor.decoded += decoded.size();
    if (cursor.decoded <= offset) continue;
    chunk.bytes = decoded.substr(offset > begin ? offset - begin : 0);
    return chunk;
  }
}

Task<LogChunk> ContainerBackend::Core::ReadLog(Self self, JobId id, uint64_t offset) {
  const JobFolder folder = self->Folder(id);
  if (!folder.Has("result.json") && !folder.Has("container.json")) co_return NeverStarted(id);
  const Result<StoredJob> job = folder.ReadJob();
  const bool is_stepped = job && job->is_stepped;
  const std::string path = folder.File(is_stepped ? "steps/log" : "log");
  MILL_CO_TRY(const auto watch, self->watcher_.Add(self->engine_.exits_dir()));
  // A job that never ran has no log to watch, and has ended.
  (void)watch->Also(path);
  for (;;) {
    MILL_CO_TRY(const std::optional<JobResult> end, co_await FindEnd(self, folder));
    MILL_CO_TRY(LogChunk chunk, is_stepped ? self->ReadPlain(path, offset)
                                           : self->ReadDecoded(path, id.value, offset));
    chunk.is_end = end.has_value() && chunk.bytes.empty();
    if (chunk.is_end || !chunk.bytes.empty()) co_return chunk;
    MILL_CO_CHECK(co_await watch->Next());
  }
}

Task<StepResult> ContainerBackend::Core::RunStep(Self self, JobId id, StepSpec step) {
  const JobFolder folder = self->Folder(id);
  if (!folder.Has("container.json")) {
    const Result<JobResult> known = folder.ReadResult();
    if (known && !known->start_error.empty())
      co_return Error{Code::kInvalid, "JobStartError", known->start_error};
    co_return NeverStarted(id);
  }
  const std::string steps = folder.File("steps");
  const std::string command_path = sandbox::CommandPath(steps, step.sequence);
  if (!io::Exists(command_path)) {
    sandbox::StepCommand command;
    command.sequence = step.sequence;
    command.argv = std::move(step.argv);
    command.env = std::move(step.env);
    command.working_dir = std::move(step.working_dir);
    command.files = std::move(step.files);
    if (step.timeout) command.timeout_ms = std::chrono::milliseconds(*step.timeout).count();
    const std::string text = sandbox::CommandToJson(command).Print();
    MILL_CO_CHECK(io::WriteFile(command_path, text, true));
  }
  MILL_CO_TRY(const auto watch, self->watcher_.Add(self->engine_.exits_dir()));
  MILL_CO_CHECK(watch->Also(steps + "/results"));
  for (;;) {
    MILL_CO_TRY(const std::optional<JobResult> end, co_await FindEnd(self, folder));
    const Result<std::string> text = io::ReadFile(sandbox::ResultPath(steps, step.sequence));
    if (text) {
      MILL_CO_TRY(const Json json, ParseJson(*text));
      MILL_CO_TRY(const sandbox::StepOutcome outcome, sandbox::OutcomeFromJson(json));
      StepResult result;
      result.exit_code = outcome.exit_code;
      result.is_timed_out = outcome.is_timed_out;
      result.log_end = outcome.log_end;
      co_return result;
    }
    if (end) {
      co_return Error{
          Code::kConflict, "JobEnded",
          "job " + id.value + " ended before its step " + std::to_string(step.sequence) + " did"};
    }
    MILL_CO_CHECK(co_await watch->Next());
  }
}

Result<std::string> ContainerBackend::Core::HostPath(const JobId& id,
                                                     const std::string& path) const {
  const JobFolder folder = Folder(id);
  MILL_TRY(const StoredJob job, folder.ReadJob());
  const auto host = FindHostPath(job.mounts, path);
  if (!host) {
    return Error{Code::kNotFound, "InvalidJobPath",
                 path + " is in no input or output folder of job " + id.value};
  }
  for (const Mount& mount : job.mounts) {
    if (host->starts_with(mount.host + "/")) MILL_CHECK(CheckNoLinks(mount.host, *host));
  }
  return *host;
}

Task<JobAnswer> ContainerBackend::Core::Exchange(Self self, JobId id, JobRequest request) {
  const JobFolder folder = self->Folder(id);
  if (!folder.Has("container.json")) co_return NeverStarted(id);
  MILL_CO_TRY(const StoredJob job, folder.ReadJob());
  if (std::find(job.ports.begin(), job.ports.end(), request.port) == job.ports.end()) {
    co_return Error{Code::kNotFound, "NoSuchPort",
                    "job " + id.value + " has no port " + std::to_string(request.port)};
  }
  io::ClientRequest asked;
  asked.socket_path = self->InwardPath(id, request.port);
  asked.method = std::move(request.method);
  asked.target = std::move(request.target);
  asked.headers = std::move(request.headers);
  asked.body = std::move(request.body);
  asked.timeout = request.timeout;
  MILL_CO_TRY(io::ClientAnswer answer, co_await io::SendRequest(self->loop_, std::move(asked)));
  JobAnswer out;
  out.status = answer.status;
  out.headers = std::move(answer.headers);
  out.body = std::move(answer.body);
  co_return out;
}

Task<PipeEnd> ContainerBackend::Core::FeedPipe(Self self, JobId id, std::string path,
                                               PipeOpener open) {
  const JobFolder folder = self->Folder(id);
  if (!folder.Has("container.json") && !folder.Has("result.json")) co_return NeverStarted(id);
  const auto has_ended = [self, folder] { return !self->IsRunning(folder); };
  if (has_ended()) co_return PipeEnd::kJobEnded;
  MILL_CO_TRY(const std::string host, self->HostPath(id, path));
  co_return co_await FeedFifo(self->loop_, host, has_ended, std::move(open));
}

}  // namespace stepmill::container
