#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "json/json.h"
#include "lang/asl/definition.h"

namespace stepmill::states {

/// The answers of one AWS service (models/answers/README.md).
struct AnswerModel {
  std::string_view service;     ///< the model's name: "stepfunctions"
  std::string_view service_id;  ///< "SFN"
  std::string_view text;        ///< JSON
};
/// Made at build time by tools/answer_tables.py.
std::span<const AnswerModel> AnswerModels();

/// Checks a mocked result of a task against the shape of what its integration answers; a job's
/// (`.sync`) against what describes it. `with_required`: members that must be there, too
/// (fieldValidationMode STRICT). Members that the shape does not have are fine, and so is anything
/// where there is no shape: Lambda functions, activities, callbacks, services that are not known.
///
/// ValidationException "Mock result schema validation error: ..." in AWS's words. Pure; the shapes
/// of the service are read anew for each call.
Result<> CheckMockedResult(const asl::Resource& resource, const Json& result, bool with_required);

}  // namespace stepmill::states
