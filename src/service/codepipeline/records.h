#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "engine/engine.h"
#include "gate/operation.h"
#include "json/json.h"

namespace stepmill::codepipeline {

// Documents, below ACCOUNT/REGION/codepipeline:
//   pipeline/NAME              {declaration, created, updated, tags}
//   version/NAME/VERSION       the declaration (VERSION padded to eight digits)
//   follow/KIND/A/B/NAME       {}: a push to branch B of A (an object B of bucket A) starts NAME
//   stage/NAME/STAGE           {inbound {enabled, reason, by, at}, holder, waiting [{executionId,
//                              instance}]}: who is in a stage and who waits in front of it
//   execution/NAME/ID          see Execution::ExecutionDocument; order/NAME/MS-ID: {id}
//   latest/NAME/STAGE          what GetPipelineState shows of a stage
//   action/NAME/MS-SEQ-ID      the modelled ActionExecutionDetail
//   resume/NAME/ID             what a retry of a failed or stopped execution goes on from

/// The key of a document of an account and region, as Call::KeyFor.
Key RecordKey(std::string_view account, std::string_view region,
              std::initializer_list<std::string_view> parts);

/// The one kind of machine: one instance an execution and attempt.
inline constexpr std::string_view kMachine = "codepipeline.execution";
std::unique_ptr<Machine> ExecutionMachine();

// Performers (actions.cc).
inline constexpr std::string_view kSourcePerformer = "codepipeline.source";
inline constexpr std::string_view kStartPerformer = "codepipeline.start-execution";
inline constexpr std::string_view kOutputPerformer = "codepipeline.store-output";
void AddPerformers(Ports& ports);

// Rows.
Task<Json> CreatePipeline(Call& call);
Task<Json> GetPipeline(Call& call);
Task<Json> ListPipelines(Call& call);
Task<Json> UpdatePipeline(Call& call);
Task<Json> DeletePipeline(Call& call);
Task<Json> TagResource(Call& call);
Task<Json> UntagResource(Call& call);
Task<Json> ListTagsForResource(Call& call);
Task<Json> StartPipelineExecution(Call& call);
Task<Json> StopPipelineExecution(Call& call);
Task<Json> RetryStageExecution(Call& call);
Task<Json> GetPipelineState(Call& call);
Task<Json> GetPipelineExecution(Call& call);
Task<Json> ListPipelineExecutions(Call& call);
Task<Json> ListActionExecutions(Call& call);
Task<Json> PutApprovalResult(Call& call);
Task<Json> EnableStageTransition(Call& call);
Task<Json> DisableStageTransition(Call& call);
// Internal: asked by executions and by events.
Task<Json> MoveToStage(Call& call);
Task<Json> SourceChanged(Call& call);

// Shared by the rows.
Task<Document> RequirePipeline(Call& call, std::string name);
struct Launch {
  Json declaration;
  std::string trigger_type, trigger_detail;
  Json variables;         ///< [{name, value}]
  Json source_revisions;  ///< [{actionName, revisionType, revisionValue}]
};
/// Adds a new execution to the call's batch; its id. ValidationException.
Task<std::string> AddExecution(Call& call, Launch launch);

}  // namespace stepmill::codepipeline
