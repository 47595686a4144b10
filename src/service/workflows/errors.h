#pragma once

#include <string>

#include "base/result.h"

namespace stepmill::workflows {

inline Error RunNotFound(const std::string& repository, const std::string& id) {
  return {Code::kNotFound, "ResourceNotFoundException",
          "Workflow run " + id + " of repository " + repository + " does not exist."};
}
inline Error Invalid(std::string message) {
  return {Code::kInvalid, "ValidationException", std::move(message)};
}

}  // namespace stepmill::workflows
