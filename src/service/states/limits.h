#pragma once

#include <cstddef>
#include <cstdint>

namespace stepmill::states {

// Step Functions Developer Guide: "Quotas", "Distributed Map".
inline constexpr int64_t kMapItemsMax = 100'000'000;  ///< of one Map Run
inline constexpr uint64_t kResultFileBytesMax = uint64_t{5} << 30;

// Ours.
/// Children of one Map Run that run at the same time, where MaxConcurrency is 0 or larger: each
/// open execution is in memory (AWS runs up to 10,000).
inline constexpr int64_t kMapConcurrencyMax = 1000;
inline constexpr int kMapStartsPerTurn = 100;      ///< children begun by one commit
inline constexpr size_t kMapItemsInRecord = 1000;  ///< items that one record carries
inline constexpr size_t kMapBytesInRecord = 256 * 1024;
inline constexpr uint64_t kManifestBytesMax = 64 << 20;

}  // namespace stepmill::states
