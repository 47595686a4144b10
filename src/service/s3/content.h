#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "blob/blob_store.h"
#include "gate/operation.h"
#include "service/ports.h"

/// The bytes of objects: on their way in, out, and what is told about them.
namespace stepmill::s3 {

/// Streams the call's body (or its inline Body) into a blob, under ContentMD5, ContentLength and
/// every checksum that the input gives or names. Returns {"Blob", "Size", "ETag" (hex MD5),
/// "ChecksumCRC32", ...}; also left in call.kept, where a call that is run anew finds it. On an
/// error nothing stays.
Task<Json> Ingest(Call& call);

/// The same for bytes that are there already: a range of a version's blobs, copied.
Task<Json> CopyBytes(Call& call, Json version, uint64_t offset, uint64_t length,
                     std::string algorithm);

/// Checksums over bytes that are there already, of the blobs from one end to the other: base64.
Task<std::string> ChecksumOf(Call& call, std::vector<std::string> blobs, std::string algorithm);

/// Bytes [offset, offset + length) over a version's blobs, each opened when it is reached. They are
/// kept from being removed until the source is gone.
std::unique_ptr<ByteSource> OpenVersion(BlobStore& blobs, const Json& version, uint64_t offset,
                                        uint64_t length);
/// Whether a source of OpenVersion still reads `blob`.
bool IsBeingRead(const std::string& blob);

/// A range of bytes that a request asks for. nullopt: none that S3 knows, the whole is meant.
struct ByteRange {
  uint64_t offset = 0, length = 0;
};
Result<std::optional<ByteRange>> ParseRange(const std::string& range, uint64_t size);

/// The checksum algorithms ("CRC32", ...) of which the names of members are made.
inline constexpr std::string_view kAlgorithms[] = {"CRC32", "CRC32C", "CRC64NVME", "SHA1",
                                                   "SHA256"};
std::string ChecksumMember(std::string_view algorithm);
/// Refuses by name the checksums, encryptions and locks that are not built.
Result<> CheckUnbuilt(const Json& input);
/// What of a write's input a version keeps: ContentType, Metadata, StorageClass, tags, ...
Result<Json::Object> Attributes(const Json& input);
/// The members that name an object's attributes, for answers and copies.
extern const std::vector<std::string_view> kAttributeMembers;
/// "k=v&k2=v2" as a TagSet.
Result<Json> TagsFromQuery(const std::string& tagging);
Result<> CheckTags(const Json& tags, size_t tags_max);

}  // namespace stepmill::s3
