#pragma once

#include <string>

#include "base/result.h"

namespace stepmill::glue {

inline Error InvalidInput(std::string message) {
  return {Code::kInvalid, "InvalidInputException", std::move(message)};
}
inline Error NotFound(std::string message) {
  return {Code::kNotFound, "EntityNotFoundException", std::move(message)};
}
inline Error JobNotFound(const std::string& name) {
  return NotFound("Job with name: " + name + " not found.");
}
inline Error RunNotFound(const std::string& id) {
  return NotFound("Job run with id: " + id + " not found.");
}
inline Error NoMetadata() { return NotFound("Failed to start job run due to missing metadata"); }
inline Error DifferentJob(const std::string& name) {
  return {Code::kConflict, "IdempotentParameterMismatchException",
          "Job " + name + " already submitted with different configuration"};
}
inline Error TooManyRuns(const std::string& name) {
  return {Code::kLimit, "ConcurrentRunsExceededException", "Concurrent runs exceeded for " + name};
}

}  // namespace stepmill::glue
