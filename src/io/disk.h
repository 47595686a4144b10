#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace stepmill::io {

/// The files of one folder, as a store needs them: written in place, synced, given back. Errors are
/// kUnavailable, named "StoreFull" (no space) or "StoreFailed", and say which file and why. After
/// an error of Write or Sync the file's unsynced contents are unknown.
///
/// Threads: a file is used by one thread at a time.
class Disk {
 public:
  class File {
   public:
    virtual ~File() = default;
    /// Bytes read; fewer than `size` only at the file's end.
    virtual Result<size_t> Read(uint64_t at, char* to, size_t size) = 0;
    virtual Result<> Write(uint64_t at, std::string_view bytes) = 0;
    /// What was written is durable, and the size with it (fdatasync).
    virtual Result<> Sync() = 0;
    virtual Result<uint64_t> Size() = 0;
    /// Grows with space that is set aside and reads as zeros, or cuts.
    virtual Result<> Resize(uint64_t size) = 0;
    /// Gives the space back; the range reads as zeros.
    virtual Result<> Punch(uint64_t at, uint64_t size) = 0;
  };

  virtual ~Disk() = default;
  /// Made when it is not there (durable with SyncFolder).
  virtual Result<std::unique_ptr<File>> Open(std::string_view name) = 0;
  virtual Result<> Remove(std::string_view name) = 0;
  virtual Result<> SyncFolder() = 0;
  virtual Result<std::vector<std::string>> List() = 0;  ///< names, in any order
};

/// A folder of this machine. It exists.
std::unique_ptr<Disk> OpenFolder(std::string folder);

}  // namespace stepmill::io
