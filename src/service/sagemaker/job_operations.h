#pragma once

#include <string>

#include "gate/operation.h"
#include "json/json.h"
#include "service/sagemaker/job_kind.h"
#include "task/task.h"

/// What the operations of all kinds of jobs do alike.
namespace stepmill::sagemaker {

/// "sagemaker/ACCOUNT/REGION/TYPE/NAME": the instance of a job.
std::string JobInstance(const Call& call, const JobKind& kind, std::string_view name);

/// The document of the job that the call names; the kind's error when there is none.
Task<Document> RequireJob(Call& call, const JobKind& kind);

/// The kind's error when a job of the call's name was ever there.
Task<> CheckNameIsFree(Call& call, const JobKind& kind);
/// Adds a new job to the call's batch: its document (`job` with ARN, status and times), its tags,
/// and its machine, whose first event has the job and `more`. Returns what Create answers.
Json StartJob(Call& call, const JobKind& kind, const Json& job, const Json& more);
/// Stops the job that the call names. Refused once it is over.
Task<Json> StopJob(Call& call, const JobKind& kind);

/// AWS looks before it takes a job: does `uri` name anything that the role can see?
Task<bool> HasObjects(Call& call, std::string role, std::string uri);

/// Why the first host of a job (its document, or an item of a list) waits for room on the machine;
/// "": it does not.
std::string WaitReason(const Call& call, const JobKind& kind, const Json& job);
/// The answer of a list with `show` over its items.
Json WithItems(const Call& call, Json answer, const char* list,
               Json (*show)(const Call& call, Json item));

}  // namespace stepmill::sagemaker
