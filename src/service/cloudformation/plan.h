#pragma once

#include <string>
#include <vector>

#include "gate/operation.h"
#include "json/json.h"

/// What a template and its parameters mean for a stack.
namespace stepmill::cloudformation {

struct Plan {
  Json target;      ///< for the stack operation, see operation.h
  Json parameters;  ///< as ResolveParameters answers
  Json processed;   ///< the template after its transforms
  Json changes;     ///< [{"Type": "Resource", "ResourceChange": {...}}]
  Json imports;     ///< names that Fn::ImportValue takes
  std::string description;
  bool has_changes = false;  ///< resources or outputs
  bool has_transform = false;
};

/// The text that TemplateBody, TemplateURL or UsePreviousTemplate of the call's input gives.
Task<std::string> TemplateText(Call& call, Json stack);

/// Parses, transforms and checks the template of the call's input, resolves its parameters and
/// compares it with `stack` (null: a new one). `stack_id` and `stack_name` are those it will have.
/// Errors are CloudFormation's; one of a transform has the name "TransformFailure".
Task<Plan> MakePlan(Call& call, Json stack, std::string stack_id, std::string stack_name);

/// The document with its transforms run. Default parameters are all that a transform sees.
Result<Json> Transformed(const Json& document);

/// Parameters [{"ParameterKey", "ParameterValue", ...}] as answers show them: secrets masked.
Json ShownParameters(const Json& resolved);

}  // namespace stepmill::cloudformation
