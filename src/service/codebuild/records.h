#pragma once

#include <optional>
#include <string>

#include "gate/operation.h"
#include "json/json.h"
#include "task/task.h"

/// Documents of CodeBuild, all below `<account>/<region>/codebuild/`:
///
///     project/NAME               the project as BatchGetProjects gives it, and "buildCount"
///     build/PROJECT:UUID         the build as BatchGetBuilds gives it; written by its machine
///     started/MILLIS/ID          empty: all builds in the order of their start
///     started-of/PROJECT/MILLIS/ID
///     token/TOKEN                {"id"}: an idempotencyToken that was used
namespace stepmill::codebuild {

Key ProjectKey(const Call& call, const std::string& name);
Key BuildKey(std::string_view account, std::string_view region, std::string_view id);
std::string InstanceId(std::string_view account, std::string_view region, std::string_view id);
/// "PROJECT:UUID" of an id or an ARN.
std::string BuildIdOf(std::string id_or_arn);
/// The project's document; ResourceNotFoundException. `name` may be an ARN.
Task<Document> RequireProject(Call& call, std::string name);

// Handlers; service.cc has their rows.
Task<Json> CreateProject(Call& call);
Task<Json> UpdateProject(Call& call);
Task<Json> DeleteProject(Call& call);
Task<Json> BatchGetProjects(Call& call);
Task<Json> ListProjects(Call& call);
Task<Json> StartBuild(Call& call);
Task<Json> StartBuildForPipeline(Call& call);
Task<Json> StopBuild(Call& call);
Task<Json> RetryBuild(Call& call);
Task<Json> BatchGetBuilds(Call& call);
Task<Json> ListBuilds(Call& call);
Task<Json> ListBuildsForProject(Call& call);

}  // namespace stepmill::codebuild
