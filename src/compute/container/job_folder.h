#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compute/backend.h"
#include "compute/identity.h"
#include "json/json.h"

namespace stepmill::container {

// DIR/jobs/<job id>/: all that is known of a job. Files appear complete, by rename.
//
//   job.json        StoredJob: what later calls need of the spec
//   identity.json   who it is (compute/identity.h)
//   files/, mounts/ staged inputs and the writable folders, by number
//   steps/          stepped jobs: sandbox/steps.h; its log is the job's log
//   log             other jobs: the engine's log, each line "<time> stdout|stderr F|P <text>"
//   home            a link to what is mounted at /opt/stepmill; goes before the container is
//   started again           an interrupted start, or its requests, may have left containers
//   container.json  durable before the container is started: from then on the job has begun
//   relay           "<pid> <start ticks>" of its relay
//   stop            Stop was asked for
//   result.json     the end, once somebody has seen it

struct Mount {
  std::string inside;  ///< absolute path in the job
  std::string host;    ///< absolute path here
  bool is_file = false;
  bool is_read_only = false;
};

struct StoredJob {
  std::vector<Mount> mounts;
  bool is_stepped = false;
  bool has_docker = false;
  bool has_relay = true;
  bool has_memory_limit = false;
  std::string group;
  bool is_isolated = false;  ///< its relay leads in only
  std::vector<int> ports;    ///< that its relay leads to
};

struct StoredContainer {
  std::string id;
  int pid = 0;
  uint64_t start_ticks = 0;  ///< with the pid: this very process
  std::string waits_as;      ///< the kernel's name of that process until it is started
  std::string image_digest;
};

class JobFolder {
 public:
  JobFolder(const std::string& data_dir, const JobId& id) : path_(data_dir + "/jobs/" + id.value) {}
  const std::string& path() const { return path_; }
  std::string File(std::string_view name) const { return path_ + "/" + std::string(name); }
  bool Has(std::string_view name) const;

  Result<StoredJob> ReadJob() const;
  Result<> WriteJob(const StoredJob& job) const;
  Result<StoredContainer> ReadContainer() const;
  Result<> WriteContainer(const StoredContainer& container) const;
  Result<JobResult> ReadResult() const;
  Result<> WriteResult(const JobResult& result) const;
  Result<> WriteIdentity(const JobSpec& spec) const;

 private:
  std::string path_;
};

/// Where everything that a spec names goes: one mount for each folder that lies in no other, one
/// for each file outside of all folders. kInvalid: a path that is not absolute or has "..".
Result<std::vector<Mount>> PlanMounts(const JobSpec& spec, const std::string& folder);
/// `inside` on this machine, or nullopt when no mount holds it.
std::optional<std::string> FindHostPath(const std::vector<Mount>& mounts,
                                        const std::string& inside);
/// kInvalid when a component of `path` below `root` is a symbolic link: what a job or an archive
/// made must not lead out.
Result<> CheckNoLinks(const std::string& root, const std::string& path);

/// Takes whole lines of the engine's log from the front of `raw` and appends the bytes that the job
/// wrote to `out`. Returns how many bytes of `raw` were taken.
size_t DecodeEngineLog(std::string_view raw, std::string& out);

}  // namespace stepmill::container
