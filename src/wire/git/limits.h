#pragma once

#include <cstdint>

namespace stepmill::wire::git {

inline constexpr uint64_t kFetchRequestBytesMax = 64ull << 20;   ///< wants and haves, unpacked
inline constexpr uint64_t kPushBytesMax = 8ull << 30;            ///< a push's pack, unpacked
inline constexpr uint64_t kPushAnswerBytesMax = 16ull << 20;     ///< what receive-pack says
inline constexpr uint64_t kAdvertisementBytesMax = 64ull << 20;  ///< refs of a repository

}  // namespace stepmill::wire::git
