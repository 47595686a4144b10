#pragma once

#include <cstddef>
#include <cstdint>

namespace stepmill::s3 {

inline constexpr size_t kKeyBytesMax = 1024;
inline constexpr uint64_t kPutBytesMax = uint64_t{5} << 30;   ///< one PUT, one part, one copy
inline constexpr uint64_t kPartBytesMin = uint64_t{5} << 20;  ///< every part but the last
inline constexpr int kPartsMax = 10'000;
inline constexpr int kPageMax = 1000;         ///< keys, parts, uploads, deletions a call
inline constexpr int kBucketsMax = 10'000;    ///< of one account
inline constexpr int kVersionsMax = 100'000;  ///< of one key that a deletion by version looks at
inline constexpr int kUploadsMax = 10'000;    ///< unfinished ones of a bucket that are listed
inline constexpr size_t kMetadataBytesMax = 2048;
inline constexpr size_t kTagsMax = 10;             ///< of an object
inline constexpr size_t kBlobsOfEventMax = 1000;   ///< that one "Blobs Unnamed" event carries
inline constexpr size_t kPolicyBytesMax = 20'480;  ///< of a bucket policy

}  // namespace stepmill::s3
