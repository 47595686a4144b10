#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "io/disk.h"
#include "store/journal/changes.h"
#include "store/journal/encoding.h"

namespace stepmill::journal {

// An entry of the journal: what a group of batches changes, as a sequence of operations that the
// index carries out in their order. Each is a letter and its fields (encoding.h); a body is the
// count and the numbers of the payloads in it, then the value's encoding as a text.
//   L  number, text                 a payload that stands here
//   F  number, at, size, crc32      a payload that stands in the payload file
//   E  number                       a payload that nobody will name again who does not name it yet
//   D  key                          deletes a document
//   P  key, version, body           puts one
//   X  name, stream                 deletes a stream
//   S  name, stream, first          a stream is made, or its first sequence moves
//   A  stream, sequence, body       appends a record
//   T  stream, before               deletes records
//   u  id                           removes a due
//   U  id, at (zigzag), kind, body  puts one
struct Op {
  char letter = 0;
  std::string_view name;   ///< key, stream's name, due's id
  std::string_view kind;   ///< U
  std::string_view bytes;  ///< the encoded value; L: the payload's text
  uint64_t number = 0;     ///< payload; version; stream
  uint64_t at = 0;         ///< F: offset; S: first; A: sequence; T: before
  uint64_t size = 0;       ///< F
  uint32_t crc = 0;        ///< F
  int64_t due_ms = 0;      ///< U
  std::vector<PayloadId> payloads;
};
/// Calls `take` with each operation of an entry; views end with `bytes`. kInternal, "StoreDamaged".
Result<> ReadEntry(std::string_view bytes, const std::function<Result<>(Op&)>& take);

/// Makes entries. Keeps the payloads of late in memory, so that a value that is stored again is
/// only named; writes large ones to the payload file, durable before the entry may be written.
/// Used by the writer's worker only.
class EntryMaker {
 public:
  /// `next_payload`, `file_end`: behind all that are there.
  EntryMaker(io::Disk::File& payload_file, PayloadId next_payload, uint64_t file_end);
  /// The group's entry, behind `room` bytes for a header.
  Result<std::string> Make(const std::vector<Changes>& group, size_t room);

 private:
  struct Cached {
    Json text;  // keeps the address that it is found by
    PayloadId id;
  };
  PayloadId Name(const Json& text);
  Result<> Place(PayloadId id, const std::string& text);
  void PutBody(const Json& body);
  void Trim();

  io::Disk::File& payload_file_;
  PayloadId next_payload_;
  uint64_t file_end_;
  uint64_t file_size_ = 0;
  bool has_unsynced_payload_ = false;
  Result<> placed_;
  std::unordered_map<const std::string*, Cached> cached_;
  std::vector<const std::string*> cached_order_;  // the oldest first
  size_t cached_bytes_ = 0;
  std::string payload_ops_, ops_, body_;
  std::vector<PayloadId> body_payloads_;
};

}  // namespace stepmill::journal
