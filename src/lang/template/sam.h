#pragma once

#include <string>

#include "base/result.h"
#include "json/json.h"

namespace stepmill::cfn {

inline constexpr std::string_view kSamTransform = "AWS::Serverless-2016-10-31";

struct SamOptions {
  std::string partition = "aws";
  /// Values of the template's parameters, for the few decisions that look at them.
  Json parameters = Json(Json::Object{});
};

/// Whether the template names the SAM transform.
bool UsesSam(const Json& document);

/// The template with its AWS::Serverless resources replaced by those that they stand for, Globals
/// merged and Transform removed. Same document, same answer: logical ids are derived from the
/// template's own. kInvalid, name "ValidationError", with AWS's text: all problems of the document
/// in one message. Known are StateMachine (all but Api events), Function (with Schedule and
/// EventBridge events), SimpleTable; another serverless type is a problem that names it.
Result<Json> TranslateSam(const Json& document, const SamOptions& options);

}  // namespace stepmill::cfn
