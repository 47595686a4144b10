#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compute/backend.h"
#include "task/ports.h"

namespace stepmill {

/// What a machine has for its jobs.
struct Capacity {
  double cpus = 0;
  int64_t memory_mib = 0;
};
/// Of this machine: processors that this process may use, and memory.
Capacity MachineCapacity();

/// Another backend, whose jobs get room on the machine in the order in which they asked for it
/// (JobSpec::line): a job waits as long as it does not fit beside those that run, or one that asked
/// before it waits. What a job needs are its limits, and at most the whole machine: one that is
/// larger runs alone. Hosts of a group get room together, so two groups never wait for each other.
///
/// The lines are apart from each other, each with the whole machine: a build may wait for jobs that
/// it started, so jobs never wait for builds. What has no line (workflow jobs, endpoints), or no
/// limits, is not counted.
///
/// Who waits, and in which order, is in `folder` (queued_backend.cc) and survives the server.
///
/// Threads: loop thread. `inner` and `spawner` outlive it and what it spawned.
class QueuedBackend : public Backend {
 public:
  QueuedBackend(Backend& inner, Spawner& spawner, std::string folder, Capacity capacity);
  ~QueuedBackend() override;

  /// Once at start, after the inner backend's own: who runs, and who waits.
  Task<> Recover();

  Task<> AwaitRoom(JobSpec spec) override;
  std::string WaitsFor(const JobId& id) const override;
  Task<> Start(JobSpec spec) override;
  Task<JobResult> Wait(JobId id) override { return inner_.Wait(std::move(id)); }
  Task<LogChunk> ReadLog(JobId id, uint64_t offset_bytes) override {
    return inner_.ReadLog(std::move(id), offset_bytes);
  }
  Task<StepResult> RunStep(JobId id, StepSpec step) override {
    return inner_.RunStep(std::move(id), std::move(step));
  }
  Result<std::string> HostPath(JobId id, std::string path) override {
    return inner_.HostPath(std::move(id), std::move(path));
  }
  Task<JobAnswer> Exchange(JobId id, JobRequest request) override {
    return inner_.Exchange(std::move(id), std::move(request));
  }
  Task<> MakePipe(JobId id, std::string path) override {
    return inner_.MakePipe(std::move(id), std::move(path));
  }
  Task<PipeEnd> FeedPipe(JobId id, std::string path, PipeOpener open) override {
    return inner_.FeedPipe(std::move(id), std::move(path), std::move(open));
  }
  /// One that waits stops waiting: its AwaitRoom or Start ends with "JobStopped".
  Task<> Stop(JobId id, std::chrono::seconds grace) override;
  Task<> Remove(JobId id) override;
  Task<std::vector<JobId>> List() override { return inner_.List(); }

 private:
  class Lines;
  Backend& inner_;
  std::shared_ptr<Lines> lines_;
};

}  // namespace stepmill
