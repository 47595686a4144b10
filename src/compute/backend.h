#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
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
  enum class Kind { kBlobFile, kBlobArchive, kGitTree, kText, kFolder, kPipe };
  Kind kind = Kind::kText;
  BlobId blob;            ///< kBlobFile, kBlobArchive (zip or tar, unpacked at `path`)
  std::string repo_path;  ///< kGitTree: bare repository on this machine
  std::string commit;     ///< kGitTree
  std::string text;       ///< kText: the file's bytes
  std::string path;       ///< absolute, inside the job
  /// The job cannot change it. Inputs that share a folder agree on this.
  bool is_read_only = false;
  /// kFolder: an empty, writable folder of the job at `path` (kept after the end, see OutputPath).
  /// kPipe: a named pipe in such a folder (Backend::FeedPipe).
};

/// An image with nothing in it, which is always there: for programs below /opt/stepmill.
inline constexpr char kEmptyImage[] = "stepmill/empty";

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
  /// The image's own files cannot be changed; inputs and outputs are as they say.
  bool has_read_only_root = false;
  /// Who the job is, for calls that come back through its relay: session credentials that the
  /// service got from the door (Call::engine), served at 169.254.170.2. Kept in the job's folder.
  std::string role_arn;
  std::string account, region;
  /// Several hosts of one job share a private network and know each other by these names.
  std::string group;      ///< "" : alone
  std::string host_name;  ///< e.g. "algo-1"
  int group_hosts = 1;    ///< how many the group has
  /// Which queue for room on the machine it stands in (compute/queue).
  enum class Line { kNone, kJobs, kBuilds } line = Line::kNone;
  /// TCP ports of 127.0.0.1 inside that Exchange may ask at.
  std::vector<int> ports = {};
};

/// One HTTP exchange with what a job serves.
struct JobRequest {
  int port = 0;  ///< one of the spec's
  std::string method = "GET";
  std::string target = "/";
  std::map<std::string, std::string> headers;
  std::string body;
  std::chrono::milliseconds timeout{60'000};
};
struct JobAnswer {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
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

/// How a stream into a named pipe of a job ended: its reader got all of it, closed before its end,
/// or the job was over first.
enum class PipeEnd { kAll, kClosed, kJobEnded };
/// Called once somebody reads.
using PipeOpener = std::function<Task<std::unique_ptr<ByteSource>>()>;

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
  /// Returns when the machine has room for the job, in the order of asking (compute/queue): before
  /// its inputs are fetched. Start asks for it where nobody did. The room is kept until the job has
  /// ended or is removed. kConflict, "JobStopped": it was stopped while it waited.
  virtual Task<> AwaitRoom(JobSpec spec) {
    (void)spec;
    co_return Result<>();
  }
  /// Why a job waits for room, as a sentence; "": it does not.
  virtual std::string WaitsFor(const JobId& id) const {
    (void)id;
    return "";
  }
  /// Stages inputs and starts. Durable when it returns: a crash before leaves nothing running.
  virtual Task<> Start(JobSpec spec) = 0;
  /// Returns at the job's end (at once for one that ended earlier). kNotFound: never started. The
  /// answer stays the same until Remove, across restarts. A stepped job ends by Stop only (or when
  /// its step runner is killed): exit code 143 then.
  virtual Task<JobResult> Wait(JobId id) = 0;
  /// Bytes of the job's combined output from `offset_bytes`; waits until there are some, or the
  /// end. Offsets count the bytes that the job wrote, from 0; the next call's offset is
  /// chunk.offset
  /// + chunk.bytes.size(). A chunk (at most 256 KiB) may end inside a line, and inside a UTF-8
  /// sequence. Any offset up to the end may be read again, also after a restart. After the end: an
  /// empty chunk with is_end, at once. A job that never ran has an empty log.
  /// Plain jobs: standard output and errors are merged line by line as they arrive. Stepped jobs:
  /// both go to one file, so the order is exact; bytes of a step stand in [log_end of the step
  /// before, its own log_end), except those of what an earlier step left in the background.
  virtual Task<LogChunk> ReadLog(JobId id, uint64_t offset_bytes) = 0;
  /// Runs one step in a stepped job and returns at its end (at once for one that ended earlier).
  /// Sequence numbers run 1, 2, 3, ... without gaps: a number waits for the one before. The command
  /// of a repeated number is not looked at, the first one counts. argv is executed as it is, no
  /// shell in between; input is /dev/null; the user is root; variables are those of the job with
  /// the step's on top. Nothing is carried from a step to the next but files: a shell that is to
  /// keep its variables and folder writes them to a file (`trap 'export -p >FILE; pwd >FILE2'
  /// EXIT`) in a kFolder, and the next step reads them. `files` are written by the step runner
  /// inside, folders on the way being made, mode 0644. What cannot be run is exit code 127 or 126
  /// with a line in the log. After `timeout`: TERM to the step's session, KILL 10 s later,
  /// is_timed_out. Error "JobEnded" (kConflict): the job was stopped, or died, before the step's
  /// end.
  virtual Task<StepResult> RunStep(JobId id, StepSpec step) = 0;
  /// Where `path` inside the job is on this machine: a file or folder to read after (or during) the
  /// run, or to write to before a step. Only below inputs (kFolder, kBlobArchive, kGitTree) and
  /// output_paths. kInvalid: a symbolic link stands on the way (the job may have made it: never
  /// follow links below the answer either). Need not exist. Valid until Remove.
  virtual Result<std::string> HostPath(JobId id, std::string path) = 0;
  /// kUnavailable: nobody listens (yet), or the connection broke; kTimeout; kLimit: an answer over
  /// 64 MiB; kNotFound: never started, or no such port in its spec.
  virtual Task<JobAnswer> Exchange(JobId id, JobRequest request) {
    (void)request;
    const Error error{Code::kNotFound, "NoSuchPort", "job " + id.value + " serves nothing"};
    co_return error;
  }
  /// Makes a named pipe at `path` inside, in a kFolder. One that is there stays.
  virtual Task<> MakePipe(JobId id, std::string path) {
    (void)path;
    const Error error{Code::kInternal, "NoPipes", "job " + id.value + " has no named pipes here"};
    co_return error;
  }
  /// Writes what `open` gives into the named pipe at `path`, once somebody in the job has opened it
  /// to read; no more than a piece of it is held. An error of the stream is returned; its reader
  /// sees an end then, as it does when the server stops. kNotFound: never started.
  virtual Task<PipeEnd> FeedPipe(JobId id, std::string path, PipeOpener open) {
    (void)path, (void)open;
    const Error error{Code::kInternal, "NoPipes", "job " + id.value + " has no named pipes here"};
    co_return error;
  }
  /// TERM to the first process, KILL after `grace`; returns at its end. For a stepped job: TERM to
  /// everything in it, so without a running step it ends at once. kNotFound: never started.
  virtual Task<> Stop(JobId id, std::chrono::seconds grace) = 0;
  /// Frees everything, its folder too.
  virtual Task<> Remove(JobId id) = 0;
  virtual Task<std::vector<JobId>> List() = 0;
};

}  // namespace stepmill
