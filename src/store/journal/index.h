#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "io/disk.h"
#include "store/journal/database.h"
#include "store/journal/entry.h"
#include "store/journal/log.h"

namespace stepmill::journal {

/// A durable entry of the journal.
struct Entry {
  uint64_t position = 0;
  std::string framed;  ///< Log::kHeaderBytes, then the text
};

/// The SQLite file behind the journal: it holds all that the entries up to `applied()` came to.
/// Behind by as much as the journal still has, so it need not sync what it commits: only before
/// entries are given up (`Move`).
///
/// Used by the index worker only.
class Index {
 public:
  /// `vfs`: null: SQLite's own.
  Result<> Open(const std::string& path, const char* vfs, io::Disk::File& payload_file);
  uint64_t applied() const { return applied_; }
  /// Behind every payload that it knows.
  Result<PayloadId> NextPayload();
  Result<uint64_t> PayloadFileEnd();
  /// Carries out entries, in their order, in one transaction. What several of them change is
  /// written once.
  Result<> Apply(const std::vector<std::shared_ptr<const Entry>>& entries);
  /// Makes durable what was applied, as far as no reader is in the way.
  Result<> Move();
  /// Entries up to this position will not be asked for any more, whatever happens.
  uint64_t durable() const { return durable_; }
  /// Bytes that wait for Move.
  uint64_t unmoved_bytes() const { return unmoved_bytes_; }
  /// Drops what nobody names any more, and what a crash kept from being given back: at the start,
  /// when no maker has named anything yet.
  Result<> DropUnused();
  /// Gives room that is free in the file back to the disk, some at a time.
  Result<> Shrink();

 private:
  struct Value {
    uint64_t number = 0;  // version; due: time as bits
    std::string_view kind = {}, bytes = {};
    std::vector<PayloadId> payloads = {};
    bool is_gone = false;
  };
  struct Slice {
    std::map<std::string_view, Value> documents, dues;
    std::vector<Op> streams, records;  // X, S, A, T in their order
    std::vector<Op> payloads;          // L, F
    std::vector<PayloadId> evicted;
  };
  void Take(Op& op, Slice& slice);
  Result<> Write(Slice& slice);
  Result<> WriteStreams(std::vector<Op>& ops);
  Result<> SetUses(char owner_kind, std::string_view owner, const std::vector<PayloadId>& payloads,
                   bool may_have_old);
  Result<> DropUsesOfRecords(uint64_t stream, uint64_t before);
  Result<> DropIfUnused();

  Connection connection_;
  Statement begin_, commit_, put_document_, delete_document_, put_stream_, delete_stream_,
      delete_records_, append_, truncate_, put_due_, delete_due_, put_payload_, delete_payload_,
      find_payload_, add_use_, drop_uses_, drop_uses_range_, has_use_, set_applied_, free_pages_;
  io::Disk::File* payload_file_ = nullptr;
  uint64_t applied_ = 0;
  uint64_t durable_ = 0;
  uint64_t unmoved_bytes_ = 0;
  bool has_uses_ = false;                 // some row uses a payload
  std::unordered_set<PayloadId> cached_;  // the maker may still name them
  std::vector<PayloadId> perhaps_unused_;
  std::vector<std::pair<uint64_t, uint64_t>> dropped_ranges_;  // of the payload file
};

}  // namespace stepmill::journal
