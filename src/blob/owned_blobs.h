#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "blob/blob_store.h"

namespace stepmill {

/// What BlobInfo says of the bytes; what is not wanted may be empty. Hashing is what a large blob
/// waits for: 0.4 s of SHA-256 and 0.2 s of MD5 for 100 MB.
enum class BlobHashes { kAll, kMd5, kNone };

/// A blob store that keeps with each blob whose it is: its id ends in "-OWNER". So an owner tells
/// its blobs from others' in `List`, and finds after a crash what it stored and no document names.
class OwnedBlobs {
 public:
  virtual ~OwnedBlobs() = default;
  /// BlobStore::Create for an owner: 1 to 16 lower-case letters and digits ("s3"), or none ("").
  virtual Task<std::unique_ptr<BlobWriter>> CreateFor(std::string owner, BlobHashes hashes) = 0;
};

/// The owner of a blob; empty: none.
std::string_view OwnerOf(const BlobId& id);
/// With an owner where the store keeps owners.
Task<std::unique_ptr<BlobWriter>> CreateBlobFor(BlobStore& blobs, std::string owner,
                                                BlobHashes hashes = BlobHashes::kAll);

// For implementations.
BlobId NewBlobId(Random& random, std::string_view owner);
/// 32 hex digits, with or without an owner. Ids come back from documents; nothing else is a path.
bool IsBlobId(const BlobId& id);

}  // namespace stepmill
