#pragma once

#include <cstddef>

namespace stepmill::report {

inline constexpr size_t kCasesMax = 500;       ///< of one report (CodeBuild's quota)
inline constexpr size_t kFilesMax = 10'000;    ///< of one coverage report
inline constexpr size_t kNameBytesMax = 1024;  ///< names, suites, prefixes, paths
inline constexpr size_t kMessageBytesMax = 4096;

}  // namespace stepmill::report
