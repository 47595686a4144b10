#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "chance.h"
#include "compute/backend.h"
#include "sim_loop.h"
#include "trace.h"

namespace stepmill::sim {

/// The machine that jobs run on: they outlive the server's process. What a job does stands in its
/// environment: SIM_EXIT (its exit code), SIM_LINES (lines of output), SIM_SECONDS (how long). One
/// that ends well leaves the file "result", its own id, in its folder for output.
class SimJobs {
 public:
  struct Job {
    JobSpec spec;
    Time started, ends;
    int exit_code = 0;
    int starts = 0;  ///< how often it was really begun: 1 unless something is wrong
    bool was_stopped = false, is_removed = false;
    std::vector<std::string> lines;  ///< evenly over its time
  };

  SimJobs(SimLoop& loop, Trace& trace, uint64_t seed) : loop_(loop), trace_(trace), chance_(seed) {}

  Job* Find(const JobId& id);
  void Start(JobSpec spec);
  /// What the job has written by now.
  std::string LogOf(const Job& job) const;
  bool HasEnded(const Job& job) const { return loop_.now() >= job.ends; }
  void Stop(Job& job);
  /// The power goes: what runs is killed.
  void LoseAll();

  std::map<JobId, Job> jobs;  ///< removed ones stay, marked

 private:
  SimLoop& loop_;
  Trace& trace_;
  Chance chance_;
};

/// One life's connection to that machine. Calls take their time and fail now and then, before or
/// after they took effect.
class SimBackend final : public Backend {
 public:
  SimBackend(SimJobs& jobs, SimLoop::Side& side, std::string folder, uint64_t seed,
             uint64_t error_one_in)
      : jobs_(jobs),
        side_(side),
        folder_(std::move(folder)),
        chance_(seed),
        error_one_in_(error_one_in) {}

  Task<> Start(JobSpec spec) override;
  Task<JobResult> Wait(JobId id) override;
  Task<LogChunk> ReadLog(JobId id, uint64_t offset_bytes) override;
  Task<StepResult> RunStep(JobId id, StepSpec step) override;
  Result<std::string> HostPath(JobId id, std::string path) override;
  Task<> Stop(JobId id, std::chrono::seconds grace) override;
  Task<> Remove(JobId id) override;
  Task<std::vector<JobId>> List() override;

 private:
  /// The files of a job that has ended.
  Result<> WriteFiles(const SimJobs::Job& job) const;
  /// Some time; then the connection may be gone.
  Task<> Travel();

  SimJobs& jobs_;
  SimLoop::Side& side_;
  std::string folder_;
  Chance chance_;
  uint64_t error_one_in_;  ///< 0: never
};

}  // namespace stepmill::sim
