#pragma once

#include "blob/blob_store.h"

namespace stepmill {

/// For tests of what keeps no blobs.
struct NoBlobs : BlobStore {
  static Error Refuse() { return {Code::kInternal, "NoBlobs", "this test has no blobs"}; }
  Task<std::unique_ptr<BlobWriter>> Create() override { co_return Refuse(); }
  Task<std::unique_ptr<ByteSource>> Open(BlobId, uint64_t, uint64_t) override {
    co_return Refuse();
  }
  Task<> Remove(BlobId) override { co_return Refuse(); }
  Task<std::vector<BlobId>> List() override { co_return Refuse(); }
  Task<> Export(BlobId, std::string) override { co_return Refuse(); }
  Task<BlobInfo> Import(std::string) override { co_return Refuse(); }
};

}  // namespace stepmill
