#pragma once

#include <cstddef>

namespace stepmill::buildspec {

inline constexpr size_t kTextBytesMax = 1 << 20;  ///< a buildspec file
inline constexpr size_t kCommandsMax = 10'000;    ///< commands and finally of one phase
inline constexpr int kRetriesDefault = 3;         ///< on-failure: RETRY without a count
inline constexpr int kRetriesMax = 100;           ///< on-failure: RETRY-n
inline constexpr size_t kGlobStepsMax = 1 << 20;  ///< work of matching one path
inline constexpr size_t kFallbackKeysMax = 5;     ///< of a cache
inline constexpr size_t kFindingsMax = 100;       ///< findings reported for one file

}  // namespace stepmill::buildspec
