#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

/// The errors of Secrets Manager, each once, with AWS's texts.
namespace stepmill::secretsmanager {

inline Error NoSuchSecret() {
  return {Code::kNotFound, "ResourceNotFoundException",
          "Secrets Manager can't find the specified secret."};
}
inline Error NoSuchStage(std::string_view stage) {
  return {Code::kNotFound, "ResourceNotFoundException",
          "Secrets Manager can't find the specified secret value for staging label: " +
              std::string(stage)};
}
inline Error NoSuchVersion(std::string_view version) {
  return {Code::kNotFound, "ResourceNotFoundException",
          "Secrets Manager can't find the specified secret value for VersionId: " +
              std::string(version)};
}
inline Error SecretExists(std::string_view name) {
  return {Code::kConflict, "ResourceExistsException",
          "The operation failed because the secret " + std::string(name) + " already exists."};
}
inline Error VersionExists() {
  return {Code::kConflict, "ResourceExistsException",
          "You can't use ClientRequestToken because that value is already in use for a version of "
          "this secret with another value."};
}
inline Error InvalidParameter(std::string message) {
  return {Code::kInvalid, "InvalidParameterException", std::move(message)};
}
inline Error InvalidRequest(std::string message) {
  return {Code::kInvalid, "InvalidRequestException", std::move(message)};
}
inline Error IsDeleted() {
  return InvalidRequest(
      "You can't perform this operation on the secret because it was marked for deletion.");
}
inline Error IsOwned(std::string_view owner) {
  return InvalidRequest("Operation is not allowed on secret owned by " + std::string(owner));
}
inline Error InvalidToken() {
  return {Code::kInvalid, "InvalidNextTokenException", "The NextToken value is invalid."};
}
inline Error NotBuilt(std::string_view what) {
  return InvalidParameter(std::string(what) + " is not built in stepmill.");
}

}  // namespace stepmill::secretsmanager
