#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace stepmill::wire {

inline constexpr size_t kHeaderBytesMax = 64 * 1024;
inline constexpr size_t kConnectionsMax = 4096;
/// A connection without a request under way is closed after this.
inline constexpr std::chrono::seconds kIdleMax{300};
/// Nothing was sent or taken by the other side for this long in the middle of a message.
inline constexpr std::chrono::seconds kStallMax{120};
/// What is left of a body that nobody read is taken in up to this size; above it the connection is
/// closed behind the answer.
inline constexpr size_t kUnreadBytesMax = 256 * 1024;
/// After an answer that came before the end of a body: so much of the rest is taken in.
inline constexpr uint64_t kLingerBytesMax = 256ull * 1024 * 1024;
inline constexpr std::chrono::seconds kLingerMax{10};
inline constexpr size_t kRelayLineMax = 200;
inline constexpr std::chrono::seconds kConnectMax{20};

}  // namespace stepmill::wire
