#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/disk.h"

namespace stepmill::journal {

/// An append-only log of entries, durable one by one, in segment files that are written anew when
/// what they hold is not needed any more.
///
/// A segment is a file "journal-K", 4 MiB of zeros to begin with (or as large as its only entry),
/// so that a sync writes no sizes. It starts with 16 bytes: "MILLJNL1", and its number, which grows
/// by one each time a segment is begun, as 8 bytes. Then the entries:
///   crc32 of the rest (4 bytes), size of the text (4), position (8), the text; padded to 8 bytes
/// all numbers little endian. Positions count up by one through all segments. What stands behind
/// the last entry is of no interest: zeros, a torn entry that was never acknowledged, or older
/// entries, whose positions are lower.
///
/// Used by the writer's worker only.
class Log {
 public:
  static constexpr size_t kHeaderBytes = 16;  ///< of an entry; the caller leaves room for it

  explicit Log(uint64_t segment_bytes = 4 * 1024 * 1024) : segment_bytes_(segment_bytes) {}
  /// Reads the entries with positions above `applied` in order. kInternal, "StoreDamaged": an entry
  /// is not readable and one behind it is.
  Result<> Open(io::Disk& disk, uint64_t applied,
                const std::function<Result<>(uint64_t position, std::string text)>& take);
  /// `framed`: kHeaderBytes of room, then the text. Durable when it returns. Entries up to
  /// `needless` will not be read any more.
  Result<> Append(uint64_t position, std::string& framed, uint64_t needless);
  uint64_t newest() const { return newest_; }

 private:
  struct Segment {
    std::string name;
    uint64_t number = 0;  // 0: not begun
    uint64_t newest = 0;  // position of its last entry
    uint64_t size = 0;
    std::unique_ptr<io::Disk::File> file;
  };
  Result<> ReadHeader(Segment& segment);
  Result<> ReadSegment(Segment& segment, uint64_t applied,
                       const std::function<Result<>(uint64_t, std::string)>& take);
  Result<> Begin(uint64_t bytes, uint64_t needless);
  Result<Segment> Take(uint64_t size, uint64_t needless);
  Result<Segment> Make(uint64_t size);

  io::Disk* disk_ = nullptr;
  uint64_t segment_bytes_;
  std::vector<Segment> segments_;  // the last is written to
  uint64_t next_number_ = 1;
  uint64_t next_file_ = 1;
  uint64_t newest_ = 0;
  uint64_t end_ = 0;  // of the last segment's entries; 0: the next one begins a segment
};

}  // namespace stepmill::journal
