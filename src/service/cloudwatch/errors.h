#pragma once

#include <string>

#include "base/result.h"

/// CloudWatch's errors by the names of its model; Query spells them without "Exception".
namespace stepmill::cloudwatch {

inline Error InvalidValue(std::string message) {
  return {Code::kInvalid, "InvalidParameterValueException", std::move(message)};
}
inline Error InvalidCombination(std::string message) {
  return {Code::kInvalid, "InvalidParameterCombinationException", std::move(message)};
}
inline Error MissingParameter(std::string message) {
  return {Code::kInvalid, "MissingRequiredParameterException", std::move(message)};
}
inline Error ValidationError(std::string message) {
  return {Code::kInvalid, "ValidationException", std::move(message)};
}

}  // namespace stepmill::cloudwatch
