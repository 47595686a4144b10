#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "blob/blob_store.h"
#include "json/json.h"
#include "task/task.h"

namespace stepmill {

/// Chosen by the one who starts (from the effect's id), so that a repeated Start is the same job.
/// [a-z0-9-], at most 63.
struct JobId {
  std::string value;
  auto operator<=>(const JobId&) const = default;
};

/// Something put into the job before it starts.
struct JobInput {
  enum class Kind { kBlobFile, kBlobArchive, kGitTree, kText, kFolder };
  Kind kind = Kind::kText;
  BlobId blob;            ///< kBlobFile, kBlobArchive (zip or tar, unpacked at `path`)
  std::string repo_path;  ///< kGitTree: bare repository on this machine
  std::string commit;     ///< kGitTree
  std::string text;       ///< kText: the file's bytes
  std::string path;       ///< absolute, inside the job
  /// kFolder: an empty, writable folder of the job at `path` (kept after the end, see OutputPath).
};

struct JobSpec {
  JobId id;
  std::string image;  ///< as the user wrote it; the image table resolves it
  std::optional<std::vector<std::string>> entrypoint;  ///< absent: the image's
  std::vector<std::string> arguments;  ///< empty with no entrypoint: the image's CMD
  std::map<std::string, std::string> env;
  std::string working_dir;  ///< "" : the image's
  std::vector<JobInput> inputs;
  /// Paths inside that are read back after the end (each its own writable mount).
  std::vector<std::string> output_paths;
  /// The entry point is the step runner: the job waits for steps (Backend::RunStep).
  bool is_stepped = false;
  bool has_docker = false;  ///< the engine's socket inside, as DOCKER_HOST
  enum class Network { kNone, kServer, kOpen } network = Network::kServer;
  int64_t memory_mib = 0;  ///< 0: no limit
  double cpus = 0;         ///< 0: no limit
  int64_t shm_mib = 64;
  /// Who the job is, for calls that come back through its relay: session credentials that the
  /// service got from the door (Call::engine), served at 169.254.170.2. Kept in the job's folder.
  std::string role_arn;
  std::string account, region;
  /// Several hosts of one job share a private network and know each other by these names.
  std::string group;      ///< "" : alone
  std::string host_name;  ///< e.g. "algo-1"
};

struct JobResult {
  int exit_code = 0;
  bool is_out_of_memory = false;
  bool was_stopped = false;  ///< by Stop
  /// Not empty: the job never ran ("image 'x' is not there: stepmill images add x ARCHIVE").
  std::string start_error;
  std::string image_digest;  ///< sha256:... of the image that ran, when known
};

/// One command in a stepped job. Sequence numbers count from 1; a repeated number is the same step.
struct StepSpec {
  int64_t sequence = 0;
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;  ///< beside the job's
  std::string working_dir;
  std::map<std::string, std::string> files;  ///< written before it runs: absolute path -> text
  std::optional<std::chrono::seconds> timeout;
};
struct StepResult {
  int exit_code = 0;  ///< 128+n when ended by signal n
  bool is_timed_out = false;
  uint64_t log_end = 0;  ///< the log's offset behind the step's last byte
};

struct LogChunk {
  uint64_t offset = 0;  ///< of the first byte
  std::string bytes;    ///< empty and is_end: nothing more will come
  bool is_end = false;
};

/// Runs jobs somewhere: a sandboxed process, a container, a cluster.
///
/// Jobs outlive the server: after a restart `List` and `Wait` pick them up again. `Start`,
/// `RunStep`, `Stop` and `Remove` may be repeated with the same id and then do nothing new. Log and
/// step results are files of the job's folder, so offsets are exact and survive engine and server.
/// A job whose limits cannot be enforced is refused with kUnavailable unless the server allows it.
///
/// Threads: loop thread. All waits end when the thing happens (pidfd, inotify), never by polling.
class Backend {
 public:
  virtual ~Backend() = default;
  /// Stages inputs and starts. Durable when it returns: a crash before leaves nothing running.
  virtual Task<> Start(JobSpec spec) = 0;
  /// Returns at the job's end (at once for one that ended earlier). kNotFound: never started.
  virtual Task<JobResult> Wait(JobId id) = 0;
  /// Bytes of the job's combined output from `offset_bytes`; waits until there are some, or the
  /// end.
  virtual Task<LogChunk> ReadLog(JobId id, uint64_t offset_bytes) = 0;
  /// Runs one step in a stepped job and returns at its end (at once for one that ended earlier).
  virtual Task<StepResult> RunStep(JobId id, StepSpec step) = 0;
  /// Where `path` inside the job is on this machine: a file or folder to read after (or during) the
  /// run. Only for inputs (kFolder) and output_paths.
  virtual Result<std::string> HostPath(JobId id, std::string path) = 0;
  /// TERM, then KILL after `grace`. For a stepped job without running step: ends it.
  virtual Task<> Stop(JobId id, std::chrono::seconds grace) = 0;
  /// Frees everything, its folder too.
  virtual Task<> Remove(JobId id) = 0;
  virtual Task<std::vector<JobId>> List() = 0;
};

}  // namespace stepmill
