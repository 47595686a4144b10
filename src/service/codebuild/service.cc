#include "engine/engine.h"
#include "gate/model.h"
#include "service/codebuild/batch_machine.h"
#include "service/codebuild/build_machine.h"
#include "service/codebuild/codebuild.h"
#include "service/codebuild/follow.h"
#include "service/codebuild/performers.h"
#include "service/codebuild/records.h"
#include "service/ports.h"

namespace stepmill::codebuild {
namespace {

constexpr std::string_view kProject = "arn:aws:codebuild:{region}:{account}:project/{name}";
constexpr std::string_view kProjectName =
    "arn:aws:codebuild:{region}:{account}:project/{projectName}";
constexpr std::string_view kAny = "arn:aws:codebuild:{region}:{account}:project/*";
constexpr std::string_view kKept =
    "description,tags,badgeEnabled,encryptionKey,cache,"
    "environment.imagePullCredentialsType,source.auth,source.gitCloneDepth,"
    "source.gitSubmodulesConfig,artifacts.encryptionDisabled";

constexpr Operation kOperations[] = {
    {.name = "CreateProject",
     .handler = CreateProject,
     .action = "codebuild:CreateProject",
     .resource = kProject,
     .access = Access::kWrite,
     .keeps = kKept},
    {.name = "UpdateProject",
     .handler = UpdateProject,
     .action = "codebuild:UpdateProject",
     .resource = kProject,
     .access = Access::kWrite,
     .keeps = kKept},
    {.name = "DeleteProject",
     .handler = DeleteProject,
     .action = "codebuild:DeleteProject",
     .resource = kProject,
     .access = Access::kWrite},
    {.name = "BatchGetProjects",
     .handler = BatchGetProjects,
     .action = "codebuild:BatchGetProjects",
     .resource = kAny,
     .access = Access::kRead},
    {.name = "ListProjects",
     .handler = ListProjects,
     .action = "codebuild:ListProjects",
     .access = Access::kList},
    {.name = "StartBuild",
     .handler = StartBuild,
     .action = "codebuild:StartBuild",
     .resource = kProjectName,
     .access = Access::kWrite,
     .keeps = "cacheOverride,encryptionKeyOverride,imagePullCredentialsTypeOverride,"
              "gitCloneDepthOverride,"
              "gitSubmodulesConfigOverride,sourceAuthOverride"},
    {.name = "StartBuildForPipeline",
     .handler = StartBuildForPipeline,
     .action = "codebuild:StartBuild",
     .resource = kProjectName,
     .access = Access::kWrite,
     .is_internal = true},
    {.name = "AdmitBuild",
     .handler = AdmitBuild,
     .action = "codebuild:StartBuild",
     .resource = kAny,
     .is_internal = true},
    {.name = "OnRepositoryEvent",
     .handler = OnRepositoryEvent,
     .action = "codebuild:StartBuild",
     .resource = kAny,
     .is_internal = true},
    {.name = "OnExecutionStarted",
     .handler = OnExecutionStarted,
     .action = "codebuild:StartBuild",
     .resource = kAny,
     .is_internal = true},
    {.name = "StartBuildBatch",
     .handler = StartBuildBatch,
     .action = "codebuild:StartBuildBatch",
     .resource = kProjectName,
     .keeps = "cacheOverride,encryptionKeyOverride,imagePullCredentialsTypeOverride,"
              "gitCloneDepthOverride,gitSubmodulesConfigOverride,sourceAuthOverride"},
    {.name = "StopBuildBatch",
     .handler = StopBuildBatch,
     .action = "codebuild:StopBuildBatch",
     .resource = kAny},
    {.name = "RetryBuildBatch",
     .handler = RetryBuildBatch,
     .action = "codebuild:RetryBuildBatch",
     .resource = kAny,
     .keeps = "idempotencyToken"},
    {.name = "BatchGetBuildBatches",
     .handler = BatchGetBuildBatches,
     .action = "codebuild:BatchGetBuildBatches",
     .resource = kAny,
     .access = Access::kRead},
    {.name = "ListBuildBatches",
     .handler = ListBuildBatches,
     .action = "codebuild:ListBuildBatches",
     .access = Access::kList},
    {.name = "ListBuildBatchesForProject",
     .handler = ListBuildBatchesForProject,
     .action = "codebuild:ListBuildBatchesForProject",
     .resource = kProjectName,
     .access = Access::kList},
    {.name = "StartBuildOfBatch",
     .handler = StartBuildOfBatch,
     .action = "codebuild:StartBuild",
     .resource = kProjectName,
     .is_internal = true},
    {.name = "CreateWebhook",
     .handler = CreateWebhook,
     .action = "codebuild:CreateWebhook",
     .resource = kProjectName,
     .keeps = "pullRequestBuildPolicy.approverRoles"},
    {.name = "UpdateWebhook",
     .handler = UpdateWebhook,
     .action = "codebuild:UpdateWebhook",
     .resource = kProjectName,
     .keeps = "pullRequestBuildPolicy.approverRoles"},
    {.name = "DeleteWebhook",
     .handler = DeleteWebhook,
     .action = "codebuild:DeleteWebhook",
     .resource = kProjectName},
    {.name = "BatchDeleteBuilds",
     .handler = BatchDeleteBuilds,
     .action = "codebuild:BatchDeleteBuilds",
     .resource = kAny},
    {.name = "ListCuratedEnvironmentImages",
     .handler = ListCuratedEnvironmentImages,
     .action = "codebuild:ListCuratedEnvironmentImages",
     .access = Access::kList},
    {.name = "StopBuild",
     .handler = StopBuild,
     .action = "codebuild:StopBuild",
     .resource = kAny,
     .access = Access::kWrite},
    {.name = "RetryBuild",
     .handler = RetryBuild,
     .action = "codebuild:RetryBuild",
     .resource = kAny,
     .access = Access::kWrite},
    {.name = "BatchGetBuilds",
     .handler = BatchGetBuilds,
     .action = "codebuild:BatchGetBuilds",
     .resource = kAny,
     .access = Access::kRead},
    {.name = "ListBuilds",
     .handler = ListBuilds,
     .action = "codebuild:ListBuilds",
     .access = Access::kList},
    {.name = "ListBuildsForProject",
     .handler = ListBuildsForProject,
     .action = "codebuild:ListBuildsForProject",
     .resource = kProjectName,
     .access = Access::kList},
};

constexpr EventRow kEvents[] = {
    {.pattern = R"({"source": ["aws.codecommit"], "detail-type": [
        "CodeCommit Repository State Change", "CodeCommit Pull Request State Change"]})",
     .operation = "OnRepositoryEvent"},
    {.pattern = R"({"source": ["aws.states"], "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {"eventName": ["StartExecution"]}})",
     .operation = "OnExecutionStarted"},
};

void WireUp(Ports& ports) {
  ports.engine.AddMachine(kMachine, JsonMachine(AdvanceBuild));
  ports.engine.AddMachine(kBatchMachine, JsonMachine(AdvanceBatch));
  ports.engine.AddMachine(kFollowMachine, JsonMachine(AdvanceFollow));
  AddPerformers(ports);
}

}  // namespace

const Service kService{.name = "codebuild",
                       .host = "codebuild.amazonaws.com",
                       .model = &models::kCodebuild,
                       .operations = kOperations,
                       .events = kEvents,
                       .wire_up = WireUp};

}  // namespace stepmill::codebuild
