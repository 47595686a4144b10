#pragma once

#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <string>

#include "blob/blob_store.h"
#include "blob/owned_blobs.h"
#include "task/ports.h"

namespace stepmill {

/// Blobs as files: FOLDER/ab/abcdef... A blob is written to FOLDER/tmp, synced, renamed into place,
/// and its folder synced; what a crash leaves in tmp is removed at the next Open. Files have mode
/// 0600. Bytes are read, written and hashed on the pool.
class FileBlobs final : public BlobStore, public OwnedBlobs {
 public:
  static Result<std::unique_ptr<FileBlobs>> Open(asio::thread_pool& pool, Random& random,
                                                 std::string folder);
  Task<std::unique_ptr<BlobWriter>> Create() override;
  Task<std::unique_ptr<BlobWriter>> CreateFor(std::string owner, BlobHashes hashes) override;
  Task<std::unique_ptr<ByteSource>> Open(BlobId id, uint64_t offset, uint64_t length) override;
  Task<> Remove(BlobId id) override;
  Task<std::vector<BlobId>> List() override;
  Task<> Export(BlobId id, std::string path) override;
  Task<BlobInfo> Import(std::string path) override;

 private:
  FileBlobs(asio::thread_pool& pool, Random& random, std::string folder)
      : pool_(pool), random_(random), folder_(std::move(folder)) {}
  asio::thread_pool& pool_;
  Random& random_;
  std::string folder_;
};

}  // namespace stepmill
