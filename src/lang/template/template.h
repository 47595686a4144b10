#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "json/json.h"

/// What a CloudFormation template says, by itself: its structure, parameters, order. Every error is
/// kInvalid, "ValidationError", with CloudFormation's own text.
namespace stepmill::cfn {

/// Checks a template whose transforms have run: sections, members, kinds of parameters, that every
/// reference names something, that resources do not depend on each other in a circle.
Result<> CheckTemplate(const Json& document);

/// Names of Parameter Store parameters that values of type AWS::SSM::Parameter::Value<..> name.
/// `given`: parameter -> text.
std::vector<std::string> ParameterStoreNames(const Json& document, const Json& given);

/// The values of the template's parameters: defaults filled in, types and constraints checked.
/// `given`: parameter -> text; `stored`: Parameter Store name -> text.
/// Answers parameter -> {"given": text, "value": text or array of texts, "no_echo": bool}; "stored"
/// is the text from Parameter Store where there is one.
Result<Json> ResolveParameters(const Json& document, const Json& given, const Json& stored);

/// parameter -> value, from what ResolveParameters answered.
Json ParameterValues(const Json& resolved);

/// A resource's ids that it must wait for: Ref, Fn::GetAtt, Fn::Sub and DependsOn, only those that
/// are in `present` (resource ids whose condition holds), and not in branches of Fn::If that
/// `conditions` (name -> bool) rules out.
using Dependencies = std::map<std::string, std::vector<std::string>>;
Dependencies DependenciesOf(const Json& resources, const Json& conditions);

/// The resources whose condition holds, in the template's order.
Json PresentResources(const Json& document, const Json& conditions);

/// Capabilities that the template's resources ask for and `given` does not have: empty, or the text
/// of an InsufficientCapabilitiesException.
std::string MissingCapabilities(const Json& document, const std::vector<std::string>& given);
/// The capabilities that the template asks for, and why, as GetTemplateSummary answers.
std::vector<std::string> NeededCapabilities(const Json& document);

/// The texts {{resolve:...}} below `value`.
std::vector<std::string> DynamicReferences(const Json& value);

Error ValidationError(const std::string& message);

}  // namespace stepmill::cfn
