#pragma once

#include <optional>
#include <string>

#include "gate/operation.h"

/// What Batch keeps:
///
///   batch/environment/NAME      a compute environment as it is described
///   batch/queue/NAME            a job queue as it is described
///   batch/definition/NAME/REV   a job definition as it is described (REV padded)
///   batch/revision/NAME         {"last"}: the definition's newest revision
///   batch/job/ID                a job as it is described; a child of an array is PARENT:INDEX
///   batch/number/QUEUE          {"last"}: counts a queue's jobs
///   batch/listed/QUEUE/NUMBER   {"jobId"}: the queue's jobs in their order, no children
///   batch/places/QUEUE          {"used"}: vCPUs of its jobs that have a place
///   batch/placed/QUEUE/ID       {"vcpus"}
///   batch/line/QUEUE            {"last"}: counts who waited for a place
///   batch/waiting/QUEUE/NUMBER  {"jobId", "vcpus"}: who waits for a place, in order
namespace stepmill::batch {

inline constexpr char kHost[] = "batch.amazonaws.com";
inline constexpr char kMachine[] = "batch";
inline constexpr char kJobEvent[] = "Batch Job State Change";

inline Error ClientError(std::string message) {
  return {Code::kInvalid, "ClientException", std::move(message)};
}

Key EnvironmentKey(const Call& call, const std::string& name);
Key QueueKey(const Call& call, const std::string& name);
Key JobKey(std::string_view account, std::string_view region, const std::string& id);
/// The last part of an ARN ("...:job-queue/NAME"), or the name itself.
std::string NameOf(const std::string& arn_or_name);
/// "batch/ACCOUNT/REGION/JOB".
std::string InstanceId(const Call& call, const std::string& job_id);

Task<Document> RequireQueue(Call& call, std::string arn_or_name);
/// By ARN, "name:revision" or name (the newest that is ACTIVE).
Task<Json> RequireDefinition(Call& call, std::string reference);
/// The vCPUs that a queue's environments have at most.
Task<int64_t> VcpusOfQueue(Call& call, Json queue);

bool IsOver(const std::string& status);
/// `name` of a list [{"name", "value"}] or [{"type", "value"}] set over another's.
Json Overlaid(const Json& list, const Json& over, std::string_view key);
int64_t VcpusOf(const Json& container);
int64_t MemoryOf(const Json& container);

}  // namespace stepmill::batch
