#pragma once

#include <memory>
#include <string>

#include "gate/operation.h"
#include "lang/asl/definition.h"

// Inside this folder: what CreateStateMachine and UpdateStateMachine take besides a name, read,
// checked and with its defaults, in the order and the words of AWS.
namespace stepmill::states {

/// Step Functions: "Logging using CloudWatch Logs". InvalidLoggingConfiguration.
Result<Json> ReadLogging(const Json* given);
/// The destination must be a group of this account and region.
Task<> CheckLogDestination(Call& call, Json logging);
Json ReadTracing(const Json* given);
/// InvalidEncryptionConfiguration. A key of one's own is kept and shown; the data folder is
/// encrypted by other means.
Result<Json> ReadEncryption(const Json* given);
Result<> CheckRole(std::string_view arn);

asl::CompileOptions OptionsOf(Call& call, bool is_express);
/// InvalidDefinition with all findings that are errors.
Result<std::shared_ptr<const asl::Definition>> CheckDefinition(Call& call, const std::string& text,
                                                               bool is_express);
/// Sets "variableReferences" where the definition reads a variable.
void AddVariableReferences(Json::Object& answer, const std::string& definition);

}  // namespace stepmill::states
