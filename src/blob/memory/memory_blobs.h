#pragma once

#include <map>
#include <memory>
#include <string>

#include "blob/blob_store.h"
#include "blob/owned_blobs.h"
#include "task/ports.h"

namespace stepmill {

/// The blob store of tests, simulations and `stepmill run`. Loop thread only.
class MemoryBlobs : public BlobStore, public OwnedBlobs {
 public:
  explicit MemoryBlobs(Random& random) : random_(random) {}
  Task<std::unique_ptr<BlobWriter>> Create() override;
  Task<std::unique_ptr<BlobWriter>> CreateFor(std::string owner, BlobHashes hashes) override;
  Task<std::unique_ptr<ByteSource>> Open(BlobId id, uint64_t offset, uint64_t length) override;
  Task<> Remove(BlobId id) override;
  Task<std::vector<BlobId>> List() override;
  Task<> Export(BlobId id, std::string path) override;
  Task<BlobInfo> Import(std::string path) override;

 private:
  class Writer;
  Random& random_;
  /// Shared with the sources that read them: a removed blob is read to its end.
  std::map<std::string, std::shared_ptr<const std::string>> blobs_;
};

}  // namespace stepmill
