#pragma once

#include <cstddef>

namespace stepmill::yaml {

inline constexpr size_t kTextBytesMax = 16 << 20;
inline constexpr size_t kDepthMax = 200;
/// Values of the whole document, what aliases repeat counted each time.
inline constexpr size_t kNodesMax = 500'000;
/// Bytes of all scalars, what aliases repeat counted each time.
inline constexpr size_t kExpandedBytesMax = 64 << 20;

}  // namespace stepmill::yaml
