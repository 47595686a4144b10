#pragma once

#include <string_view>

#include "base/result.h"
#include "json/json.h"

/// Reports of builds (CodeBuild: "Test reports").
namespace stepmill::report {

/// "TEST" or "CODE_COVERAGE"; "" for a format that is not known.
std::string_view Kind(std::string_view format);

/// One file. Tests: {"items": [{"name", "prefix", "testSuiteName", "status": SUCCEEDED | FAILED |
/// ERROR | SKIPPED | UNKNOWN, "message", "durationInNanoSeconds"}]}. Coverage: {"items":
/// [{"filePath", "linesCovered", "linesMissed", "branchesCovered", "branchesMissed"}]}. What is
/// beyond the bounds is left out and "truncated" is true. kInvalid says what is wrong.
Result<Json> Read(std::string_view format, std::string_view text);

/// {"total", "statusCounts": {SUCCEEDED, FAILED, ERROR, SKIPPED, UNKNOWN}, "durationInNanoSeconds"}
/// of test cases.
Json TestSummary(const Json::Array& cases);
/// {"lineCoveragePercentage", "linesCovered", "linesMissed", "branchCoveragePercentage", ...} of
/// one or more covered files.
Json CoverageSummary(const Json::Array& files);

}  // namespace stepmill::report
