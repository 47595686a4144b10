#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

/// The errors of CodePipeline, each once.
namespace stepmill::codepipeline {

inline Error InvalidStructure(std::string message) {
  return {Code::kInvalid, "InvalidStructureException", std::move(message)};
}
inline Error InvalidStage(std::string message) {
  return {Code::kInvalid, "InvalidStageDeclarationException", std::move(message)};
}
inline Error InvalidAction(std::string message) {
  return {Code::kInvalid, "InvalidActionDeclarationException", std::move(message)};
}
inline Error Validation(std::string message) {
  return {Code::kInvalid, "ValidationException", std::move(message)};
}
inline Error PipelineNotFound(std::string_view name, std::string_view account) {
  return {Code::kNotFound, "PipelineNotFoundException",
          "Account '" + std::string(account) + "' does not have a pipeline with name '" +
              std::string(name) + "'"};
}
inline Error PipelineNameInUse(std::string_view name, std::string_view account) {
  return {Code::kConflict, "PipelineNameInUseException",
          "A pipeline with the name '" + std::string(name) + "' already exists in account '" +
              std::string(account) + "'"};
}
inline Error PipelineVersionNotFound(std::string_view name, int64_t version) {
  return {Code::kNotFound, "PipelineVersionNotFoundException",
          "Pipeline '" + std::string(name) + "' has no version " + std::to_string(version)};
}
inline Error ExecutionNotFound(std::string_view id) {
  return {Code::kNotFound, "PipelineExecutionNotFoundException",
          "The pipeline execution " + std::string(id) + " was not found"};
}
inline Error StageNotFound(std::string_view pipeline, std::string_view stage) {
  return {Code::kNotFound, "StageNotFoundException",
          "Pipeline '" + std::string(pipeline) + "' has no stage '" + std::string(stage) + "'"};
}
inline Error ActionNotFound(std::string_view stage, std::string_view action) {
  return {Code::kNotFound, "ActionNotFoundException",
          "Stage '" + std::string(stage) + "' has no action '" + std::string(action) + "'"};
}
inline Error NotStoppable(std::string_view id, std::string_view status) {
  return {Code::kConflict, "PipelineExecutionNotStoppableException",
          "The pipeline execution " + std::string(id) + " is " + std::string(status) +
              " and cannot be stopped"};
}
inline Error DuplicatedStopRequest(std::string_view id) {
  return {Code::kConflict, "DuplicatedStopRequestException",
          "The pipeline execution " + std::string(id) + " is already stopping"};
}
inline Error StageNotRetryable(std::string_view stage, std::string_view why) {
  return {Code::kConflict, "StageNotRetryableException",
          "Stage '" + std::string(stage) + "' cannot be retried: " + std::string(why)};
}
inline Error NotLatestExecution(std::string_view stage, std::string_view id) {
  return {Code::kConflict, "NotLatestPipelineExecutionException",
          "The pipeline execution " + std::string(id) + " is not the latest in stage '" +
              std::string(stage) + "'"};
}
inline Error InvalidApprovalToken() {
  return {Code::kInvalid, "InvalidApprovalTokenException",
          "The approval action has a different token"};
}
inline Error ApprovalAlreadyCompleted() {
  return {Code::kConflict, "ApprovalAlreadyCompletedException",
          "The approval action has already been approved or rejected"};
}

}  // namespace stepmill::codepipeline
