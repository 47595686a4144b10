#pragma once

#include <string>
#include <vector>

#include "json/json.h"
#include "lang/asl/definition.h"

/// The parameters of arn:aws:states:::http:invoke (docs.aws.amazon.com/step-functions/latest/dg/
/// call-https-apis.html).
namespace stepmill::asl {

inline bool IsHttpTask(const Resource& task) {
  return task.kind == Resource::Kind::kIntegration && task.service == "http";
}

/// What is wrong with them as a definition has them, in AWS's words; what paths, expressions and
/// substitutions ("${Name}") will give is not judged.
std::vector<std::string> WrittenHttpProblems(const Json& parameters, bool is_jsonata);

/// The same of their values: nothing is sent when there are any.
std::vector<std::string> HttpProblems(const Json& parameters);

/// The connection that they name.
std::string ConnectionOf(const Json& parameters);

}  // namespace stepmill::asl
