#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "compute/backend.h"
#include "task/ports.h"

namespace stepmill {

/// What a scripted program does.
struct FakeRun {
  std::string output;
  int exit_code = 0;
  std::map<std::string, std::string> files;  ///< absolute path inside -> text, in output folders
  bool is_endless = false;                   ///< runs until Stop, or FakeBackend::End
  std::string start_error;                   ///< it never ran (plain jobs)
};

/// A backend in memory: a function says what each job and step does, at once and the same each
/// time. For tests and simulation. Holds only the files of output folders, below `folder`; inputs
/// are not staged (the function sees the spec).
///
/// Threads: loop thread.
class FakeBackend : public Backend {
 public:
  using Program = std::function<FakeRun(const JobSpec&)>;
  using StepProgram = std::function<FakeRun(const JobSpec&, const StepSpec&)>;
  /// What a job answers at its ports, as long as it runs.
  using Server = std::function<Result<JobAnswer>(const JobSpec&, const JobRequest&)>;
  FakeBackend(std::string folder, Program program, StepProgram steps);
  ~FakeBackend() override;

  void Serve(Server server) { server_ = std::move(server); }
  /// How many bytes a job reads of a named pipe; nothing: it never opens it.
  using PipeReader = std::function<std::optional<uint64_t>(const JobSpec&, const std::string&)>;
  void ReadPipes(PipeReader reader) { pipe_reader_ = std::move(reader); }
  /// What was read, by the job's id + the pipe's path.
  std::map<std::string, std::string> pipes;
  /// Ends an endless job.
  void End(const JobId& id, int exit_code);
  /// How often each job was really begun: 1 unless something is wrong.
  int StartCount(const JobId& id) const;
  const JobSpec* FindSpec(const JobId& id) const;

  Task<> Start(JobSpec spec) override;
  Task<JobResult> Wait(JobId id) override;
  Task<LogChunk> ReadLog(JobId id, uint64_t offset_bytes) override;
  Task<StepResult> RunStep(JobId id, StepSpec step) override;
  Result<std::string> HostPath(JobId id, std::string path) override;
  Task<JobAnswer> Exchange(JobId id, JobRequest request) override;
  Task<> MakePipe(JobId id, std::string path) override;
  Task<PipeEnd> FeedPipe(JobId id, std::string path, PipeOpener open) override;
  Task<> Stop(JobId id, std::chrono::seconds grace) override;
  Task<> Remove(JobId id) override;
  Task<std::vector<JobId>> List() override;

 private:
  struct Job;
  std::shared_ptr<Job> Find(const JobId& id) const;
  Result<> WriteFiles(const Job& job, const FakeRun& run) const;

  std::string folder_;
  Program program_;
  StepProgram steps_;
  Server server_;
  PipeReader pipe_reader_;
  std::map<JobId, std::shared_ptr<Job>> jobs_;
  std::map<JobId, int> start_counts_;
};

}  // namespace stepmill
