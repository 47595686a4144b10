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
/// DescribeTrainingJob's own answer for a job that is not there.
inline Error TrainingJobMissing(const std::string&) {
  return Invalid("Requested resource not found.");
}
inline Error TrainingJobExists(const std::string&, const std::string& arn) {
  return {Code::kConflict, "ResourceInUse",
          "Training job names must be unique within an AWS account and region, and a training job "
          "with this name already exists (" +
              arn + ")"};
}
inline Error TuningJobMissing(const std::string& name) {
  return NotFound("Amazon SageMaker can't find a tuning job with the name " + name +
                  ". Please check the name and try again.");
}
inline Error TuningJobExists(const std::string& name, const std::string&) {
  return {Code::kConflict, "ResourceInUse",
          "A tuning job with the name " + name + " already exists. Please use a different name."};
}
inline Error NoObjects(const std::string& uri, const std::string& bucket, const std::string& region,
                       const std::string& role) {
  return Invalid("No S3 objects found under S3 URL \"" + uri +
                 "\" given in input data source. Please ensure that the bucket exists in the "
                 "selected region (" +
                 region + "), that objects exist under that S3 prefix, and that the role \"" +
                 role + "\" has \"s3:ListBucket\" permissions on bucket \"" + bucket + "\".");
}
inline Error JobNotFound(const std::string& name) {
  return NotFound("Could not find requested job with name: " + name);
}
inline Error JobExists(const std::string&, const std::string& arn) {
  return {Code::kConflict, "ResourceInUse",
          "Job name must be unique within an AWS account and region, and a job with this name "
          "already exists (" +
              arn + ")"};
}

}  // namespace stepmill::sagemaker
