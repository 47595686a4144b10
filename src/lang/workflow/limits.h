#pragma once

#include <cstddef>
#include <cstdint>

namespace stepmill::workflow {

inline constexpr size_t kTextBytesMax = 1 << 20;       ///< a workflow file
inline constexpr size_t kExpressionBytesMax = 21'000;  ///< one expression, as GitHub
inline constexpr int kExpressionDepthMax = 50;         ///< nesting in one expression
inline constexpr size_t kResultBytesMax = 10 << 20;    ///< what one interpolation may grow to
inline constexpr size_t kMatrixMax = 256;              ///< jobs of one matrix
inline constexpr size_t kJobsMax = 1'000;              ///< jobs of one run, matrix jobs counted
inline constexpr size_t kStepsMax = 1'000;             ///< steps of one job
inline constexpr size_t kFindingsMax = 100;            ///< findings reported for one file
inline constexpr size_t kPatternStepsMax = 1 << 20;    ///< work of matching one name
inline constexpr size_t kFileBytesMax = 1 << 20;       ///< GITHUB_ENV, GITHUB_OUTPUT, a summary
inline constexpr int64_t kJobTimeoutMinutesDefault = 360;

}  // namespace stepmill::workflow
