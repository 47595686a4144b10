#pragma once

#include <cstddef>

namespace stepmill::wire {

/// A body that is not streamed. AWS's own bounds are lower for most services.
/// The same holds for one that came packed, once it is unpacked.
inline constexpr size_t kBodyBytesMax = 16 * 1024 * 1024;
/// Lambda's calls that carry a package: as AWS bounds them.
inline constexpr size_t kPackageBytesMax = 70'167'211;
/// Parts of a Query member's name ("A.member.1.B"), and items of one of its lists.
inline constexpr size_t kFormPartsMax = 50;
inline constexpr int64_t kFormItemsMax = 100000;
/// CBOR items within each other, tags among them.
inline constexpr int kCborDepthMax = 100;
/// Members of a map, each of which is compared with those before it.
inline constexpr size_t kCborMapMembersMax = 2000;

}  // namespace stepmill::wire
