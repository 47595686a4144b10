#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "archive/archive.h"
#include "compute/backend.h"
#include "compute/image_table.h"
#include "io/loop.h"

namespace stepmill::container {

/// What a registry image's name means now, and how to get it.
struct RegistryImage {
  std::string digest;  ///< "sha256:..."
  std::string username, password;
};

struct ContainerOptions {
  std::string data_dir;
  std::string sandbox_dir;  ///< the folder that is /opt/stepmill in every sandbox
  std::string image_cache;  ///< see EngineOptions
  std::string mirror_host;  ///< see EngineOptions
  /// The first line is the server's own address: the engine's proxy. "" or missing: none.
  std::string endpoint_file;
  std::string ca_bundle;          ///< PEM: the system's roots and the installation's CA
  std::string ca;                 ///< PEM: the installation's CA alone
  std::string relay_socket;       ///< DIR/run/relay.sock
  bool allows_unlimited = false;  ///< --jobs-unlimited
  ImageTable images;
  /// Asks the server's own registry what an image name of it means; as the job's role. Absent: the
  /// engine asks by itself, without credentials. An error becomes JobResult::start_error.
  std::function<Task<RegistryImage>(EcrImage, std::string role_arn)> find_image;
};

/// Jobs as containers of the managed engine. See compute/backend.h for the promises and
/// container/job_folder.h for what is on disk.
///
/// A container has a network namespace with nothing but loopback (hosts of one group: a private
/// network besides); its relay is started in it between `init` and `start`, so that nothing in the
/// job ever runs without. The end is the file that the container's monitor (conmon) writes, and
/// then the engine's database, so it is known however often server and engine died meanwhile.
/// Limits that cannot be enforced (an ordinary user under control groups version 1) make a job one
/// that never ran: JobResult::start_error.
class ContainerBackend : public Backend {
 public:
  ContainerBackend(io::Loop& loop, BlobStore& blobs, Archive& archive, ContainerOptions options);
  ~ContainerBackend() override;

  /// Once at start: takes up the jobs of an earlier server (relays that died are started again).
  Task<> Recover();
  /// Empty: jobs can run here. Else what is missing, one line each.
  std::vector<std::string> MissingParts() const;
  /// Ends the engine when no job runs. For a server that drains.
  void EndEngineIfIdle();

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
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace stepmill::container
