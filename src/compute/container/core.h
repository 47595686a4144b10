#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compute/container/container_backend.h"
#include "compute/container/create_request.h"
#include "compute/container/engine.h"
#include "compute/container/job_folder.h"
#include "io/loop.h"
#include "io/process.h"
#include "io/watch.h"

// The container backend itself. container_backend.cc: ends, stops, removal, recovery; start.cc: how
// a job becomes a container; guards.cc: relays and the engine; reading.cc: logs, steps, files.

namespace stepmill::container {

inline constexpr auto kRelayPause = std::chrono::milliseconds(200);
inline constexpr int kStatusNotModified = 304, kStatusNotFound = 404;

inline bool IsAlive(const StoredContainer& container) {
  return container.pid > 0 && io::ProcessStartTicks(container.pid) == container.start_ticks;
}
inline bool IsGood(int status) { return status >= 200 && status < 300; }
/// The text of an engine's error answer.
std::string EngineMessage(const io::ClientAnswer& answer);
Error NeverStarted(const JobId& id);

class ContainerBackend::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(io::Loop& loop, BlobStore& blobs, Archive& archive, ContainerOptions options);

  using Self = std::shared_ptr<Core>;
  static Task<> Start(Self self, JobSpec spec);
  static Task<JobResult> Wait(Self self, JobId id);
  static Task<LogChunk> ReadLog(Self self, JobId id, uint64_t offset);
  static Task<StepResult> RunStep(Self self, JobId id, StepSpec step);
  static Task<JobAnswer> Exchange(Self self, JobId id, JobRequest request);
  static Task<PipeEnd> FeedPipe(Self self, JobId id, std::string path, PipeOpener open);
  static Task<> Stop(Self self, JobId id, std::chrono::seconds grace);
  static Task<> Remove(Self self, JobId id);
  static Task<> Recover(Self self);
  Result<std::string> HostPath(const JobId& id, const std::string& path) const;
  std::vector<JobId> List() const;
  std::vector<std::string> MissingParts() const;
  void EndEngineIfIdle();

 private:
  JobFolder Folder(const JobId& id) const { return JobFolder(options_.data_dir, id); }
  std::string ExitFile(const StoredContainer& container) const {
    return engine_.exits_dir() + "/" + container.id;
  }
  /// Where the relay of a job listens for connections to one of its ports: a short path.
  std::string InwardPath(const JobId& id, int port) const {
    return engine_.run_dir() + "/" + id.value + "-" + std::to_string(port);
  }
  bool HasEnded(const JobFolder& folder) const;
  static Task<std::optional<JobResult>> FindEnd(Self self, JobFolder folder);
  static Task<std::optional<int>> AskExitCode(Self self, StoredContainer container);
  bool HasMonitor(const StoredContainer& container) const;
  bool IsRunning(const JobFolder& folder) const;
  bool HasDockerJobs() const;

  static Task<> StartAlone(Self self, JobSpec spec);
  static Task<> Make(Self self, const JobSpec& spec, const JobFolder& folder);
  /// A container whose process waits for its start. kConflict: the engine refused it, now. Its name
  /// is new each time, so what an interrupted start left, or is still making, is never in the way.
  static Task<StoredContainer> MakeContainer(Self self, const JobSpec& spec, Json request);
  /// All containers of a job, those of interrupted starts too.
  static Task<> RemoveContainers(Self self, JobId id);
  static Task<> RemoveContainer(Self self, std::string container_id);
  /// The group's network, made when it is not there. Returns its subnet.
  static Task<std::string> MakeNetwork(Self self, std::string group);
  static Task<> Begin(Self self, const JobId& id, const JobFolder& folder);
  struct Image {
    std::string name, digest;
  };
  static Task<Image> FindImage(Self self, const JobSpec& spec);
  static Task<> Pull(Self self, std::string name, std::string username, std::string password);
  Result<SandboxPlaces> Places() const;
  static Task<> StartRelay(Self self, JobId id, StoredContainer container);
  static Task<> GuardRelay(Self self, JobId id, StoredContainer container);
  bool HasLiveRelay(const JobFolder& folder) const;
  static Task<> GuardEngine(Self self);

  io::Loop& loop_;
  BlobStore& blobs_;
  Archive& archive_;
  ContainerOptions options_;
  Engine engine_;
  io::Watcher watcher_;
  std::map<std::string, std::shared_ptr<Signal>> starting_;
  std::set<std::string> guarded_;
  bool is_engine_guarded_ = false;

  /// How far a job's engine log was decoded: both offsets belong together.
  struct Cursor {
    uint64_t raw = 0, decoded = 0;
  };
  std::map<std::string, Cursor> cursors_;
  Result<LogChunk> ReadPlain(const std::string& path, uint64_t offset) const;
  Result<LogChunk> ReadDecoded(const std::string& path, const std::string& id, uint64_t offset);
};

}  // namespace stepmill::container
