#include "blob/memory/memory_blobs.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/digest.h"

namespace stepmill {

class MemoryBlobs::Writer final : public BlobWriter {
 public:
  Writer(MemoryBlobs& blobs, std::string owner) : blobs_(blobs), owner_(std::move(owner)) {}
  Task<> Write(std::string bytes) override {
    bytes_ += bytes;
    co_return Result<>();
  }
  Task<BlobInfo> Finish() override {
    BlobInfo info;
    info.id = NewBlobId(blobs_.random_, owner_);
    info.size_bytes = bytes_.size();
    info.md5 = Md5(bytes_);
    info.sha256 = Sha256(bytes_);
    blobs_.blobs_[info.id.value] = std::make_shared<const std::string>(std::move(bytes_));
    co_return info;
  }

 private:
  MemoryBlobs& blobs_;
  std::string owner_;
  std::string bytes_;
};

namespace {

class Slice final : public ByteSource {
 public:
  Slice(std::shared_ptr<const std::string> bytes, uint64_t at, uint64_t end)
      : bytes_(std::move(bytes)), at_(at), end_(end) {}
  Task<std::string> Read() override {
    std::string chunk = bytes_->substr(at_, std::min<uint64_t>(kChunkBytes, end_ - at_));
    at_ += chunk.size();
    co_return chunk;
  }

 private:
  const std::shared_ptr<const std::string> bytes_;
  uint64_t at_;
  uint64_t end_;
};

}  // namespace

Task<std::unique_ptr<BlobWriter>> MemoryBlobs::Create() { return CreateFor("", BlobHashes::kAll); }

Task<std::unique_ptr<BlobWriter>> MemoryBlobs::CreateFor(std::string owner,
                                                         BlobHashes /* all, always */) {
  co_return std::unique_ptr<BlobWriter>(std::make_unique<Writer>(*this, std::move(owner)));
}

Task<std::unique_ptr<ByteSource>> MemoryBlobs::Open(BlobId id, uint64_t offset, uint64_t length) {
  const auto found = blobs_.find(id.value);
  if (found == blobs_.end()) co_return NoSuchBlob(id);
  const uint64_t size = found->second->size();
  const uint64_t from = std::min(offset, size);
  const uint64_t end = from + std::min(length, size - from);
  co_return std::unique_ptr<ByteSource>(std::make_unique<Slice>(found->second, from, end));
}

Task<> MemoryBlobs::Remove(BlobId id) {
  blobs_.erase(id.value);
  co_return Result<>();
}

Task<std::vector<BlobId>> MemoryBlobs::List() {
  std::vector<BlobId> ids;
  for (const auto& [id, bytes] : blobs_) ids.push_back({id});
  co_return ids;
}

Task<> MemoryBlobs::Export(BlobId id, std::string path) {
  const auto found = blobs_.find(id.value);
  if (found == blobs_.end()) co_return NoSuchBlob(id);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << *found->second;
  file.close();
  if (!file) co_return Error{Code::kUnavailable, "StorageFailed", path + ": cannot be written"};
  co_return Result<>();
}

Task<BlobInfo> MemoryBlobs::Import(std::string path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  if (!file) co_return Error{Code::kNotFound, "NoSuchFile", path + ": cannot be read"};
  std::error_code ignored;  // the bytes are in; a file that stays is its owner's to remove
  std::filesystem::remove(path, ignored);
  Writer writer(*this, "");
  MILL_CO_CHECK(co_await writer.Write(bytes.str()));
  co_return co_await writer.Finish();
}

}  // namespace stepmill
