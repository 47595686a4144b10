#include "compute/container/pipe.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "io/run_on.h"

namespace stepmill::container {
namespace {

/// A source of `count` pieces of 64 KiB.
class Pieces : public ByteSource {
 public:
  explicit Pieces(int count) : count_(count) {}
  Task<std::string> Read() override {
    co_return count_-- > 0 ? std::string(1 << 16, 'x') : std::string();
  }

 private:
  int count_;
};

Task<std::unique_ptr<ByteSource>> OpenPieces(int count) {
  co_return std::unique_ptr<ByteSource>(std::make_unique<Pieces>(count));
}

class PipeTest : public testing::Test {
 protected:
  PipeTest() {
    ::signal(SIGPIPE, SIG_IGN);  // as the server does
    std::string pattern = (std::filesystem::temp_directory_path() / "pipe-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
    path = folder + "/train_0";
    EXPECT_TRUE(MakeFifo(path));
    EXPECT_TRUE(MakeFifo(path));
  }
  ~PipeTest() override { std::filesystem::remove_all(folder); }
  /// What a reader of its own thread gets, which closes after `bytes_max`.
  size_t Read(size_t bytes_max) const {
    const int fd = ::open(path.c_str(), O_RDONLY);
    std::string buffer(1 << 14, '\0');
    size_t count = 0;
    for (ssize_t n; count < bytes_max && (n = ::read(fd, buffer.data(), buffer.size())) > 0;)
      count += static_cast<size_t>(n);
    ::close(fd);
    return count;
  }
  Result<PipeEnd> Feed(int pieces, std::function<bool()> has_ended) {
    return io::RunOn(
        loop, FeedFifo(loop, path, std::move(has_ended), [pieces] { return OpenPieces(pieces); }));
  }

  io::Loop loop{1};
  std::string folder, path;
};

bool Never() { return false; }

TEST_F(PipeTest, AReaderGetsAllAndThenTheEnd) {
  for (int epoch = 0; epoch < 2; ++epoch) {
    size_t got = 0;
    std::thread reader([&] { got = Read(SIZE_MAX); });
    EXPECT_EQ(Feed(40, Never).value(), PipeEnd::kAll);
    reader.join();
    EXPECT_EQ(got, size_t{40} << 16);
  }
}

TEST_F(PipeTest, AReaderThatClosesEarly) {
  std::thread reader([&] { Read(100'000); });
  EXPECT_EQ(Feed(1 << 20, Never).value(), PipeEnd::kClosed);
  reader.join();
}

TEST_F(PipeTest, AReaderThatNeverOpens) {
  int asked = 0;
  EXPECT_EQ(Feed(1, [&] { return ++asked > 3; }).value(), PipeEnd::kJobEnded);
}

TEST_F(PipeTest, WhatTheJobPutInItsPlaceIsNotFollowed) {
  std::filesystem::remove(path);
  std::filesystem::create_symlink("/dev/null", path);
  EXPECT_FALSE(Feed(1, Never));
  std::filesystem::remove(path);
  ::close(::open(path.c_str(), O_CREAT | O_WRONLY, 0600));
  EXPECT_EQ(Feed(1, Never).error().name, "PipeError");
}

}  // namespace
}  // namespace stepmill::container
