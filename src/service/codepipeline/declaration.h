#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/json.h"

namespace stepmill::codepipeline {

/// Checks a pipeline structure (reference: "Pipeline structure requirements") and returns it with
/// its defaults filled in: version, types, runOrder, empty artifact lists. The model has checked
/// types and patterns before. What is not built is refused by name.
Result<Json> CheckDeclaration(const Json& pipeline, int64_t version, std::string_view region);

/// Replaces each #{namespace.key} by its value in `values` ({namespace: {key: text}}). The error
/// names the first that has none.
Result<std::string> ResolveVariables(std::string_view text, const Json& values);

/// The bucket of the artifact store that is used in `region`.
std::string ArtifactBucket(const Json& pipeline, std::string_view region);

/// The events that start a pipeline: what its source actions follow.
struct Followed {
  std::string kind;    ///< "codecommit" or "s3"
  std::string first;   ///< repository; bucket
  std::string second;  ///< branch; key
  std::string action;
};
std::vector<Followed> FollowedSources(const Json& pipeline);

}  // namespace stepmill::codepipeline
