#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

/// The errors of EventBridge, each once, with AWS's texts.
namespace stepmill::events {

inline Error Invalid(std::string message) {
  return {Code::kInvalid, "ValidationException", std::move(message)};
}
inline Error NoSuchRule(std::string_view rule, std::string_view bus) {
  return {Code::kNotFound, "ResourceNotFoundException",
          "Rule " + std::string(rule) + " does not exist on EventBus " + std::string(bus) + "."};
}
inline Error NoSuchBus(std::string_view bus) {
  return {Code::kNotFound, "ResourceNotFoundException",
          "Event bus " + std::string(bus) + " does not exist."};
}
inline Error BusExists(std::string_view bus) {
  return {Code::kConflict, "ResourceAlreadyExistsException",
          "Event bus " + std::string(bus) + " already exists."};
}
inline Error LimitExceeded() {
  return {Code::kLimit, "LimitExceededException",
          "The requested resource exceeds the maximum number allowed."};
}
inline Error NotBuilt(std::string_view what) {
  return Invalid(std::string(what) + " is not built in stepmill.");
}

}  // namespace stepmill::events
