#pragma once

#include <string>

#include "base/result.h"

namespace stepmill::lambda {

inline Error UserError(Code code, std::string name, std::string message) {
  Error error{code, std::move(name), std::move(message)};
  error.fields = {{"Type", "User"}};
  return error;
}
inline Error InvalidValue(std::string message) {
  return UserError(Code::kInvalid, "InvalidParameterValueException", std::move(message));
}
/// A constraint that the model does not carry, in the words of those that it does.
inline Error Constraint(const std::string& value, const std::string& member,
                        const std::string& rule) {
  return {Code::kInvalid, "ValidationException",
          "1 validation error detected: Value '" + value + "' at '" + member +
              "' failed to satisfy constraint: " + rule};
}
inline Error NotFound(std::string message) {
  return UserError(Code::kNotFound, "ResourceNotFoundException", std::move(message));
}
inline Error FunctionNotFound(const std::string& arn) {
  return NotFound("Function not found: " + arn);
}
inline Error Conflict(std::string message) {
  return UserError(Code::kConflict, "ResourceConflictException", std::move(message));
}
inline Error UpdateInProgress(const std::string& arn) {
  return Conflict(
      "The operation cannot be performed at this time. An update is in progress for resource: " +
      arn);
}
inline Error WrongRevision() {
  return UserError(Code::kConflict, "PreconditionFailedException",
                   "The Revision Id provided does not match the latest Revision Id. Call the "
                   "GetFunction/GetAlias API to retrieve the latest Revision Id");
}
inline Error TooLarge(size_t bytes_max) {
  return UserError(Code::kLimit, "RequestTooLargeException",
                   "Request must be smaller than " + std::to_string(bytes_max) +
                       " bytes for the InvokeFunction operation");
}
inline Error Throttled(const std::string& reason) {
  Error error = UserError(Code::kLimit, "TooManyRequestsException", "Rate Exceeded.");
  error.fields.push_back({"Reason", reason});
  return error;
}
/// Something on our side; SDKs and Step Functions try such a call again.
inline Error ServiceTrouble(std::string message) {
  Error error{Code::kInternal, "ServiceException", std::move(message)};
  error.fields = {{"Type", "Service"}};
  return error;
}
inline Error NotBuilt(const std::string& what) {
  return InvalidValue(what + " is not supported by stepmill");
}

}  // namespace stepmill::lambda
