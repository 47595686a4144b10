#include "gate/model.h"
#include "service/codepipeline/codepipeline.h"
#include "service/codepipeline/records.h"
#include "service/ports.h"

namespace stepmill::codepipeline {
namespace {

constexpr std::string_view kByName = "arn:aws:codepipeline:{region}:{account}:{name}";
constexpr std::string_view kByPipelineName =
    "arn:aws:codepipeline:{region}:{account}:{pipelineName}";
constexpr std::string_view kStage =
    "arn:aws:codepipeline:{region}:{account}:{pipelineName}/{stageName}";
constexpr std::string_view kAll = "arn:aws:codepipeline:{region}:{account}:*";

constexpr Operation Row(std::string_view name, Task<Json> (*handler)(Call&),
                        std::string_view action, std::string_view resource, Access access,
                        std::string_view keeps = "") {
  return {.name = name,
          .handler = handler,
          .action = action,
          .resource = resource,
          .access = access,
          .keeps = keeps};
}

constexpr Operation kOperations[] = {
    Row("CreatePipeline", CreatePipeline, "codepipeline:CreatePipeline", kAll, Access::kWrite,
        "tags"),
    Row("GetPipeline", GetPipeline, "codepipeline:GetPipeline", kByName, Access::kRead),
    Row("ListPipelines", ListPipelines, "codepipeline:ListPipelines", kAll, Access::kList),
    Row("UpdatePipeline", UpdatePipeline, "codepipeline:UpdatePipeline", kAll, Access::kWrite),
    Row("DeletePipeline", DeletePipeline, "codepipeline:DeletePipeline", kByName, Access::kWrite),
    Row("TagResource", TagResource, "codepipeline:TagResource", "{resourceArn}", Access::kWrite),
    Row("UntagResource", UntagResource, "codepipeline:UntagResource", "{resourceArn}",
        Access::kWrite),
    Row("ListTagsForResource", ListTagsForResource, "codepipeline:ListTagsForResource",
        "{resourceArn}", Access::kRead),
    Row("StartPipelineExecution", StartPipelineExecution, "codepipeline:StartPipelineExecution",
        kByName, Access::kWrite),
    Row("StopPipelineExecution", StopPipelineExecution, "codepipeline:StopPipelineExecution",
        kByPipelineName, Access::kWrite),
    Row("RetryStageExecution", RetryStageExecution, "codepipeline:RetryStageExecution", kStage,
        Access::kWrite),
    Row("GetPipelineState", GetPipelineState, "codepipeline:GetPipelineState", kByName,
        Access::kRead),
    Row("GetPipelineExecution", GetPipelineExecution, "codepipeline:GetPipelineExecution",
        kByPipelineName, Access::kRead),
    Row("ListPipelineExecutions", ListPipelineExecutions, "codepipeline:ListPipelineExecutions",
        kByPipelineName, Access::kList),
    Row("ListActionExecutions", ListActionExecutions, "codepipeline:ListActionExecutions",
        kByPipelineName, Access::kList),
    Row("PutApprovalResult", PutApprovalResult, "codepipeline:PutApprovalResult",
        "arn:aws:codepipeline:{region}:{account}:{pipelineName}/{stageName}/{actionName}",
        Access::kWrite),
    Row("EnableStageTransition", EnableStageTransition, "codepipeline:EnableStageTransition",
        kStage, Access::kWrite),
    Row("DisableStageTransition", DisableStageTransition, "codepipeline:DisableStageTransition",
        kStage, Access::kWrite),
    {.name = "MoveToStage",
     .handler = MoveToStage,
     .action = "codepipeline:StartPipelineExecution",
     .resource = kByPipelineName,
     .is_internal = true},
    {.name = "SourceChanged",
     .handler = SourceChanged,
     .action = "codepipeline:StartPipelineExecution",
     .resource = kAll,
     .is_internal = true},
    {.name = "ObjectChanged",
     .handler = SourceChanged,
     .action = "codepipeline:StartPipelineExecution",
     .resource = kAll,
     .is_internal = true},
};

constexpr EventRow kEvents[] = {
    {R"({"source": ["aws.codecommit"],
         "detail-type": ["CodeCommit Repository State Change"],
         "detail": {"event": ["referenceCreated", "referenceUpdated"],
                    "referenceType": ["branch"]}})",
     "SourceChanged"},
    {R"({"source": ["aws.s3"], "detail-type": ["Object Created"]})", "ObjectChanged"},
};

void WireUp(Ports& ports) {
  ports.engine.AddMachine(std::string(kMachine), ExecutionMachine());
  AddPerformers(ports);
}

}  // namespace

const Service kService{.name = "codepipeline",
                       .host = "codepipeline.amazonaws.com",
                       .model = &models::kCodepipeline,
                       .operations = kOperations,
                       .events = kEvents,
                       .wire_up = WireUp};

}  // namespace stepmill::codepipeline
