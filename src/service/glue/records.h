#pragma once

#include <string>

#include "gate/operation.h"
#include "json/json.h"
#include "task/task.h"

/// Documents of Glue, below `<account>/<region>/glue/`:
///
///     job/NAME                 what GetJob answers, and "Own" {"starts"}: how often it was started
///     tags/ARN                 {"Tags": {key: value}}
///     run/JOB/RUN              what GetJobRun answers; written by the run's machine
///     started/JOB/MILLIS/ORDER/ATTEMPT/RUN   {"Id"}: a job's runs in the order of their start
///     active/JOB/RUN           {}: counts against the job's MaxConcurrentRuns
///     waiting/JOB/ORDER/RUN    {"Id"}: queued, in order
///
/// A start also writes the job's document, so that two starts that meet conflict and the second
/// one counts the first. ORDER is that count: it tells starts of one millisecond apart, and its
/// machine keeps it.
namespace stepmill::glue {

Key JobKey(std::string_view account, std::string_view region, std::string_view name);
Key RunKey(std::string_view account, std::string_view region, std::string_view job,
           std::string_view run);
Key StartedKey(std::string_view account, std::string_view region, const Json& run, int64_t order);
Key WaitingKey(std::string_view account, std::string_view region, const Json& run, int64_t order);
Key ActiveKey(std::string_view account, std::string_view region, std::string_view job,
              std::string_view run);
/// "glue/ACCOUNT/REGION/RUN": the machine of a run and of its retries, by the first one's id.
std::string InstanceId(std::string_view account, std::string_view region, std::string_view run);
/// "jr_X_attempt_2" -> "jr_X".
std::string FirstRunId(std::string_view run);
std::string JobArn(const Call& call, std::string_view name);
Key TagsKey(const Call& call, std::string_view arn);

Task<std::optional<Document>> FindJob(Call& call, std::string name);
/// EntityNotFoundException.
Task<Document> RequireJob(Call& call, std::string name);
/// What clients see of a job's document.
inline Json Shown(const Json& job) { return job.Without("Own"); }
/// All documents below a prefix, at most `limit`.
Task<std::vector<Document>> ReadAll(Call& call, Key prefix, int limit);

// Handlers; service.cc has their rows.
Task<Json> CreateJob(Call& call);
Task<Json> UpdateJob(Call& call);
Task<Json> GetJob(Call& call);
Task<Json> GetJobs(Call& call);
Task<Json> BatchGetJobs(Call& call);
Task<Json> ListJobs(Call& call);
Task<Json> DeleteJob(Call& call);
Task<Json> StartJobRun(Call& call);
/// Ours, asked by a waiting run's machine: {"JobName", "RunId"} -> {"state": "admitted" (it counts
/// as active from now on), "waiting", "gone" (the job was deleted)}.
Task<Json> AdmitJobRun(Call& call);
Task<Json> GetJobRun(Call& call);
Task<Json> GetJobRuns(Call& call);
Task<Json> BatchStopJobRun(Call& call);
Task<Json> TagResource(Call& call);
Task<Json> UntagResource(Call& call);
Task<Json> GetTags(Call& call);

}  // namespace stepmill::glue
