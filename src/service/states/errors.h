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
/// `reason`: one of the model's ValidationExceptionReason, or empty.
inline Error Validation(std::string message, std::string reason = "") {
  Error error{Code::kInvalid, "ValidationException", std::move(message)};
  if (!reason.empty()) error.fields.emplace_back("reason", std::move(reason));
  return error;
}
inline Error LabelledArn() {
  return Validation("This operation does not support ARNs of labeled state machines",
                    "API_DOES_NOT_SUPPORT_LABELED_ARNS");
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
inline Error StateMachineTypeNotSupported() {
  return {Code::kInvalid, "StateMachineTypeNotSupported",
          "This operation is not supported by this type of state machine"};
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
inline Error InvalidEncryptionConfiguration(std::string_view why) {
  return {Code::kInvalid, "InvalidEncryptionConfiguration",
          "Invalid Encryption Configuration: '" + std::string(why) + "'"};
}
inline Error InvalidToken() {
  return {Code::kInvalid, "InvalidToken", "Invalid Token: 'Invalid token'"};
}
inline Error MissingRequiredParameter() {
  return {Code::kInvalid, "MissingRequiredParameter",
          "Either the definition, the role ARN, the LoggingConfiguration, or the "
          "TracingConfiguration must be specified"};
}
inline Error Conflict(std::string message) {
  return {Code::kConflict, "ConflictException", std::move(message)};
}
inline Error QuotaExceeded(std::string message) {
  return {Code::kLimit, "ServiceQuotaExceededException", std::move(message)};
}
/// Of aliases and versions that a request names beside its subject.
inline Error ReferencedNotFound() {
  return {Code::kNotFound, "ResourceNotFound",
          "Request references a resource that does not exist."};
}
inline Error ActivityDoesNotExist(std::string_view arn) {
  return {Code::kNotFound, "ActivityDoesNotExist",
          "Activity Does Not Exist: '" + std::string(arn) + "'"};
}
inline Error ActivityAlreadyExists(std::string_view arn) {
  return {Code::kConflict, "ActivityAlreadyExists",
          "Activity Already Exists: '" + std::string(arn) + "'"};
}
inline Error ExecutionNotRedrivable(std::string why) {
  return {Code::kInvalid, "ExecutionNotRedrivable", std::move(why)};
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
inline Error TaskDoesNotExist() {
  return {Code::kNotFound, "TaskDoesNotExist",
          "Task Does Not Exist: 'Provided task does not exist'"};
}
inline Error NotBuilt(std::string_view what) {
  return {Code::kInvalid, "ValidationException", std::string(what) + " is not built in stepmill"};
}

}  // namespace stepmill::states
