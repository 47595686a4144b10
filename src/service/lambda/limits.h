#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// AWS: "Lambda quotas"; and what this machine takes of them.
namespace stepmill::lambda {

inline constexpr size_t kPayloadBytesMax = 6 * 1024 * 1024;         ///< of a synchronous invocation
inline constexpr size_t kResponseBytesMax = 6 * 1024 * 1024 + 100;  ///< as AWS counts it
inline constexpr size_t kEventBytesMax = 1024 * 1024;               ///< of an asynchronous one
inline constexpr size_t kZipBytesMax = 50 * 1024 * 1024;            ///< uploaded in the call
inline constexpr uint64_t kUnzippedBytesMax = 262'144'000;
inline constexpr size_t kEnvironmentBytesMax = 4096;
inline constexpr int64_t kTimeoutSecondsMax = 900;
inline constexpr int64_t kMemoryMibMax = 10'240;
inline constexpr size_t kTagsMax = 50;
inline constexpr size_t kPolicyBytesMax = 20 * 1024;
inline constexpr int64_t kConcurrencyOfAccount = 1000;
inline constexpr int64_t kUnreservedMin = 100;
inline constexpr size_t kListMax = 50;

inline constexpr std::chrono::seconds kInitMax{10};          ///< beside the function's own timeout
inline constexpr std::chrono::minutes kIdleMax{5};           ///< then an environment is ended
inline constexpr std::chrono::hours kEnvironmentAgeMax{10};  ///< its credentials live longer
inline constexpr std::chrono::hours kCredentialsLife{12};
inline constexpr size_t kEnvironmentsMax = 32;  ///< containers at a time; what is over them waits
inline constexpr std::chrono::seconds kPlaceWaitMax{60};
inline constexpr size_t kTailBytes = 4096;
inline constexpr uint64_t kLogFileBytesMax = 4 * 1024 * 1024;  ///< then it is emptied between calls
inline constexpr size_t kLogReadMax = 1024 * 1024;             ///< of one invocation at a time

inline constexpr int64_t kRetriesDefault = 2;
inline constexpr int64_t kEventAgeSecondsDefault = 21'600;

}  // namespace stepmill::lambda
