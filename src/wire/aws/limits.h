#pragma once

#include <cstddef>

namespace stepmill::wire {

/// A body that is not streamed. AWS's own bounds are lower for most services.
inline constexpr size_t kBodyBytesMax = 16 * 1024 * 1024;
/// Parts of a Query member's name ("A.member.1.B"), and items of one of its lists.
inline constexpr size_t kFormPartsMax = 50;
inline constexpr int64_t kFormItemsMax = 100000;

}  // namespace stepmill::wire
