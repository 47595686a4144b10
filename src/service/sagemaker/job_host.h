#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "compute/backend.h"
#include "engine/engine.h"
#include "json/json.h"
#include "service/ask.h"
#include "service/log_pump.h"
#include "service/sagemaker/job_kind.h"

/// What the performers of all kinds of jobs do with a host: one container of a job.
namespace stepmill::sagemaker {

struct JobHost {
  Asker asker;     ///< as the job's role
  const Json job;  ///< its document
  int index;       ///< from 0
  JobId id;
};
/// From what a machine gives its performers (JobMachine::What). The role is the job's, or that of
/// the model that it runs.
Result<JobHost> HostOf(Ports& ports, const Json& what, const JobKind& kind);

/// "training-" + digest of the ARN + host number from 1.
JobId HostId(const JobKind& kind, const Json& job, int index);

using Performance = Engine::Performance;

/// {"failure": text}: the job fails by it.
Json Failure(const std::string& text);

/// Starts a host when the machine has room for it: `stage` then adds its data to the spec, as blobs
/// that are gone again afterwards. A host that was begun before a crash is staged already (its data
/// may be gone from the bucket by now), and goes on. Errors that may pass are errors, others
/// {"failure": `words` + the message}.
using StageFunction = Task<> (*)(JobHost host, JobSpec& spec, std::vector<BlobId>& blobs);
Task<Json> StartHost(JobHost host, JobSpec spec, StageFunction stage, std::string words);
/// TERM, and KILL after `grace`. One that has not begun yet has nothing to stop; it is told again
/// when it has.
Task<Json> StopHost(JobHost host, std::chrono::seconds grace);
/// Takes its container and folder away, and adds to `batch` that its log's pump is forgotten.
Task<> RemoveHost(Asker asker, JobId id, Batch& batch);

/// A pump of a host's output, line by line as it is.
LogPump PlainPump(const JobId& id);
/// The same with control characters as CloudWatch Logs shows them ("#011").
LogPump EscapingPump(const JobId& id);
/// "JOB/HOST-EPOCH": the log stream of a host.
std::string LogStreamOf(const std::string& job_name, const std::string& host_name,
                        const Json& what);

// ---- parts of a host's spec

JobInput TextFile(const std::string& path, std::string text);
JobInput EmptyFolder(const std::string& path);
/// ContainerEntrypoint and ContainerArguments of `app`, with docker's meaning.
void SetCommand(JobSpec& spec, const Json& app);
void AddEnvironment(JobSpec& spec, const Json& environment);
/// The limits of an instance type, and whether there is a network at all.
void SetMachine(JobSpec& spec, const std::string& instance_type, bool is_isolated);
/// Who the job is for calls that come from inside.
void SetIdentity(JobSpec& spec, const std::string& role, const std::string& account,
                 const std::string& region);
/// One of several hosts: they share the private network `group`.
void SetGroup(JobSpec& spec, const std::string& group, const std::vector<std::string>& hosts,
              size_t index);

}  // namespace stepmill::sagemaker
