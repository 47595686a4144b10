#include "archive/libarchive/libarchive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <locale.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "archive/libarchive/names.h"
#include "io/loop.h"

namespace stepmill {

namespace {

namespace fs = std::filesystem;
using archives::CheckLink;
using archives::CleanPath;

// libarchive's own names, apart from the port's.
using Handle = ::archive;
using Member = ::archive_entry;
struct FreeRead {
  void operator()(Handle* handle) const { archive_read_free(handle); }
};
struct FreeWrite {
  void operator()(Handle* handle) const { archive_write_free(handle); }
};
struct FreeMember {
  void operator()(Member* member) const { archive_entry_free(member); }
};
using Reader = std::unique_ptr<Handle, FreeRead>;
using Writer = std::unique_ptr<Handle, FreeWrite>;

constexpr size_t kBlockBytes = 256 * 1024;

/// libarchive turns names between UTF-8 and the thread's locale: this makes that the same.
class Utf8Locale {
 public:
  Utf8Locale() : mine_(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
    if (mine_) before_ = uselocale(mine_);
  }
  ~Utf8Locale() {
    if (!mine_) return;
    uselocale(before_);
    freelocale(mine_);
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

 private:
  locale_t mine_;
  locale_t before_ = nullptr;
};

Error SystemError(const std::string& path) {
  const int code = errno;
  if (code == ENOSPC || code == EDQUOT)
    return {Code::kUnavailable, "StorageFull", "the disk that holds " + path + " is full"};
  return {code == ENOENT ? Code::kNotFound : Code::kUnavailable, "StorageFailed",
          path + ": " + std::strerror(code)};
}

Error ArchiveError(Handle* handle, const std::string& path) {
  const char* text = archive_error_string(handle);
  if (archive_errno(handle) == ENOSPC)
    return {Code::kUnavailable, "StorageFull", "the disk that holds " + path + " is full"};
  return {Code::kInvalid, "InvalidArchive", path + ": " + (text ? text : "not a readable archive")};
}

// -- writing ------------------------------------------------------------------------------------

Result<Writer> OpenToWrite(Archive::Format format, const std::string& path) {
  Writer writer(archive_write_new());
  int code = ARCHIVE_OK;
  if (format == Archive::Format::kZip) {
    code = archive_write_set_format_zip(writer.get());
    if (code == ARCHIVE_OK) code = archive_write_set_options(writer.get(), "zip:hdrcharset=UTF-8");
  } else {
    code = archive_write_set_format_pax_restricted(writer.get());
    if (code == ARCHIVE_OK && format == Archive::Format::kTarGz)
      code = archive_write_add_filter_gzip(writer.get());
  }
  if (code == ARCHIVE_OK) code = archive_write_open_filename(writer.get(), path.c_str());
  if (code != ARCHIVE_OK) return ArchiveError(writer.get(), path);
  return writer;
}

Result<> WriteBytes(Handle* writer, int fd, uint64_t size_bytes, const Archive::Entry& entry) {
  std::vector<char> block(kBlockBytes);
  uint64_t left = size_bytes;
  while (left > 0) {
    const ssize_t count = read(fd, block.data(), std::min<uint64_t>(left, block.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError(entry.file_path);
    if (count == 0)
      return Error{Code::kConflict, "FileChanged",
                   entry.file_path + " became shorter while it was packed"};
    if (archive_write_data(writer, block.data(), static_cast<size_t>(count)) != count)
      return ArchiveError(writer, entry.path);
    left -= static_cast<uint64_t>(count);
  }
  return {};
}

Result<> WriteEntry(Handle* writer, const Archive::Entry& entry) {
  struct stat about {};
  if (lstat(entry.file_path.c_str(), &about) != 0) return SystemError(entry.file_path);
  const std::unique_ptr<Member, FreeMember> member(archive_entry_new());
  MILL_TRY(const std::string path, CleanPath(entry.path));
  if (path.empty()) return {};
  archive_entry_set_pathname(member.get(), path.c_str());
  archive_entry_set_mtime(member.get(), about.st_mtim.tv_sec, about.st_mtim.tv_nsec);
  archive_entry_set_perm(member.get(), about.st_mode & 0777);
  int fd = -1;
  if (S_ISLNK(about.st_mode)) {
    std::error_code failure;
    const std::string target = fs::read_symlink(entry.file_path, failure).string();
    if (failure) return SystemError(entry.file_path);
    archive_entry_set_filetype(member.get(), AE_IFLNK);
    archive_entry_set_symlink(member.get(), target.c_str());
    archive_entry_set_size(member.get(), 0);
  } else if (S_ISDIR(about.st_mode)) {
    archive_entry_set_filetype(member.get(), AE_IFDIR);
  } else if (S_ISREG(about.st_mode)) {
    fd = open(entry.file_path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return SystemError(entry.file_path);
    archive_entry_set_filetype(member.get(), AE_IFREG);
    archive_entry_set_size(member.get(), about.st_size);
  } else {
    return {};  // sockets, pipes and devices have no place in an archive
  }
  const auto close_file = [](int* open_fd) {
    if (*open_fd >= 0) close(*open_fd);
  };
  const std::unique_ptr<int, decltype(close_file)> guard(&fd, close_file);
  if (archive_write_header(writer, member.get()) < ARCHIVE_WARN) return ArchiveError(writer, path);
  if (fd >= 0) return WriteBytes(writer, fd, static_cast<uint64_t>(about.st_size), entry);
  return {};
}

Result<> PackNow(Archive::Format format, const std::vector<Archive::Entry>& entries,
                 const std::string& to_path) {
  const Utf8Locale locale;
  const auto pack = [&]() -> Result<> {
    MILL_TRY(const Writer writer, OpenToWrite(format, to_path));
    for (const Archive::Entry& entry : entries) MILL_CHECK(WriteEntry(writer.get(), entry));
    if (archive_write_close(writer.get()) != ARCHIVE_OK) return ArchiveError(writer.get(), to_path);
    return {};
  };
  auto packed = pack();
  if (!packed) unlink(to_path.c_str());
  return packed;
}

/// Everything below `folder`, in order of path, so that the same tree gives the same archive.
Result<std::vector<Archive::Entry>> ListFolder(const std::string& folder) {
  std::vector<Archive::Entry> entries;
  std::error_code failure;
  auto at = fs::recursive_directory_iterator(folder, failure);
  for (; !failure && at != fs::recursive_directory_iterator(); at.increment(failure)) {
    const std::string path = at->path().string();
    entries.push_back({path.substr(folder.size() + (folder.ends_with('/') ? 0 : 1)), path});
  }
  if (failure) return Error{Code::kUnavailable, "StorageFailed", folder + ": " + failure.message()};
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  return entries;
}

// -- reading ------------------------------------------------------------------------------------

Result<Reader> OpenToRead(const std::string& path) {
  if (access(path.c_str(), R_OK) != 0) return SystemError(path);
  Reader reader(archive_read_new());
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_format_zip(reader.get());
  archive_read_support_format_tar(reader.get());
  archive_read_support_format_empty(reader.get());
  if (archive_read_open_filename(reader.get(), path.c_str(), kBlockBytes) != ARCHIVE_OK)
    return ArchiveError(reader.get(), path);
  return reader;
}

/// False at the end.
Result<bool> NextMember(Handle* reader, const std::string& path, Member** member) {
  const int code = archive_read_next_header(reader, member);
  if (code == ARCHIVE_EOF) return false;
  if (code < ARCHIVE_WARN) return ArchiveError(reader, path);
  if (!archive_entry_pathname(*member))
    return Error{Code::kInvalid, "InvalidArchive", path + ": a member's name is no UTF-8"};
  return true;
}

/// Makes the member fit to be written below `folder`. An empty path: skip it.
Result<std::string> Confine(Member* member, const std::string& folder) {
  MILL_TRY(const std::string path, CleanPath(archive_entry_pathname(member)));
  if (path.empty()) return path;
  if (const char* link = archive_entry_hardlink(member)) {
    MILL_TRY(const std::string target, CleanPath(link));
    archive_entry_set_hardlink(member, (folder + "/" + target).c_str());
  } else {
    const auto type = archive_entry_filetype(member);
    if (type == AE_IFLNK) {
      const char* target = archive_entry_symlink(member);
      MILL_CHECK(CheckLink(path, target ? target : ""));
    } else if (type != AE_IFREG && type != AE_IFDIR) {
      return Error{Code::kInvalid, "InvalidArchive",
                   "the archive's member \"" + path + "\" is neither file, folder nor link"};
    }
  }
  // A folder stays writable while it is filled; set-id bits and owners are not taken over.
  archive_entry_set_perm(member, archive_entry_perm(member) & 0777);
  archive_entry_set_pathname(member, (folder + "/" + path).c_str());
  return path;
}

Result<> CopyBytes(Handle* reader, Handle* disk, const std::string& path, uint64_t& bytes_left) {
  while (true) {
    const void* block = nullptr;
    size_t size = 0;
    la_int64_t offset = 0;
    const int code = archive_read_data_block(reader, &block, &size, &offset);
    if (code == ARCHIVE_EOF) return {};
    if (code < ARCHIVE_WARN) return ArchiveError(reader, path);
    if (size > bytes_left)
      return Error{Code::kLimit, "ArchiveTooLarge",
                   "the archive unpacks to more bytes than are allowed here"};
    bytes_left -= size;
    if (archive_write_data_block(disk, block, size, offset) < ARCHIVE_WARN)
      return ArchiveError(disk, path);
  }
}

Result<> UnpackNow(const std::string& from_path, const std::string& to_folder,
                   const Archive::Limits& limits) {
  const Utf8Locale locale;
  MILL_TRY(const Reader reader, OpenToRead(from_path));
  std::error_code failure;
  fs::create_directories(to_folder, failure);
  const std::string folder = fs::canonical(to_folder, failure).string();
  if (failure)
    return Error{Code::kUnavailable, "StorageFailed", to_folder + ": " + failure.message()};
  const Writer disk(archive_write_disk_new());
  archive_write_disk_set_options(disk.get(), ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME |
                                                 ARCHIVE_EXTRACT_SECURE_SYMLINKS |
                                                 ARCHIVE_EXTRACT_SECURE_NODOTDOT);
  uint64_t bytes_left = limits.bytes_max;
  for (uint64_t count = 0;; ++count) {
    Member* member = nullptr;
    MILL_TRY(const bool is_there, NextMember(reader.get(), from_path, &member));
    if (!is_there) break;
    if (count >= limits.entries_max)
      return Error{Code::kLimit, "ArchiveTooLarge",
                   "the archive has more than " + std::to_string(limits.entries_max) + " members"};
    MILL_TRY(const std::string path, Confine(member, folder));
    if (path.empty()) continue;
    if (archive_write_header(disk.get(), member) < ARCHIVE_WARN)
      return ArchiveError(disk.get(), path);
    if (!archive_entry_size_is_set(member) || archive_entry_size(member) > 0)
      MILL_CHECK(CopyBytes(reader.get(), disk.get(), path, bytes_left));
    if (archive_write_finish_entry(disk.get()) < ARCHIVE_WARN)
      return ArchiveError(disk.get(), path);
  }
  if (archive_write_close(disk.get()) < ARCHIVE_WARN) return ArchiveError(disk.get(), folder);
  return {};
}

Result<std::string> ReadEntryNow(const std::string& from_path, const std::string& entry_path,
                                 uint64_t bytes_max) {
  const Utf8Locale locale;
  MILL_TRY(const std::string wanted, CleanPath(entry_path));
  MILL_TRY(const Reader reader, OpenToRead(from_path));
  while (true) {
    Member* member = nullptr;
    MILL_TRY(const bool is_there, NextMember(reader.get(), from_path, &member));
    if (!is_there)
      return Error{Code::kNotFound, "NoSuchEntry", "the archive has no \"" + entry_path + "\""};
    MILL_TRY(const std::string path, CleanPath(archive_entry_pathname(member)));
    if (const char* link = archive_entry_symlink(member)) MILL_CHECK(CheckLink(path, link));
    if (const char* link = archive_entry_hardlink(member)) {
      MILL_TRY(const std::string ignored, CleanPath(link));
    }
    if (path != wanted || archive_entry_filetype(member) != AE_IFREG) continue;
    std::string bytes;
    std::vector<char> block(kBlockBytes);
    while (true) {
      const la_ssize_t count = archive_read_data(reader.get(), block.data(), block.size());
      if (count < 0) return ArchiveError(reader.get(), from_path);
      if (count == 0) return bytes;
      if (bytes.size() + static_cast<size_t>(count) > bytes_max)
        return Error{Code::kLimit, "EntryTooLarge",
                     "\"" + entry_path + "\" is larger than the " + std::to_string(bytes_max) +
                         " bytes that are allowed here"};
      bytes.append(block.data(), static_cast<size_t>(count));
    }
  }
}

}  // namespace

Task<> Libarchive::Pack(Format format, std::vector<Entry> entries, std::string to_path) {
  const auto work = [format, entries = std::move(entries), to_path = std::move(to_path)] {
    return PackNow(format, entries, to_path);
  };
  co_return co_await io::Offload(pool_, work);
}

Task<> Libarchive::PackFolder(Format format, std::string folder, std::string to_path) {
  const auto work = [format, folder = std::move(folder),
                     to_path = std::move(to_path)]() -> Result<> {
    MILL_TRY(const std::vector<Entry> entries, ListFolder(folder));
    return PackNow(format, entries, to_path);
  };
  co_return co_await io::Offload(pool_, work);
}

Task<> Libarchive::Unpack(std::string from_path, std::string to_folder, Limits limits) {
  const auto work = [from_path = std::move(from_path), to_folder = std::move(to_folder), limits] {
    return UnpackNow(from_path, to_folder, limits);
  };
  co_return co_await io::Offload(pool_, work);
}

Task<std::string> Libarchive::ReadEntry(std::string from_path, std::string entry_path,
                                        uint64_t bytes_max) {
  const auto work = [from_path = std::move(from_path), entry_path = std::move(entry_path),
                     bytes_max] { return ReadEntryNow(from_path, entry_path, bytes_max); };
  co_return co_await io::Offload(pool_, work);
}

}  // namespace stepmill
