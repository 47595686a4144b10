#pragma once

#include <string>

#include "base/result.h"

namespace stepmill::codebuild {

inline Error InvalidInput(std::string message) {
  return {Code::kInvalid, "InvalidInputException", std::move(message)};
}
inline Error ProjectNotFound(const std::string& arn) {
  return {Code::kNotFound, "ResourceNotFoundException", "Project cannot be found: " + arn};
}
inline Error ProjectExists(const std::string& arn) {
  return {Code::kConflict, "ResourceAlreadyExistsException", "Project already exists: " + arn};
}
inline Error TooManyQueued(int64_t most) {
  return {Code::kLimit, "AccountLimitExceededException",
          "Cannot have more than " + std::to_string(most) + " builds in queue for the account"};
}
inline Error ReportGroupNotFound(const std::string& arn) {
  return {Code::kNotFound, "ResourceNotFoundException", "Report group cannot be found: " + arn};
}
inline Error ReportGroupExists(const std::string& arn) {
  return {Code::kConflict, "ResourceAlreadyExistsException", "Report group already exists: " + arn};
}
inline Error ReportNotFound(const std::string& arn) {
  return {Code::kNotFound, "ResourceNotFoundException", "Report cannot be found: " + arn};
}
inline Error BuildNotFound(const std::string& arn) {
  return {Code::kNotFound, "ResourceNotFoundException", "Build cannot be found: " + arn};
}

}  // namespace stepmill::codebuild
