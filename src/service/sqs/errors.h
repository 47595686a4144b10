#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

/// The errors of SQS, each once, with AWS's texts. Their codes in the query protocol are the
/// model's; two that it does not have are named as they are called there.
namespace stepmill::sqs {

inline Error QueueDoesNotExist() {
  return {Code::kNotFound, "QueueDoesNotExist", "The specified queue does not exist."};
}
inline Error QueueNameExists(std::string_view attribute) {
  return {Code::kConflict, "QueueNameExists",
          "A queue already exists with the same name and a different value for attribute " +
              std::string(attribute)};
}
inline Error PurgeInProgress(std::string_view name) {
  return {
      Code::kConflict, "PurgeQueueInProgress",
      "Only one PurgeQueue operation on " + std::string(name) + " is allowed every 60 seconds."};
}
inline Error InvalidAddress(std::string_view url) {
  return {Code::kInvalid, "InvalidAddress",
          "The address " + std::string(url) + " is not valid for this endpoint."};
}
inline Error InvalidAttributeName(std::string_view name) {
  return {Code::kInvalid, "InvalidAttributeName", "Unknown Attribute " + std::string(name) + "."};
}
inline Error InvalidAttributeValue(std::string_view name) {
  return {Code::kInvalid, "InvalidAttributeValue",
          "Invalid value for the parameter " + std::string(name) + "."};
}
inline Error InvalidMessageContents() {
  return {Code::kInvalid, "InvalidMessageContents",
          "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 "
          "to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"};
}
inline Error InvalidParameter(std::string message) {
  return {Code::kInvalid, "InvalidParameterValue", std::move(message)};
}
inline Error InvalidValue(std::string_view value, std::string_view parameter,
                          std::string_view reason) {
  return InvalidParameter("Value " + std::string(value) + " for parameter " +
                          std::string(parameter) + " is invalid. Reason: " + std::string(reason));
}
inline Error MissingParameter(std::string_view parameter) {
  return {Code::kInvalid, "MissingParameter",
          "The request must contain the parameter " + std::string(parameter) + "."};
}
inline Error ReceiptHandleIsInvalid(std::string_view handle) {
  return {
      Code::kInvalid, "ReceiptHandleIsInvalid",
      "The input receipt handle \"" + std::string(handle) + "\" is not a valid receipt handle."};
}
inline Error MessageNotInflight(std::string_view handle) {
  return {Code::kInvalid, "MessageNotInflight",
          "Value " + std::string(handle) +
              " for parameter ReceiptHandle is invalid. Reason: Message is not available "
              "for visibility timeout change."};
}
inline Error BatchError(std::string_view name, std::string message) {
  return {Code::kInvalid, std::string(name), std::move(message)};
}

}  // namespace stepmill::sqs
