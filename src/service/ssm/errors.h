#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

/// The errors of Parameter Store, each once, with AWS's texts.
namespace stepmill::ssm {

inline Error Invalid(std::string message) {
  return {Code::kInvalid, "ValidationException", std::move(message)};
}
inline Error ParameterNotFound() { return {Code::kNotFound, "ParameterNotFound", ""}; }
inline Error ParameterAlreadyExists() {
  return {Code::kConflict, "ParameterAlreadyExists",
          "The parameter already exists. To overwrite this value, set the overwrite option in the "
          "request to true."};
}
inline Error ParameterVersionNotFound(std::string_view name, std::string_view selector) {
  return {Code::kNotFound, "ParameterVersionNotFound",
          "Systems Manager could not find version " + std::string(selector) + " of " +
              std::string(name) + ". Verify the version and try again."};
}
inline Error ParameterMaxVersionLimitExceeded(std::string_view name, int64_t oldest) {
  return {Code::kLimit, "ParameterMaxVersionLimitExceeded",
          "You attempted to create a new version of " + std::string(name) +
              " by calling the PutParameter API with the overwrite flag. Version " +
              std::to_string(oldest) +
              ", the oldest version, can't be deleted because it has a label associated with it. "
              "Move the label to another version of the parameter, and try again."};
}
inline Error HierarchyLevelLimitExceeded() {
  return {Code::kLimit, "HierarchyLevelLimitExceededException",
          "A hierarchy can have a maximum of 15 levels. Enter a hierarchy with 15 or fewer levels, "
          "and try again."};
}
inline Error HierarchyTypeMismatch() {
  return {Code::kInvalid, "HierarchyTypeMismatchException",
          "Parameter Store doesn't support changing a parameter type in a hierarchy. For example, "
          "you can't change a parameter from a String type to a SecureString type. You must create "
          "a new, unique parameter."};
}
inline Error ParameterPatternMismatch(std::string_view pattern) {
  return {Code::kInvalid, "ParameterPatternMismatchException",
          "Parameter value, cannot be validated against allowedPattern: " + std::string(pattern)};
}
inline Error InvalidAllowedPattern(std::string_view pattern) {
  return {Code::kInvalid, "InvalidAllowedPatternException",
          "The parameter pattern is not a regular expression: " + std::string(pattern)};
}
inline Error ParameterVersionLabelLimitExceeded() {
  return {Code::kLimit, "ParameterVersionLabelLimitExceeded",
          "A parameter version can have maximum 10 labels. Move one or more labels to another "
          "version and try again."};
}
inline Error InvalidNextToken() {
  return {Code::kInvalid, "InvalidNextToken", "The specified token isn't valid."};
}
inline Error InvalidFilterKey(std::string_view key) {
  return {Code::kInvalid, "InvalidFilterKey",
          "The following filter key is not valid: " + std::string(key) + "."};
}
inline Error InvalidFilterOption(std::string_view option, std::string_view key) {
  return {Code::kInvalid, "InvalidFilterOption",
          "The following filter option is not valid: " + std::string(option) + " for the key " +
              std::string(key) + "."};
}
inline Error InvalidResourceId(std::string_view id) {
  return {Code::kNotFound, "InvalidResourceId",
          "The resource ID \"" + std::string(id) + "\" is not valid. Verify the resource ID and " +
              "try again."};
}
inline Error InvalidResourceType(std::string_view type) {
  return {
      Code::kInvalid, "InvalidResourceType",
      "stepmill keeps tags of resources of type Parameter only, not of " + std::string(type) + "."};
}
inline Error TooManyTags() {
  return {Code::kLimit, "TooManyTagsError", "A parameter can have at most 50 tags."};
}
inline Error NotBuilt(std::string_view what) {
  return {Code::kInvalid, "ValidationException", std::string(what) + " is not built in stepmill."};
}

}  // namespace stepmill::ssm
