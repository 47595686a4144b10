#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

/// The errors of SNS, each once, with AWS's texts.
namespace stepmill::sns {

inline Error InvalidParameter(std::string_view what) {
  return {Code::kInvalid, "InvalidParameterException", "Invalid parameter: " + std::string(what)};
}
inline Error NoSuchTopic() {
  return {Code::kNotFound, "NotFoundException", "Topic does not exist"};
}
inline Error NoSuchSubscription() {
  return {Code::kNotFound, "NotFoundException", "Subscription does not exist"};
}
inline Error NoSuchResource() {
  return {Code::kNotFound, "ResourceNotFoundException", "Resource does not exist"};
}
inline Error NotBuilt(std::string_view what) {
  return InvalidParameter(std::string(what) + " is not built in stepmill");
}
inline Error BatchError(std::string_view name, std::string message) {
  return {Code::kInvalid, std::string(name) + "Exception", std::move(message)};
}

}  // namespace stepmill::sns
