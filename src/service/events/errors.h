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
inline Error NoSuchConnection(std::string_view name) {
  return {Code::kNotFound, "ResourceNotFoundException",
          "Failed to describe the connection(s). Connection '" + std::string(name) +
              "' does not exist."};
}
inline Error ConnectionExists(std::string_view name) {
  return {Code::kConflict, "ResourceAlreadyExistsException",
          "Connection '" + std::string(name) + "' already exists."};
}
/// What a request by a connection meets, as HTTP tasks of Step Functions show it.
inline Error ConnectionResource(Code code, std::string_view name, std::string message) {
  return {code, "Events.ConnectionResource." + std::string(name), std::move(message)};
}
inline Error LimitExceeded() {
  return {Code::kLimit, "LimitExceededException",
          "The requested resource exceeds the maximum number allowed."};
}
inline Error NotBuilt(std::string_view what) {
  return Invalid(std::string(what) + " is not built in stepmill.");
}

}  // namespace stepmill::events
