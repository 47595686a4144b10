#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "task/task.h"

namespace stepmill {

class Random;

/// Names one blob: 32 hex digits, chosen by the store. A blob never changes.
struct BlobId {
  std::string value;
  bool operator==(const BlobId&) const = default;
};

/// A stream of bytes that somebody reads: a request's body, a blob, a file.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// The next bytes, at most 256 KiB (see kChunkBytes); empty at the end.
  virtual Task<std::string> Read() = 0;
};
inline constexpr size_t kChunkBytes = 256 * 1024;

/// What was written, known once it is durable.
struct BlobInfo {
  BlobId id;
  uint64_t size_bytes = 0;
  std::string md5;     ///< raw 16 bytes
  std::string sha256;  ///< raw 32 bytes
};

/// Bytes on their way into the store. Destroyed without Finish: nothing stays.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  virtual Task<> Write(std::string bytes) = 0;
  /// Makes it durable (synced, renamed into place) before it returns.
  virtual Task<BlobInfo> Finish() = 0;
};

/// Large immutable bytes: objects, image layers, archives, logs. A blob is durable before the batch
/// that names it commits; one that no document names is removed by its owner (`Remove`) or found by
/// `List` and removed at start when older than the process.
///
/// Threads: call from the loop thread; implementations do their I/O on threads of their own.
class BlobStore {
 public:
  virtual ~BlobStore() = default;
  virtual Task<std::unique_ptr<BlobWriter>> Create() = 0;
  /// Bytes [offset, offset + length) of a blob; length UINT64_MAX: to the end. kNotFound.
  virtual Task<std::unique_ptr<ByteSource>> Open(BlobId id, uint64_t offset, uint64_t length) = 0;
  virtual Task<> Remove(BlobId id) = 0;  ///< repeatable
  virtual Task<std::vector<BlobId>> List() = 0;
  /// The blob as a file of its own at `path`, for staging into sandboxes. Replaces what is there.
  /// A copy (sharing blocks where the file system can), never a hard link: a sandbox may write to
  /// it.
  virtual Task<> Export(BlobId id, std::string path) = 0;
  /// Takes the regular file at `path` in; it is gone afterwards. Symbolic links are refused.
  virtual Task<BlobInfo> Import(std::string path) = 0;
};

/// Small blobs in one call.
Task<BlobInfo> WriteBlob(BlobStore& blobs, std::string bytes);
/// A whole blob; kLimit when it is larger than `bytes_max`.
Task<std::string> ReadBlob(BlobStore& blobs, BlobId id, uint64_t bytes_max);
/// The rest of a source; kLimit when it is larger than `bytes_max`.
Task<std::string> ReadAll(ByteSource& source, uint64_t bytes_max);
/// Streams a source into a new blob.
Task<BlobInfo> CopyToBlob(BlobStore& blobs, ByteSource& source);
/// A source over bytes in memory.
std::unique_ptr<ByteSource> BytesSource(std::string bytes);

// For implementations.
BlobId NewBlobId(Random& random);
Error NoSuchBlob(const BlobId& id);

}  // namespace stepmill
