#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

/// The errors of CodeCommit, each once.
namespace stepmill::codecommit {

inline Error RepositoryDoesNotExist(std::string_view name) {
  return {Code::kNotFound, "RepositoryDoesNotExistException",
          std::string(name) + " does not exist"};
}
inline Error RepositoryNameExists(std::string_view name) {
  return {Code::kConflict, "RepositoryNameExistsException",
          "Repository named " + std::string(name) + " already exists"};
}
inline Error BranchDoesNotExist(std::string_view branch) {
  return {Code::kNotFound, "BranchDoesNotExistException",
          "Branch " + std::string(branch) + " does not exist"};
}
inline Error BranchNameExists(std::string_view branch) {
  return {Code::kConflict, "BranchNameExistsException",
          "Branch " + std::string(branch) + " already exists"};
}
inline Error InvalidBranchName(std::string_view branch) {
  return {Code::kInvalid, "InvalidBranchNameException",
          "The specified branch name is not valid: " + std::string(branch)};
}
inline Error CommitDoesNotExist(std::string_view commit) {
  return {Code::kNotFound, "CommitDoesNotExistException",
          "Commit " + std::string(commit) + " does not exist"};
}
inline Error CommitIdDoesNotExist(std::string_view commit) {
  return {Code::kNotFound, "CommitIdDoesNotExistException",
          "Commit " + std::string(commit) + " does not exist"};
}
inline Error FileDoesNotExist(std::string_view path) {
  return {Code::kNotFound, "FileDoesNotExistException",
          "The file does not exist: " + std::string(path)};
}
inline Error ReferenceDoesNotExist(std::string_view reference) {
  return {Code::kNotFound, "ReferenceDoesNotExistException",
          "Reference " + std::string(reference) + " does not exist"};
}
inline Error PullRequestDoesNotExist(std::string_view id) {
  return {Code::kNotFound, "PullRequestDoesNotExistException",
          "Pull request " + std::string(id) + " does not exist"};
}
inline Error PullRequestAlreadyClosed(std::string_view id) {
  return {Code::kConflict, "PullRequestAlreadyClosedException",
          "Pull request " + std::string(id) + " is already closed"};
}
inline Error RepositoryNotAssociated(std::string_view repository, std::string_view id) {
  return {Code::kInvalid, "RepositoryNotAssociatedWithPullRequestException",
          "The repository " + std::string(repository) + " is not associated with pull request " +
              std::string(id)};
}
inline Error TipOfSourceIsDifferent(std::string_view given, std::string_view tip) {
  return {Code::kConflict, "TipOfSourceReferenceIsDifferentException",
          "The tip of the source branch is " + std::string(tip) + ", not " + std::string(given)};
}
inline Error ManualMergeRequired(std::string_view why) {
  return {Code::kConflict, "ManualMergeRequiredException",
          "The pull request cannot be merged automatically: " + std::string(why)};
}
inline Error ConcurrentReferenceUpdate(std::string_view reference) {
  return {Code::kConflict, "ConcurrentReferenceUpdateException",
          "The reference " + std::string(reference) + " was moved by another request; try again"};
}
inline Error InvalidStatusUpdate() {
  return {Code::kInvalid, "InvalidPullRequestStatusUpdateException",
          "The pull request status update is not valid. The only valid update is from OPEN to "
          "CLOSED."};
}
inline Error BadToken() {
  return {Code::kInvalid, "InvalidContinuationTokenException",
          "The specified continuation token is not valid."};
}
inline Error NotBuilt(std::string_view member, std::string_view value) {
  return {Code::kInvalid, "OperationNotAllowedException",
          std::string(member) + " " + std::string(value) + " is not supported by stepmill"};
}

}  // namespace stepmill::codecommit
