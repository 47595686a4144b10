#pragma once

#include <string>

#include "base/result.h"

namespace stepmill::sagemaker {

inline Error Invalid(std::string message) {
  return {Code::kInvalid, "ValidationException", std::move(message)};
}
inline Error NotFound(std::string message) {
  return {Code::kNotFound, "ResourceNotFound", std::move(message)};
}
inline Error JobNotFound(const std::string& name) {
  return NotFound("Could not find requested job with name: " + name);
}
inline Error JobExists(const std::string& arn) {
  return {Code::kConflict, "ResourceInUse",
          "Job name must be unique within an AWS account and region, and a job with this name "
          "already exists (" +
              arn + ")"};
}

}  // namespace stepmill::sagemaker
