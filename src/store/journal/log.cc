#include "store/journal/log.h"

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace stepmill::journal {
namespace {

constexpr std::string_view kPrefix = "journal-";
constexpr char kMagic[9] = "MILLJNL1";
constexpr uint64_t kSegmentHeaderBytes = 16;
constexpr size_t kZeros = 256 * 1024;
constexpr size_t kSparesMax = 2;  // needless segments that are kept to be written anew

uint64_t Padded(uint64_t size) { return (size + 7) / 8 * 8; }

void PutBytes(char* to, uint64_t number, int bytes) {
  for (int i = 0; i < bytes; ++i) to[i] = static_cast<char>(number >> (8 * i));
}
uint64_t GetBytes(const char* from, int bytes) {
  uint64_t number = 0;
  for (int i = 0; i < bytes; ++i)
    number |= static_cast<uint64_t>(static_cast<unsigned char>(from[i])) << (8 * i);
  return number;
}
uint32_t Crc(const char* bytes, size_t size) {
  return static_cast<uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes), static_cast<z_size_t>(size)));
}

/// An entry that stands at `at`, with a position above `above`: its size, header and all; 0: there
/// is none.
uint64_t EntryAt(std::string_view segment, uint64_t at, uint64_t above, uint64_t& position) {
  if (at + Log::kHeaderBytes > segment.size()) return 0;
  const char* header = segment.data() + at;
  const uint64_t size = Log::kHeaderBytes + GetBytes(header + 4, 4);
  if (at + size > segment.size()) return 0;
  position = GetBytes(header + 8, 8);
  if (position <= above || GetBytes(header, 4) != Crc(header + 4, size - 4)) return 0;
  return size;
}

}  // namespace

Result<> Log::Open(io::Disk& disk, uint64_t applied,
                   const std::function<Result<>(uint64_t, std::string)>& take) {
  disk_ = &disk;
  newest_ = applied;
  MILL_TRY(const auto names, disk.List());
  for (const std::string& name : names) {
    if (!name.starts_with(kPrefix)) continue;
    uint64_t file = 0;
    const char* const digits = name.data() + kPrefix.size();
    const auto [end, failure] = std::from_chars(digits, name.data() + name.size(), file);
    if (failure != std::errc() || *end != '\0') continue;
    next_file_ = std::max(next_file_, file + 1);
    Segment segment;
    segment.name = name;
    MILL_CHECK(ReadHeader(segment));
    next_number_ = std::max(next_number_, segment.number + 1);
    segments_.push_back(std::move(segment));
  }
  std::sort(segments_.begin(), segments_.end(),
            [](const Segment& a, const Segment& b) { return a.number < b.number; });
  for (Segment& segment : segments_)
    if (segment.number != 0) MILL_CHECK(ReadSegment(segment, applied, take));
  // The next entry goes behind the newest one.
  const auto active = std::find_if(segments_.begin(), segments_.end(), [this](const Segment& each) {
    return each.number != 0 && each.newest == newest_;
  });
  if (active != segments_.end())
    std::rotate(active, active + 1, segments_.end());
  else
    end_ = 0;
  return {};
}

/// A header that is not there: the file was being made, nothing was ever acknowledged in it.
Result<> Log::ReadHeader(Segment& segment) {
  MILL_TRY(segment.file, disk_->Open(segment.name));
  MILL_TRY(segment.size, segment.file->Size());
  char header[kSegmentHeaderBytes] = {};
  MILL_TRY(const size_t count, segment.file->Read(0, header, sizeof header));
  if (count == sizeof header && std::memcmp(header, kMagic, 8) == 0)
    segment.number = GetBytes(header + 8, 8);
  return {};
}

Result<> Log::ReadSegment(Segment& segment, uint64_t applied,
                          const std::function<Result<>(uint64_t, std::string)>& take) {
  std::string bytes(segment.size, '\0');
  MILL_TRY(const size_t count, segment.file->Read(0, bytes.data(), bytes.size()));
  bytes.resize(count);
  uint64_t at = kSegmentHeaderBytes, position = 0, last = 0;
  while (const uint64_t size = EntryAt(bytes, at, 0, position)) {
    if (last != 0 && position != last + 1) break;  // of an earlier life
    if (position > newest_ + 1)
      return Error{Code::kInternal, "StoreDamaged",
                   segment.name + ": entry " + std::to_string(newest_ + 1) +
                       " of the journal is missing or not readable"};
    last = position;
    if (position == newest_ + 1) {
      newest_ = position;
      if (position > applied)
        MILL_CHECK(take(position, bytes.substr(at + kHeaderBytes, size - kHeaderBytes)));
    }
    at += Padded(size);
  }
  segment.newest = last;
  if (last == newest_) end_ = at;
  // Entries are written one after the other, each behind the sync of the one before: a readable
  // later one means that what stands here was whole once.
  for (; at + kHeaderBytes <= bytes.size(); at += 8)
    if (EntryAt(bytes, at, newest_, position) != 0)
      return Error{Code::kInternal, "StoreDamaged",
                   segment.name + ": entry " + std::to_string(newest_ + 1) +
                       " of the journal is not readable, " + std::to_string(position) + " is"};
  return {};
}

/// A segment whose entries nobody needs is written anew. Others that are as needless go, all but
/// some.
Result<Log::Segment> Log::Take(uint64_t size, uint64_t needless) {
  std::vector<Segment> spares, kept;
  for (Segment& segment : segments_)
    (segment.newest <= needless ? spares : kept).push_back(std::move(segment));
  segments_ = std::move(kept);
  Segment taken;
  size_t count = 0;
  for (Segment& spare : spares) {
    if (!taken.file && spare.size >= size) {
      taken = std::move(spare);
    } else if (spare.size == segment_bytes_ && ++count <= kSparesMax) {
      segments_.insert(segments_.begin(), std::move(spare));
    } else {
      spare.file.reset();
      MILL_CHECK(disk_->Remove(spare.name));
    }
  }
  return taken;
}

Result<Log::Segment> Log::Make(uint64_t size) {
  Segment made;
  made.name = std::string(kPrefix) + std::to_string(next_file_++);
  made.size = size;
  MILL_TRY(made.file, disk_->Open(made.name));
  const std::string zeros(kZeros, '\0');
  for (uint64_t at = 0; at < size; at += zeros.size())
    MILL_CHECK(made.file->Write(at, std::string_view(zeros).substr(0, size - at)));
  MILL_CHECK(made.file->Sync());
  MILL_CHECK(disk_->SyncFolder());
  return made;
}

Result<> Log::Begin(uint64_t bytes, uint64_t needless) {
  const uint64_t size = std::max(segment_bytes_, bytes + kSegmentHeaderBytes);
  MILL_TRY(Segment next, Take(size, needless));
  if (!next.file) {
    MILL_TRY(next, Make(size));
  }
  next.number = next_number_++;
  next.newest = UINT64_MAX;  // until it has an entry
  char header[kSegmentHeaderBytes];
  std::memcpy(header, kMagic, 8);
  PutBytes(header + 8, next.number, 8);
  MILL_CHECK(next.file->Write(0, std::string_view(header, sizeof header)));
  MILL_CHECK(next.file->Sync());
  end_ = kSegmentHeaderBytes;
  segments_.push_back(std::move(next));
  return {};
}

Result<> Log::Append(uint64_t position, std::string& framed, uint64_t needless) {
  MILL_ASSERT(position == newest_ + 1);
  const uint64_t size = framed.size();
  PutBytes(framed.data() + 4, size - kHeaderBytes, 4);
  PutBytes(framed.data() + 8, position, 8);
  PutBytes(framed.data(), Crc(framed.data() + 4, size - 4), 4);
  if (end_ == 0 || end_ + size > segments_.back().size) MILL_CHECK(Begin(size, needless));
  Segment& segment = segments_.back();
  MILL_CHECK(segment.file->Write(end_, framed));
  MILL_CHECK(segment.file->Sync());
  end_ += Padded(size);
  segment.newest = newest_ = position;
  return {};
}

}  // namespace stepmill::journal
