#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "json/json.h"

/// The errors of DynamoDB, each once, with AWS's texts.
namespace stepmill::dynamodb {

inline Error Invalid(std::string message) {
  return {Code::kInvalid, "ValidationException", std::move(message)};
}
inline Error InvalidParameter(std::string message) {
  return Invalid("One or more parameter values were invalid: " + std::move(message));
}
inline Error KeyMismatch() { return Invalid("The provided key element does not match the schema"); }
inline Error ResourceNotFound() {
  return {Code::kNotFound, "ResourceNotFoundException", "Requested resource not found"};
}
inline Error NoSuchTable(std::string_view table) {
  return {Code::kNotFound, "ResourceNotFoundException",
          "Requested resource not found: Table: " + std::string(table) + " not found"};
}
inline Error NoSuchArn(std::string_view arn) {
  return {Code::kNotFound, "ResourceNotFoundException",
          "Requested resource not found: ResourcArn: " + std::string(arn) + " not found"};
}
inline Error TableExists(std::string_view table) {
  return {Code::kConflict, "ResourceInUseException", "Table already exists: " + std::string(table)};
}
/// `item`: the item as it stands, where the caller asked for it; else null.
inline Error ConditionalCheckFailed(const Json& item) {
  Error error{Code::kConflict, "ConditionalCheckFailedException", "The conditional request failed"};
  if (!item.is_null()) error.fields.emplace_back("Item", item.Print());
  return error;
}
inline Error TokenMismatch() {
  return {Code::kConflict, "IdempotentParameterMismatchException",
          "Request with the same client request token but different parameters was received."};
}

}  // namespace stepmill::dynamodb
