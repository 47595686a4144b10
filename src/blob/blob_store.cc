#include "blob/blob_store.h"

#include <algorithm>
#include <cstdio>

#include "task/ports.h"

namespace stepmill {

namespace {

class BytesInMemory final : public ByteSource {
 public:
  explicit BytesInMemory(std::string bytes) : bytes_(std::move(bytes)) {}
  Task<std::string> Read() override {
    std::string chunk = bytes_.substr(at_, kChunkBytes);
    at_ += chunk.size();
    co_return chunk;
  }

 private:
  std::string bytes_;
  size_t at_ = 0;
};

}  // namespace

BlobId NewBlobId(Random& random) {
  char text[33];
  const uint64_t high = random.Next();
  const uint64_t low = random.Next();
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(high),
                static_cast<unsigned long long>(low));
  return {text};
}

Error NoSuchBlob(const BlobId& id) {
  return {Code::kNotFound, "NoSuchBlob", "there is no blob " + id.value};
}

std::unique_ptr<ByteSource> BytesSource(std::string bytes) {
  return std::make_unique<BytesInMemory>(std::move(bytes));
}

Task<BlobInfo> WriteBlob(BlobStore& blobs, std::string bytes) {
  MILL_CO_TRY(const auto writer, co_await blobs.Create());
  MILL_CO_CHECK(co_await writer->Write(std::move(bytes)));
  co_return co_await writer->Finish();
}

Task<std::string> ReadAll(ByteSource& source, uint64_t bytes_max) {
  std::string all;
  while (true) {
    MILL_CO_TRY(std::string chunk, co_await source.Read());
    if (chunk.empty()) co_return all;
    if (all.size() + chunk.size() > bytes_max) {
      co_return Error{
          Code::kLimit, "EntityTooLarge",
          "more than the " + std::to_string(bytes_max) + " bytes that are allowed here"};
    }
    all = all.empty() ? std::move(chunk) : std::move(all) + chunk;
  }
}

Task<std::string> ReadBlob(BlobStore& blobs, BlobId id, uint64_t bytes_max) {
  MILL_CO_TRY(const auto source, co_await blobs.Open(std::move(id), 0, UINT64_MAX));
  co_return co_await ReadAll(*source, bytes_max);
}

Task<BlobInfo> CopyToBlob(BlobStore& blobs, ByteSource& source) {
  MILL_CO_TRY(const auto writer, co_await blobs.Create());
  while (true) {
    MILL_CO_TRY(std::string chunk, co_await source.Read());
    if (chunk.empty()) break;
    MILL_CO_CHECK(co_await writer->Write(std::move(chunk)));
  }
  co_return co_await writer->Finish();
}

}  // namespace stepmill
