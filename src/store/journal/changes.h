#pragma once

#include <string>
#include <vector>

#include "store/store.h"

namespace stepmill::journal {

/// A batch with everything decided (versions, stream numbers, sequences), so that the writer only
/// writes. Immutable once handed over; its Json values are shared with the overlay.
struct Changes {
  struct PutDocument {
    Key key;
    Version version;
    Json body;
  };
  /// A stream's row: created, or its first sequence moved.
  struct PutStream {
    std::string name;
    uint64_t id;
    uint64_t first;
  };
  struct DeleteStream {
    std::string name;
    uint64_t id;
  };
  struct Append {
    uint64_t stream;
    uint64_t sequence;
    Json body;
  };
  struct Truncate {
    uint64_t stream;
    uint64_t before;
  };

  std::vector<Key> deletes;
  std::vector<PutDocument> puts;
  std::vector<DeleteStream> stream_deletes;
  std::vector<PutStream> stream_puts;
  std::vector<Append> appends;
  std::vector<Truncate> truncates;
  std::vector<std::string> due_removals;
  std::vector<Due> dues;
};

}  // namespace stepmill::journal
