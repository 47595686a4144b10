#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace stepmill::files {

/// kUnavailable with the system's text for errno; a full disk is named "StorageFull".
Error SystemError(std::string_view what, const std::string& path);

/// An open file descriptor. Any thread, one at a time.
class File {
 public:
  File() = default;
  ~File();
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
  File& operator=(File&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(path_, other.path_);
    return *this;
  }

  static Result<File> OpenToRead(const std::string& path);  ///< regular files only; kNotFound
  static Result<File> OpenNew(const std::string& path);     ///< mode 0600; must not exist
  Result<uint64_t> Size() const;
  Result<> Append(std::string_view bytes);
  Result<std::string> ReadAt(uint64_t offset, size_t length) const;  ///< short at the end
  Result<> Sync();
  Result<> CopyFrom(const File& source);
  bool is_open() const { return fd_ >= 0; }

 private:
  File(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  int fd_ = -1;
  std::string path_;
};

/// Makes renames and new names in `folder` durable.
Result<> SyncFolder(const std::string& folder);

}  // namespace stepmill::files
