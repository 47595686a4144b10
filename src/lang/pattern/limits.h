#pragma once

#include <cstddef>

namespace stepmill::pattern {

// EventBridge's own bounds.
inline constexpr size_t kPatternCharsMax = 4096;
inline constexpr size_t kOrCombinationsMax = 1000;
inline constexpr double kNumberMax = 5e9;  ///< of numeric matching, either sign
// Ours.
inline constexpr int kDepthMax = 100;

}  // namespace stepmill::pattern
