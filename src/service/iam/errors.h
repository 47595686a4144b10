#pragma once

#include <string>

#include "base/result.h"

namespace stepmill::iam {

inline Error NoSuchEntity(std::string message) {
  return Error{Code::kNotFound, "NoSuchEntity", std::move(message)};
}
inline Error EntityAlreadyExists(std::string message) {
  return Error{Code::kConflict, "EntityAlreadyExists", std::move(message)};
}
inline Error DeleteConflict(std::string message) {
  return Error{Code::kConflict, "DeleteConflict", std::move(message)};
}
inline Error LimitExceeded(std::string message) {
  return Error{Code::kLimit, "LimitExceeded", std::move(message)};
}
inline Error MalformedPolicyDocument(std::string message) {
  return Error{Code::kInvalid, "MalformedPolicyDocument", std::move(message)};
}
inline Error InvalidInput(std::string message) {
  return Error{Code::kInvalid, "InvalidInput", std::move(message)};
}

}  // namespace stepmill::iam
