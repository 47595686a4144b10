#include "service/codebuild/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/digest.h"

namespace stepmill::codebuild {
namespace {

namespace fs = std::filesystem;

constexpr size_t kFilesMax = 200'000;               // of a source folder
constexpr size_t kReadBytesMax = 32 * 1024 * 1024;  // of one file held in memory

}  // namespace

Result<std::vector<std::string>> FilesBelow(const std::string& folder) {
  std::vector<std::string> out;
  std::error_code failed;
  if (fs::is_symlink(fs::symlink_status(folder, failed)))
    return Error{Code::kInvalid, "CLIENT_ERROR", folder + " is a link"};
  for (fs::recursive_directory_iterator at(folder, failed), end; at != end; at.increment(failed)) {
    if (failed) break;
    if (at->is_directory(failed) && !at->is_symlink(failed)) continue;
    out.push_back(at->path().lexically_relative(folder).string());
    if (out.size() > kFilesMax)
      return Error{Code::kLimit, "CLIENT_ERROR", "the source folder has too many files"};
  }
  if (failed) return Error{Code::kInvalid, "CLIENT_ERROR", folder + ": " + failed.message()};
  std::sort(out.begin(), out.end());
  return out;
}

std::string ReadHostFile(const std::string& path) {
  // A build may have made what stands there: links are not followed, devices not read.
  const int fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return "";
  std::string text;
  struct stat about {};
  if (::fstat(fd, &about) == 0 && S_ISREG(about.st_mode)) {
    char buffer[65536];
    for (ssize_t n; text.size() < kReadBytesMax && (n = ::read(fd, buffer, sizeof buffer)) > 0;)
      text.append(buffer, static_cast<size_t>(n));
  }
  ::close(fd);
  return text;
}

bool WriteHostFile(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  return out.flush().good();
}

std::string HashOfFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return "";
  Digest digest(Digest::Kind::kSha256);
  struct stat about {};
  const bool is_file = ::fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
  char buffer[65536];
  for (ssize_t n; is_file && (n = ::read(fd, buffer, sizeof buffer)) > 0;)
    digest.Update(std::string_view(buffer, static_cast<size_t>(n)));
  ::close(fd);
  return is_file ? digest.Finish() : "";
}

}  // namespace stepmill::codebuild
