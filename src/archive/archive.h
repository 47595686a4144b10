#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "task/task.h"

namespace stepmill {

/// zip and tar(.gz) files, read and written as streams on a worker thread (libarchive behind it).
/// Paths inside are relative, without "..": an archive that leaves its folder is refused
/// (kInvalid).
class Archive {
 public:
  enum class Format { kZip, kTar, kTarGz };
  struct Entry {
    std::string path;       ///< inside the archive
    std::string file_path;  ///< the file it is made from
  };
  struct Limits {
    uint64_t bytes_max = 64ull << 30;  ///< unpacked
    uint64_t entries_max = 1'000'000;
  };
  virtual ~Archive() = default;

  /// Writes `entries` (files; modes and symlinks kept) into a new archive at `to_path`.
  virtual Task<> Pack(Format format, std::vector<Entry> entries, std::string to_path) = 0;
  /// The same with everything below `folder` (".git" too when it is there).
  virtual Task<> PackFolder(Format format, std::string folder, std::string to_path) = 0;
  /// Unpacks any of the formats (seen by content) below `to_folder`, which exists or is made.
  virtual Task<> Unpack(std::string from_path, std::string to_folder, Limits limits) = 0;
  /// One member's bytes; kNotFound when there is none, kLimit when larger than `bytes_max`. What
  /// leads out of the archive on the way there is refused, as Unpack refuses it.
  virtual Task<std::string> ReadEntry(std::string from_path, std::string entry_path,
                                      uint64_t bytes_max) = 0;
};

}  // namespace stepmill
