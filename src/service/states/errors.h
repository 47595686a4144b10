#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

/// The errors of Step Functions, each once.
namespace stepmill::states {

inline Error InvalidArnPrefix(std::string_view arn) {
  return {Code::kInvalid, "InvalidArn",
          "Invalid Arn: 'Invalid ARN prefix: " + std::string(arn) + "'"};
}
inline Error InvalidArnType(std::string_view type) {
  return {Code::kInvalid, "InvalidArn",
          "Invalid Arn: 'Resource type not valid in this context: " + std::string(type) + "'"};
}
inline Error InvalidName(std::string_view name) {
  return {Code::kInvalid, "InvalidName", "Invalid Name: '" + std::string(name) + "'"};
}
inline Error InvalidDefinition(std::string_view findings) {
  return {Code::kInvalid, "InvalidDefinition",
          "Invalid State Machine Definition: '" + std::string(findings) + "'"};
}
inline Error StateMachineDoesNotExist(std::string_view arn) {
  return {Code::kNotFound, "StateMachineDoesNotExist",
          "State Machine Does Not Exist: '" + std::string(arn) + "'"};
}
inline Error StateMachineAlreadyExists(std::string_view arn) {
  return {Code::kConflict, "StateMachineAlreadyExists",
          "State Machine Already Exists: '" + std::string(arn) + "'"};
}
inline Error StateMachineTypeNotSupported(std::string_view message) {
  return {Code::kInvalid, "StateMachineTypeNotSupported", std::string(message)};
}
inline Error ExecutionDoesNotExist(std::string_view arn) {
  return {Code::kNotFound, "ExecutionDoesNotExist",
          "Execution Does Not Exist: '" + std::string(arn) + "'"};
}
inline Error ExecutionAlreadyExists(std::string_view arn) {
  return {Code::kConflict, "ExecutionAlreadyExists",
          "Execution Already Exists: '" + std::string(arn) + "'"};
}
inline Error InvalidExecutionInput(std::string_view message) {
  return {Code::kInvalid, "InvalidExecutionInput", std::string(message)};
}
inline Error InvalidLoggingConfiguration(std::string_view why) {
  return {Code::kInvalid, "InvalidLoggingConfiguration",
          "Invalid Logging Configuration: " + std::string(why)};
}
inline Error InvalidToken() {
  return {Code::kInvalid, "InvalidToken", "Invalid Token: 'Invalid token'"};
}
inline Error MissingRequiredParameter() {
  return {Code::kInvalid, "MissingRequiredParameter",
          "Either the definition, the role ARN, the LoggingConfiguration, or the "
          "TracingConfiguration must be specified"};
}
inline Error ResourceNotFound(std::string_view arn) {
  return {Code::kNotFound, "ResourceNotFound", "Resource not found: '" + std::string(arn) + "'"};
}
inline Error TooManyTags(std::string_view arn) {
  return {Code::kLimit, "TooManyTags", "Too Many Tags: '" + std::string(arn) + "'"};
}
inline Error InvalidOutput(std::string_view why) {
  return {Code::kInvalid, "InvalidOutput", "Invalid Output: '" + std::string(why) + "'"};
}
inline Error TaskTimedOut() {
  return {Code::kInvalid, "TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'"};
}
inline Error NotBuilt(std::string_view what) {
  return {Code::kInvalid, "ValidationException", std::string(what) + " is not built in stepmill"};
}

}  // namespace stepmill::states
