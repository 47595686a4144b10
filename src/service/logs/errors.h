#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

/// The errors of CloudWatch Logs, each once, with AWS's texts.
namespace stepmill::logs {

inline Error InvalidParameter(std::string message) {
  return {Code::kInvalid, "InvalidParameterException", std::move(message)};
}
inline Error NoSuchGroup() {
  return {Code::kNotFound, "ResourceNotFoundException", "The specified log group does not exist."};
}
inline Error NoSuchStream() {
  return {Code::kNotFound, "ResourceNotFoundException", "The specified log stream does not exist."};
}
inline Error NoSuchResource() {
  return {Code::kNotFound, "ResourceNotFoundException", "The specified resource does not exist."};
}
inline Error GroupExists() {
  return {Code::kConflict, "ResourceAlreadyExistsException",
          "The specified log group already exists"};
}
inline Error StreamExists() {
  return {Code::kConflict, "ResourceAlreadyExistsException",
          "The specified log stream already exists"};
}
inline Error InvalidToken() { return InvalidParameter("The specified nextToken is invalid."); }
inline Error NotBuilt(std::string_view what) {
  return InvalidParameter(std::string(what) + " is not built in stepmill.");
}

}  // namespace stepmill::logs
