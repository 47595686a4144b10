// One promise, every blob store.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/digest.h"
#include "base/strings.h"
#include "blob/files/file_blobs.h"
#include "blob/memory/memory_blobs.h"
#include "task/blocking.h"

namespace stepmill {
namespace {

class Counting final : public Random {
 public:
  uint64_t Next() override { return next_ += 0x9E3779B97F4A7C15; }

 private:
  uint64_t next_ = 0;
};

class BlobContract : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    std::string name = std::filesystem::temp_directory_path() / "stepmill-blob-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    if (GetParam()) {
      auto opened = FileBlobs::Open(pool_, random_, folder_ / "blobs");
      ASSERT_TRUE(opened);
      blobs_ = *std::move(opened);
    } else {
      blobs_ = std::make_unique<MemoryBlobs>(random_);
    }
  }
  void TearDown() override {
    pool_.join();
    blobs_.reset();
    std::filesystem::remove_all(folder_);
  }
  template <class T>
  Result<T> Do(Task<T> task) {
    return RunBlocking(context_, std::move(task));
  }
  Result<std::string> Slice(const BlobId& id, uint64_t offset, uint64_t length) {
    const auto source = Do(blobs_->Open(id, offset, length));
    if (!source) return source.error();
    return Do(ReadAll(**source, UINT64_MAX));
  }

  std::filesystem::path folder_;
  asio::io_context context_;
  asio::thread_pool pool_{1};
  Counting random_;
  std::unique_ptr<BlobStore> blobs_;
};

INSTANTIATE_TEST_SUITE_P(Stores, BlobContract, testing::Values(false, true),
                         [](const auto& info) { return info.param ? "Files" : "Memory"; });

TEST_P(BlobContract, KeepsBytesAndTheirDigests) {
  std::string bytes;
  while (bytes.size() < 3 * kChunkBytes + 17) bytes += "0123456789 日本語 ";
  const auto info = Do(WriteBlob(*blobs_, bytes));
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->size_bytes, bytes.size());
  EXPECT_EQ(Hex(info->sha256), Hex(Sha256(bytes)));
  EXPECT_EQ(Hex(info->md5), Hex(Md5(bytes)));
  EXPECT_EQ(*Slice(info->id, 0, UINT64_MAX), bytes);
  EXPECT_EQ(*Slice(info->id, 100, 20), bytes.substr(100, 20));
  EXPECT_EQ(*Slice(info->id, bytes.size() - 5, 100), bytes.substr(bytes.size() - 5));
  EXPECT_EQ(*Slice(info->id, bytes.size() + 5, 100), "");
  EXPECT_EQ(Do(ReadBlob(*blobs_, info->id, 100)).error().code, Code::kLimit);
  EXPECT_EQ(Do(blobs_->List())->size(), 1u);
}

TEST_P(BlobContract, CopiesASource) {
  const auto source = BytesSource(std::string(kChunkBytes * 2 + 1, 'x'));
  const auto info = Do(CopyToBlob(*blobs_, *source));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->size_bytes, kChunkBytes * 2 + 1);
  const auto empty = Do(WriteBlob(*blobs_, ""));
  ASSERT_TRUE(empty);
  EXPECT_EQ(*Slice(empty->id, 0, UINT64_MAX), "");
}

TEST_P(BlobContract, RemovesRepeatedly) {
  const auto info = Do(WriteBlob(*blobs_, "bytes"));
  ASSERT_TRUE(Do(blobs_->Remove(info->id)));
  ASSERT_TRUE(Do(blobs_->Remove(info->id)));
  EXPECT_EQ(Slice(info->id, 0, 1).error().code, Code::kNotFound);
  EXPECT_EQ(Slice(BlobId{"../../../etc/passwd"}, 0, 1).error().code, Code::kNotFound);
}

TEST_P(BlobContract, AnUnfinishedOneLeavesNothing) {
  {
    const auto writer = Do(blobs_->Create());
    ASSERT_TRUE(Do((*writer)->Write(std::string(kChunkBytes + 1, 'x'))));
  }
  EXPECT_TRUE(Do(blobs_->List())->empty());
  pool_.join();
  if (GetParam()) {
    EXPECT_TRUE(std::filesystem::is_empty(folder_ / "blobs" / "tmp"));
  }
}

TEST_P(BlobContract, ExportsACopyAndImportsAFile) {
  const auto info = Do(WriteBlob(*blobs_, "bytes"));
  const std::string path = folder_ / "file";
  ASSERT_TRUE(Do(blobs_->Export(info->id, path)));
  ASSERT_TRUE(Do(blobs_->Export(info->id, path))) << "replaces";
  { std::ofstream(path, std::ios::app) << " and more"; }
  EXPECT_EQ(*Slice(info->id, 0, UINT64_MAX), "bytes") << "the blob does not change with its copy";
  const auto taken = Do(blobs_->Import(path));
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_EQ(taken->size_bytes, 14u);
  EXPECT_EQ(Hex(taken->sha256), Hex(Sha256("bytes and more")));
  EXPECT_EQ(*Slice(taken->id, 0, UINT64_MAX), "bytes and more");
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(Do(blobs_->Import(path)).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace stepmill
