#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "json/json.h"

namespace stepmill::cfn {

/// All that the values of a template may come from.
struct Scope {
  std::string account, region, stack_id, stack_name;
  std::string partition = "aws";
  std::string url_suffix = "amazonaws.com";
  Json notification_arns = Json(Json::Array{});
  Json parameters;  ///< name -> text or array of texts
  Json mappings;
  Json conditions;  ///< name -> bool, from ResolveConditions
  Json resources;   ///< logical id -> {"Ref": value, attribute: value}
  Json exports;     ///< name -> value, for Fn::ImportValue
  Json dynamic;     ///< "{{resolve:..}}" -> text
  /// A resource that is not in `resources` stays as its function, and what contains it too.
  /// Otherwise it is an error.
  bool keeps_unknown = false;
};

/// The template's conditions: name -> bool.
Result<Json> ResolveConditions(const Json& document, const Scope& scope);

/// A value with its functions computed. An empty optional is AWS::NoValue. Objects and arrays lose
/// the members that are.
Result<std::optional<Json>> Resolve(const Json& value, const Scope& scope);

/// The same for a section that must give something: null for AWS::NoValue.
Result<Json> ResolveValue(const Json& value, const Scope& scope);

/// The text of a scalar, as Fn::Join and Fn::Sub put it in: numbers as written, true, false.
std::optional<std::string> ScalarText(const Json& value);

}  // namespace stepmill::cfn
