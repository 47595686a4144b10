#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "base/strings.h"
#include "compute/backend.h"
#include "task/ports.h"

namespace stepmill {

/// For tests of services that run steps: stepped jobs as plain processes of this machine, with no
/// isolation at all. The job's folders are folders below `folder`; wherever their path stands in a
/// step (script, directory, environment) it is replaced by the real one. Blocks while a step runs.
class LocalSteps final : public Backend {
 public:
  explicit LocalSteps(std::string folder) : folder_(std::move(folder)) {}

  Task<> Start(JobSpec spec) override {
    if (images_missing.contains(spec.image))
      co_return Error{Code::kNotFound, "ImageNotFound", images_missing[spec.image]};
    Job& job = jobs_[spec.id];
    if (job.is_started) co_return Result<>();
    job.is_started = true;
    for (const JobInput& input : spec.inputs)
      if (input.kind == JobInput::Kind::kFolder) {
        job.folders[input.path] = folder_ + "/" + spec.id.value + input.path;
        std::filesystem::create_directories(job.folders[input.path]);
      }
    job.spec = std::move(spec);
    specs.push_back(job.spec);
    co_return Result<>();
  }
  Task<JobResult> Wait(JobId) override {
    co_return Error{Code::kInternal, "NotInTests", "stepped jobs are not waited for"};
  }
  Task<LogChunk> ReadLog(JobId id, uint64_t offset) override {
    while (true) {
      Job& job = jobs_[id];
      LogChunk chunk{offset, "", false};
      if (job.log.size() > offset) {
        chunk.bytes = job.log.substr(offset);
        co_return chunk;
      }
      if (job.is_stopped || !job.is_started) {
        chunk.is_end = true;
        co_return chunk;
      }
      const auto signal = job.signal;
      MILL_CO_CHECK(co_await signal->Wait());
    }
  }
  Task<StepResult> RunStep(JobId id, StepSpec step) override {
    Job& job = jobs_[id];
    if (!job.is_started) co_return Error{Code::kNotFound, "JobNotFound", id.value};
    if (const auto known = job.results.find(step.sequence); known != job.results.end())
      co_return known->second;
    ++steps_run;
    for (const auto& [path, text] : step.files) {
      const std::string real = Real(job, path);
      std::filesystem::create_directories(std::filesystem::path(real).parent_path());
      std::ofstream(real) << Real(job, text);
    }
    std::string command = "cd " + Quote(Real(job, step.working_dir)) + " && env -i PATH=\"$PATH\"";
    for (const auto* env : {&job.spec.env, &step.env})
      for (const auto& [name, value] : *env) command += " " + Quote(name + "=" + Real(job, value));
    for (const std::string& word : step.argv) command += " " + Quote(Real(job, word));
    FILE* pipe = ::popen(("(" + command + ") 2>&1").c_str(), "r");
    char buffer[4096];
    for (size_t n; (n = ::fread(buffer, 1, sizeof buffer, pipe)) > 0;) job.log.append(buffer, n);
    const int status = ::pclose(pipe);
    StepResult result;
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    result.log_end = job.log.size();
    job.results[step.sequence] = result;
    Wake(job);
    co_return result;
  }
  Result<std::string> HostPath(JobId id, std::string path) override {
    return Real(jobs_[id], path);
  }
  Task<> Stop(JobId id, std::chrono::seconds) override {
    Job& job = jobs_[id];
    job.is_stopped = true;
    Wake(job);
    co_return Result<>();
  }
  Task<> Remove(JobId id) override {
    Wake(jobs_[id]);
    jobs_.erase(id);
    removed.push_back(id.value);
    co_return Result<>();
  }
  Task<std::vector<JobId>> List() override {
    std::vector<JobId> ids;
    for (const auto& [id, job] : jobs_) ids.push_back(id);
    co_return ids;
  }

  std::map<std::string, std::string> images_missing;  ///< image -> what Start says
  std::vector<JobSpec> specs;
  std::vector<std::string> removed;
  int steps_run = 0;

 private:
  struct Job {
    JobSpec spec;
    std::map<std::string, std::string> folders;
    std::map<int64_t, StepResult> results;
    std::string log;
    bool is_started = false, is_stopped = false;
    std::shared_ptr<Signal> signal = std::make_shared<Signal>();
  };
  static void Wake(Job& job) {
    const auto signal = job.signal;
    job.signal = std::make_shared<Signal>();
    signal->Set();
  }
  static std::string Quote(const std::string& text) {
    return "'" + ReplaceAll(text, "'", "'\\''") + "'";
  }
  static std::string Real(const Job& job, std::string text) {
    for (const auto& [inner, real] : job.folders) text = ReplaceAll(text, inner, real);
    return text;
  }

  std::string folder_;
  std::map<JobId, Job> jobs_;
};

}  // namespace stepmill
