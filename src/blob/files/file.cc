#include "blob/files/file.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace stepmill::files {

Error SystemError(std::string_view what, const std::string& path) {
  const int code = errno;
  if (code == ENOSPC || code == EDQUOT)
    return {Code::kUnavailable, "StorageFull", "the disk that holds " + path + " is full"};
  if (code == ENOENT) return {Code::kNotFound, "NoSuchFile", path + " is not there"};
  return {Code::kUnavailable, "StorageFailed",
          path + ": " + std::string(what) + ": " + std::strerror(code)};
}

File::~File() {
  if (fd_ >= 0) close(fd_);
}

Result<File> File::OpenToRead(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0 && errno == ELOOP)
    return Error{Code::kInvalid, "NotAFile", path + " is a symbolic link"};
  if (fd < 0) return SystemError("open", path);
  File file(fd, path);
  struct stat about {};
  if (fstat(fd, &about) != 0) return SystemError("stat", path);
  if (!S_ISREG(about.st_mode)) return Error{Code::kInvalid, "NotAFile", path + " is no file"};
  return file;
}

Result<File> File::OpenNew(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return SystemError("create", path);
  return File(fd, path);
}

Result<uint64_t> File::Size() const {
  struct stat about {};
  if (fstat(fd_, &about) != 0) return SystemError("stat", path_);
  return static_cast<uint64_t>(about.st_size);
}

Result<> File::Append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(fd_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError("write", path_);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

Result<std::string> File::ReadAt(uint64_t offset, size_t length) const {
  std::string bytes(length, '\0');
  size_t filled = 0;
  while (filled < length) {
    const ssize_t count =
        pread(fd_, bytes.data() + filled, length - filled, static_cast<off_t>(offset + filled));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError("read", path_);
    if (count == 0) break;
    filled += static_cast<size_t>(count);
  }
  bytes.resize(filled);
  return bytes;
}

Result<> File::Sync() {
  if (fdatasync(fd_) != 0) return SystemError("sync", path_);
  return {};
}

Result<> File::CopyFrom(const File& source) {
  if (ioctl(fd_, FICLONE, source.fd_) == 0) return {};
  constexpr size_t kCopyBytes = 1 << 20;
  for (uint64_t offset = 0;;) {
    MILL_TRY(const std::string bytes, source.ReadAt(offset, kCopyBytes));
    if (bytes.empty()) return {};
    MILL_CHECK(Append(bytes));
    offset += bytes.size();
  }
}

Result<> SyncFolder(const std::string& folder) {
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return SystemError("open", folder);
  const int code = fsync(fd);
  const int saved = errno;
  close(fd);
  errno = saved;
  if (code != 0) return SystemError("sync", folder);
  return {};
}

}  // namespace stepmill::files
