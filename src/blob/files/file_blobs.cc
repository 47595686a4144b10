#include "blob/files/file_blobs.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "base/digest.h"
#include "blob/files/file.h"
#include "io/loop.h"
#include "task/ports.h"

namespace stepmill {

using files::File;
using files::SyncFolder;
using files::SystemError;

namespace {

/// A blob that is being written. Used by one thread at a time: the writer awaits each step.
class Draft {
 public:
  Draft(std::string folder, BlobId id, BlobHashes hashes = BlobHashes::kAll)
      : folder_(std::move(folder)), temporary_(folder_ + "/tmp/" + id.value), hashes_(hashes) {
    info_.id = std::move(id);
  }
  ~Draft() {
    if (is_there_) unlink(temporary_.c_str());
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  Result<> Add(std::string_view bytes) {
    if (!file_.is_open()) {
      MILL_TRY(file_, File::OpenNew(temporary_));
      is_there_ = true;
    }
    Hash(bytes);
    return file_.Append(bytes);
  }
  /// Takes a file over instead of writing one.
  Result<> Take(const std::string& path) {
    {
      MILL_TRY(const File checked, File::OpenToRead(path));
      (void)checked;  // opened to refuse links, folders and devices
    }
    if (rename(path.c_str(), temporary_.c_str()) == 0) {
      is_there_ = true;
      MILL_TRY(file_, File::OpenToRead(temporary_));
      return HashFile();
    }
    if (errno != EXDEV) return SystemError("rename", path);
    MILL_TRY(const File source, File::OpenToRead(path));
    MILL_TRY(file_, File::OpenNew(temporary_));
    is_there_ = true;
    MILL_CHECK(file_.CopyFrom(source));
    MILL_CHECK(HashFile());
    unlink(path.c_str());
    return {};
  }
  Result<BlobInfo> Finish() {
    if (!file_.is_open()) MILL_CHECK(Add(""));
    MILL_CHECK(file_.Sync());
    const std::string shelf = folder_ + "/" + info_.id.value.substr(0, 2);
    const std::string path = shelf + "/" + info_.id.value;
    std::error_code failure;
    if (std::filesystem::create_directory(shelf, failure)) MILL_CHECK(SyncFolder(folder_));
    if (rename(temporary_.c_str(), path.c_str()) != 0) return SystemError("rename", path);
    is_there_ = false;
    MILL_CHECK(SyncFolder(shelf));
    if (hashes_ != BlobHashes::kNone) info_.md5 = md5_.Finish();
    if (hashes_ == BlobHashes::kAll) info_.sha256 = sha256_.Finish();
    return info_;
  }

 private:
  void Hash(std::string_view bytes) {
    if (hashes_ != BlobHashes::kNone) md5_.Update(bytes);
    if (hashes_ == BlobHashes::kAll) sha256_.Update(bytes);
    info_.size_bytes += bytes.size();
  }
  Result<> HashFile() {
    while (true) {
      MILL_TRY(const std::string bytes, file_.ReadAt(info_.size_bytes, 1 << 20));
      if (bytes.empty()) return {};
      Hash(bytes);
    }
  }

  std::string folder_;
  std::string temporary_;
  BlobHashes hashes_;
  File file_;
  bool is_there_ = false;  ///< the temporary file
  BlobInfo info_;
  Digest md5_{Digest::Kind::kMd5};
  Digest sha256_{Digest::Kind::kSha256};
};

/// Work on the pool whose end is seen later, on the thread that started it.
template <class T>
struct Ahead {
  Signal done;
  std::optional<Result<T>> result;
};
template <class T, class Work>
std::shared_ptr<Ahead<T>> StartAhead(asio::thread_pool& pool, asio::any_io_executor back,
                                     Work work) {
  auto ahead = std::make_shared<Ahead<T>>();
  // The loop has something to wait for until the end is on its way to it.
  auto guard = asio::make_work_guard(back);
  asio::post(pool, [ahead, guard = std::move(guard), back, work = std::move(work)]() mutable {
    auto result = work();
    asio::post(back, [ahead = std::move(ahead), result = std::move(result)]() mutable {
      ahead->result.emplace(std::move(result));
      ahead->done.Set();
    });
  });
  return ahead;
}

/// Gathers a chunk before it goes to the pool: a small blob costs one trip. The next chunk is taken
/// while the one before is hashed and written.
class Writer final : public BlobWriter {
 public:
  Writer(asio::thread_pool& pool, std::shared_ptr<Draft> draft)
      : pool_(pool), draft_(std::move(draft)) {}
  ~Writer() override {
    // Removing a file may block.
    if (draft_) asio::post(pool_, [draft = std::move(draft_)]() mutable { draft.reset(); });
  }
  Task<> Write(std::string bytes) override {
    pending_ = pending_.empty() ? std::move(bytes) : std::move(pending_) + bytes;
    if (pending_.size() < kChunkBytes) co_return Result<>();
    MILL_CO_CHECK(co_await Settle());
    auto work = [draft = draft_, taken = std::move(pending_)] { return draft->Add(taken); };
    pending_.clear();
    const auto back = co_await asio::this_coro::executor;
    ahead_ = StartAhead<void>(pool_, back, std::move(work));
    co_return Result<>();
  }
  Task<BlobInfo> Finish() override {
    MILL_CO_CHECK(co_await Settle());
    const auto work = [draft = draft_, taken = std::move(pending_)]() -> Result<BlobInfo> {
      MILL_CHECK(draft->Add(taken));
      return draft->Finish();
    };
    co_return co_await io::Offload(pool_, work);
  }

 private:
  /// Waits for the chunk that is being written: the draft is one thread's at a time.
  Task<> Settle() {
    if (!ahead_) co_return Result<>();
    const auto ahead = std::exchange(ahead_, nullptr);
    MILL_CO_CHECK(co_await ahead->done.Wait());
    co_return *ahead->result;
  }

  asio::thread_pool& pool_;
  std::shared_ptr<Draft> draft_;  ///< shared with the step that runs on the pool
  std::string pending_;
  std::shared_ptr<Ahead<void>> ahead_;  ///< shared with the step that runs on the pool
};

/// Reads a chunk ahead of who takes them.
class Source final : public ByteSource {
 public:
  Source(asio::thread_pool& pool, std::shared_ptr<File> file, std::string first, uint64_t at,
         uint64_t end)
      : pool_(pool), file_(std::move(file)), first_(std::move(first)), at_(at), end_(end) {}
  Task<std::string> Read() override {
    std::string bytes;
    if (!first_.empty()) {
      bytes = std::exchange(first_, std::string());
    } else if (ahead_) {
      const auto ahead = std::exchange(ahead_, nullptr);
      MILL_CO_CHECK(co_await ahead->done.Wait());
      if (!*ahead->result) co_return ahead->result->error();
      bytes = std::move(**ahead->result);
    }
    at_ += bytes.size();
    const size_t length = std::min<uint64_t>(kChunkBytes, end_ - std::min(at_, end_));
    if (!bytes.empty() && length > 0) {
      auto work = [file = file_, at = at_, length] { return file->ReadAt(at, length); };
      const auto back = co_await asio::this_coro::executor;
      ahead_ = StartAhead<std::string>(pool_, back, std::move(work));
    }
    co_return bytes;
  }

 private:
  asio::thread_pool& pool_;
  std::shared_ptr<File> file_;  ///< shared with the read that runs on the pool
  std::string first_;           ///< the first chunk, read with the opening
  uint64_t at_;
  uint64_t end_;
  std::shared_ptr<Ahead<std::string>> ahead_;  ///< shared with the read that runs on the pool
};

struct Opened {
  std::shared_ptr<File> file;
  std::string first;
  uint64_t at = 0, end = 0;
};

std::string PathOf(const std::string& folder, const BlobId& id) {
  return folder + "/" + id.value.substr(0, 2) + "/" + id.value;
}

Result<File> OpenBlob(const std::string& folder, const BlobId& id) {
  if (!IsBlobId(id)) return NoSuchBlob(id);
  auto file = File::OpenToRead(PathOf(folder, id));
  if (!file && file.error().code == Code::kNotFound) return NoSuchBlob(id);
  return file;
}

}  // namespace

Result<std::unique_ptr<FileBlobs>> FileBlobs::Open(asio::thread_pool& pool, Random& random,
                                                   std::string folder) {
  std::error_code failure;
  std::filesystem::remove_all(folder + "/tmp", failure);
  std::filesystem::create_directories(folder + "/tmp", failure);
  if (failure) return Error{Code::kUnavailable, "StorageFailed", folder + ": " + failure.message()};
  MILL_CHECK(SyncFolder(folder));
  return std::unique_ptr<FileBlobs>(new FileBlobs(pool, random, std::move(folder)));
}

Task<std::unique_ptr<BlobWriter>> FileBlobs::Create() { return CreateFor("", BlobHashes::kAll); }

Task<std::unique_ptr<BlobWriter>> FileBlobs::CreateFor(std::string owner, BlobHashes hashes) {
  auto draft = std::make_shared<Draft>(folder_, NewBlobId(random_, owner), hashes);
  co_return std::unique_ptr<BlobWriter>(std::make_unique<Writer>(pool_, std::move(draft)));
}

Task<std::unique_ptr<ByteSource>> FileBlobs::Open(BlobId id, uint64_t offset, uint64_t length) {
  const auto work = [folder = folder_, id = std::move(id), offset, length]() -> Result<Opened> {
    MILL_TRY(File file, OpenBlob(folder, id));
    MILL_TRY(const uint64_t size, file.Size());
    Opened opened;
    opened.at = std::min(offset, size);
    opened.end = opened.at + std::min(length, size - opened.at);
    const size_t first = std::min<uint64_t>(kChunkBytes, opened.end - opened.at);
    MILL_TRY(opened.first, file.ReadAt(opened.at, first));
    opened.file = std::make_shared<File>(std::move(file));
    return opened;
  };
  MILL_CO_TRY(Opened opened, co_await io::Offload(pool_, work));
  co_return std::unique_ptr<ByteSource>(std::make_unique<Source>(
      pool_, std::move(opened.file), std::move(opened.first), opened.at, opened.end));
}

Task<> FileBlobs::Remove(BlobId id) {
  if (!IsBlobId(id)) co_return Result<>();
  const auto work = [path = PathOf(folder_, id)]() -> Result<> {
    if (unlink(path.c_str()) != 0 && errno != ENOENT) return SystemError("remove", path);
    return {};
  };
  co_return co_await io::Offload(pool_, work);
}

Task<std::vector<BlobId>> FileBlobs::List() {
  const auto work = [folder = folder_]() -> Result<std::vector<BlobId>> {
    std::vector<BlobId> ids;
    std::error_code failure;
    for (auto shelf = std::filesystem::directory_iterator(folder, failure);
         !failure && shelf != std::filesystem::directory_iterator(); shelf.increment(failure)) {
      if (shelf->path().filename().string().size() != 2) continue;
      for (auto file = std::filesystem::directory_iterator(shelf->path(), failure);
           !failure && file != std::filesystem::directory_iterator(); file.increment(failure)) {
        BlobId id{file->path().filename().string()};
        if (IsBlobId(id)) ids.push_back(std::move(id));
      }
      if (failure) break;
    }
    if (failure)
      return Error{Code::kUnavailable, "StorageFailed", folder + ": " + failure.message()};
    return ids;
  };
  co_return co_await io::Offload(pool_, work);
}

Task<> FileBlobs::Export(BlobId id, std::string path) {
  const auto work = [folder = folder_, id = std::move(id), path = std::move(path)]() -> Result<> {
    MILL_TRY(const File source, OpenBlob(folder, id));
    if (unlink(path.c_str()) != 0 && errno != ENOENT) return SystemError("replace", path);
    MILL_TRY(File copy, File::OpenNew(path));
    return copy.CopyFrom(source);
  };
  co_return co_await io::Offload(pool_, work);
}

Task<BlobInfo> FileBlobs::Import(std::string path) {
  const auto draft = std::make_shared<Draft>(folder_, NewBlobId(random_));
  const auto work = [draft, path = std::move(path)]() -> Result<BlobInfo> {
    MILL_CHECK(draft->Take(path));
    return draft->Finish();
  };
  co_return co_await io::Offload(pool_, work);
}

}  // namespace stepmill
