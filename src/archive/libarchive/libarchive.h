#pragma once

#include <boost/asio/thread_pool.hpp>

#include "archive/archive.h"

namespace stepmill {

/// Archives by libarchive, on the pool. Unpacking refuses (kInvalid, "InvalidArchive") absolute
/// paths, "..", links that lead out of the folder, devices, and whatever would be written through a
/// symbolic link; owners and set-id bits are dropped. What was unpacked before a refusal stays:
/// unpack into a folder of your own.
class Libarchive final : public Archive {
 public:
  explicit Libarchive(asio::thread_pool& pool) : pool_(pool) {}
  Task<> Pack(Format format, std::vector<Entry> entries, std::string to_path) override;
  Task<> PackFolder(Format format, std::string folder, std::string to_path) override;
  Task<> Unpack(std::string from_path, std::string to_folder, Limits limits) override;
  Task<std::string> ReadEntry(std::string from_path, std::string entry_path,
                              uint64_t bytes_max) override;

 private:
  asio::thread_pool& pool_;
};

}  // namespace stepmill
