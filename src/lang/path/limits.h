#pragma once

namespace stepmill::path {

inline constexpr int kPathBytesMax = 16 * 1024;  ///< text of one path
inline constexpr int kStepsMax = 256;            ///< steps of one path
inline constexpr int kFilterDepthMax = 16;     ///< nested brackets, '!' and filters inside filters
inline constexpr int kMatchesMax = 1'000'000;  ///< values that one evaluation may collect
inline constexpr int kDescentDepthMax = 1000;  ///< levels that ".." walks down

}  // namespace stepmill::path
