#include "io/disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace stepmill::io {
namespace {

Error Trouble(const std::string& path, std::string_view what) {
  const int number = errno;
  if (number == ENOSPC || number == EDQUOT)
    return {Code::kUnavailable, "StoreFull", "the disk that holds " + path + " is full"};
  return {Code::kUnavailable, "StoreFailed",
          path + ": " + std::string(what) + ": " + std::strerror(number)};
}

class FolderFile final : public Disk::File {
 public:
  FolderFile(int file, std::string path) : file_(file), path_(std::move(path)) {}
  ~FolderFile() override { close(file_); }

  Result<size_t> Read(uint64_t at, char* to, size_t size) override {
    size_t done = 0;
    while (done < size) {
      const ssize_t count = pread(file_, to + done, size - done, static_cast<off_t>(at + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return Trouble(path_, "read");
      if (count == 0) break;
      done += static_cast<size_t>(count);
    }
    return done;
  }
  Result<> Write(uint64_t at, std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t count = pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(at));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return Trouble(path_, "write");
      at += static_cast<uint64_t>(count);
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    return {};
  }
  Result<> Sync() override {
    if (fdatasync(file_) != 0) return Trouble(path_, "sync");
    return {};
  }
  Result<uint64_t> Size() override {
    struct stat found;
    if (fstat(file_, &found) != 0) return Trouble(path_, "size");
    return static_cast<uint64_t>(found.st_size);
  }
  Result<> Resize(uint64_t size) override {
    MILL_TRY(const uint64_t before, Size());
    if (size > before) {
      const auto from = static_cast<off_t>(before);
      if (fallocate(file_, 0, from, static_cast<off_t>(size) - from) == 0) return {};
      if (errno != EOPNOTSUPP) return Trouble(path_, "grow");
    }
    if (ftruncate(file_, static_cast<off_t>(size)) != 0) return Trouble(path_, "resize");
    return {};
  }
  Result<> Punch(uint64_t at, uint64_t size) override {
    constexpr int kMode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    if (fallocate(file_, kMode, static_cast<off_t>(at), static_cast<off_t>(size)) == 0) return {};
    // Where that is not possible the space stays taken: a loss of room, not of data.
    if (errno == EOPNOTSUPP) return {};
    return Trouble(path_, "punch");
  }

 private:
  const int file_;
  const std::string path_;
};

class Folder final : public Disk {
 public:
  explicit Folder(std::string folder) : folder_(std::move(folder)) {}

  Result<std::unique_ptr<File>> Open(std::string_view name) override {
    std::string path = PathOf(name);
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return Trouble(path, "open");
    return std::unique_ptr<File>(std::make_unique<FolderFile>(file, std::move(path)));
  }
  Result<> Remove(std::string_view name) override {
    const std::string path = PathOf(name);
    if (unlink(path.c_str()) != 0 && errno != ENOENT) return Trouble(path, "remove");
    return {};
  }
  Result<> SyncFolder() override {
    const int file = open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) return Trouble(folder_, "open");
    const bool is_synced = fsync(file) == 0;
    const Error trouble = is_synced ? Error() : Trouble(folder_, "sync");
    close(file);
    if (!is_synced) return trouble;
    return {};
  }
  Result<std::vector<std::string>> List() override {
    DIR* const folder = opendir(folder_.c_str());
    if (!folder) return Trouble(folder_, "list");
    std::vector<std::string> names;
    while (const dirent* entry = readdir(folder)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    closedir(folder);
    return names;
  }

 private:
  std::string PathOf(std::string_view name) const { return folder_ + "/" + std::string(name); }
  const std::string folder_;
};

}  // namespace

std::unique_ptr<Disk> OpenFolder(std::string folder) {
  return std::make_unique<Folder>(std::move(folder));
}

}  // namespace stepmill::io
