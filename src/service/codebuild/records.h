#pragma once

#include <optional>
#include <string>

#include "gate/operation.h"
#include "json/json.h"
#include "task/task.h"

/// Documents of CodeBuild, all below `<account>/<region>/codebuild/`:
///
///     project/NAME               the project as BatchGetProjects gives it, and "buildCount"
///     build/PROJECT:UUID         the build as BatchGetBuilds gives it; written by its machine. And
///                                "own" {"webhook": {EVENT, HEAD_REF, ...}}: what started it
///     webhook/PROJECT            {"project"}: projects whose webhook follows their repository
///     session/JOB                {"id"}: of a build that shows its status, by its role's session
///     followed/EXECUTION         {"id"}: the build whose commit follows this execution
///     batch/PROJECT:UUID         a batch as BatchGetBuildBatches gives it, and "own" {"start":
///     what
///                                its builds are started with}; written by its machine
///     batch-started/..., batch-started-of/..., batch-token/...    as of builds
///     active/PROJECT/ID          {}: counts against the project's concurrentBuildLimit
///     counter                    {"last"}: the "own.order" of the newest build or batch
///     waiting/PROJECT/ORDER/ID   {"id"}: queued, in order
///     started/MILLIS/ORDER/ID    {"id"}: all builds in the order of their start
///     started-of/PROJECT/MILLIS/ORDER/ID
///     token/TOKEN                {"id"}: an idempotencyToken that was used
namespace stepmill::codebuild {

Key ProjectKey(const Call& call, const std::string& name);
Key BuildKey(std::string_view account, std::string_view region, std::string_view id);
std::string InstanceId(std::string_view account, std::string_view region, std::string_view id);
/// "PROJECT:UUID" of an id or an ARN.
std::string BuildIdOf(std::string id_or_arn);
/// The project's document; ResourceNotFoundException. `name` may be an ARN.
Task<Document> RequireProject(Call& call, std::string name);

Key ActiveKey(std::string_view account, std::string_view region, std::string_view id);
/// `build`: the record (its number orders the queue).
Key WaitingKey(std::string_view account, std::string_view region, const Json& build);
/// "PROJECT:UUID" -> "PROJECT".
std::string ProjectOf(std::string_view build_id);
/// ".../NAME(.git)" -> NAME, for git sources.
std::string RepositoryOf(std::string location);
/// What clients see of a build.
inline Json ShownBuild(const Json& build) { return build.Without("own"); }
/// StartBuild of a project that was read; `input` may also have "initiator",
/// "resolvedSourceVersion" (the commit to build) and "own".
Task<Json> StartOwnBuild(Call& call, Document project, Json input);

Task<Json> StartOwnBatch(Call& call, Document project, Json input);
Key BatchKey(std::string_view account, std::string_view region, std::string_view id);
/// A new build or batch among all, by its start; a number tells those of one millisecond apart.
Task<int64_t> NextOrder(Call& call);
/// Of one of the indexes "started", "batch-started" and, with `project`, "started-of", ...
Key StartedKey(const Call& call, std::string index, std::string_view project, const Json& record);
/// The caller as builds show it: "codepipeline/NAME", a user's name, "ROLE/SESSION".
std::string InitiatorOf(const Call& call, const std::string& source_type = "");
/// A page of {"ids", "nextToken"} from an index, by the call's sortOrder and nextToken.
Task<Json> ListIndex(Call& call, Key prefix);

// Handlers; service.cc has their rows.
Task<Json> CreateProject(Call& call);
Task<Json> UpdateProject(Call& call);
Task<Json> DeleteProject(Call& call);
Task<Json> InvalidateProjectCache(Call& call);
Task<Json> BatchGetProjects(Call& call);
Task<Json> ListProjects(Call& call);
Task<Json> StartBuild(Call& call);
Task<Json> StartBuildForPipeline(Call& call);
/// Ours, asked by a queued build's machine: {"id"} -> {"isAdmitted"}: it counts from now on.
Task<Json> AdmitBuild(Call& call);
Task<Json> OnRepositoryEvent(Call& call);
Task<Json> OnExecutionStarted(Call& call);
Task<Json> CreateWebhook(Call& call);
Task<Json> UpdateWebhook(Call& call);
Task<Json> DeleteWebhook(Call& call);
Task<Json> StartBuildBatch(Call& call);
/// Ours, asked by a batch's machine: StartBuild's input, "own", "initiator", "buildBatchArn".
Task<Json> StartBuildOfBatch(Call& call);
Task<Json> StopBuildBatch(Call& call);
Task<Json> RetryBuildBatch(Call& call);
Task<Json> BatchGetBuildBatches(Call& call);
Task<Json> ListBuildBatches(Call& call);
Task<Json> ListBuildBatchesForProject(Call& call);
Task<Json> BatchDeleteBuilds(Call& call);
Task<Json> ListCuratedEnvironmentImages(Call& call);
Task<Json> StopBuild(Call& call);
Task<Json> RetryBuild(Call& call);
Task<Json> BatchGetBuilds(Call& call);
Task<Json> ListBuilds(Call& call);
Task<Json> ListBuildsForProject(Call& call);

}  // namespace stepmill::codebuild
