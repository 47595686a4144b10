#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "store/store.h"

namespace stepmill::journal {

/// The writes that are issued but not yet in the index, by the number of the batch that made them.
/// What stands here hides what the index says. Loop thread only.
class Overlay {
 public:
  struct PendingDocument {
    Version version = 0;  ///< 0: deleted
    Json body;
    uint64_t batch = 0;
  };
  struct PendingDue {
    std::optional<Due> due;  ///< nullopt: removed
    uint64_t batch = 0;
  };
  /// What is known of a stream; stays as a cache when nothing is pending.
  struct Stream {
    uint64_t id = 0;  ///< 0: missing
    uint64_t first = 1;
    uint64_t newest = 0;
    uint64_t batch = 0;          ///< the last that changed it
    std::deque<Record> pending;  ///< the newest records, not yet in the index
    std::deque<uint64_t> pending_batches;
  };

  std::map<Key, PendingDocument> documents;
  std::map<std::string, PendingDue> dues;
  std::unordered_map<std::string, Stream> streams;

  /// Notes which entries a batch made, so that Forget finds them.
  struct Touched {
    uint64_t batch;
    std::vector<Key> documents;
    std::vector<std::string> streams;
    std::vector<std::string> dues;
  };
  void Note(Touched touched) { touched_.push_back(std::move(touched)); }
  /// Batches up to `applied` are in the index.
  void Forget(uint64_t applied);
  /// Drops cached streams when there are too many. Pointers into `streams` end here.
  void Trim();

 private:
  uint64_t applied_ = 0;
  std::deque<Touched> touched_;
};

}  // namespace stepmill::journal
