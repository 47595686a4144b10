#include "io/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace stepmill::io {

namespace {

Error FileError(const std::string& path) {
  const Code code = errno == ENOENT ? Code::kNotFound : Code::kInternal;
  return Error{code, "FileError", path + ": " + std::strerror(errno)};
}

struct OpenFile {
  explicit OpenFile(int f) : fd(f) {}
  ~OpenFile() {
    if (fd >= 0) ::close(fd);
  }
  int fd;
};

}  // namespace

Result<std::string> ReadFile(const std::string& path, uint64_t bytes_max) {
  const OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd < 0) return FileError(path);
  std::string bytes;
  char buffer[64 * 1024];
  for (;;) {
    const ssize_t count = ::read(file.fd, buffer, sizeof(buffer));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return FileError(path);
    if (count == 0) return bytes;
    bytes.append(buffer, static_cast<size_t>(count));
    if (bytes.size() > bytes_max) {
      return Error{Code::kLimit, "FileError",
                   path + " is larger than " + std::to_string(bytes_max) + " bytes"};
    }
  }
}

Result<> WriteFile(const std::string& path, std::string_view bytes, bool is_durable, mode_t mode) {
  const std::string temporary = path + ".new";
  {
    const OpenFile file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (file.fd < 0) return FileError(temporary);
    ::fchmod(file.fd, mode);  // whatever the umask says; a failure shows at the next use
    while (!bytes.empty()) {
      const ssize_t count = ::write(file.fd, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return FileError(temporary);
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    if (is_durable && ::fdatasync(file.fd) != 0) return FileError(temporary);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return FileError(path);
  if (!is_durable) return {};
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const OpenFile folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.fd < 0 || ::fsync(folder.fd) != 0) return FileError(parent);
  return {};
}

Result<> MakeFolders(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return Error{Code::kInternal, "FileError", path + ": " + error.message()};
  return {};
}

Result<> RemoveTree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return Error{Code::kInternal, "FileError", path + ": " + error.message()};
  return {};
}

bool Exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

}  // namespace stepmill::io
