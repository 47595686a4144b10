#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "json/json.h"
#include "store/events.h"
#include "task/task.h"

namespace stepmill {

/// A document's key: parts joined by '/', first account and region, e.g.
/// "000000000000/us-east-1/ssm/parameter/my-name". Bytes compare as unsigned. MakeKey escapes
/// parts.
using Key = std::string;
/// Counts a document's writes from 1. 0: absent.
using Version = uint64_t;

/// "a/b/c" with '/' and '%' of each part escaped, so that ranges over a prefix are exact.
Key MakeKey(std::initializer_list<std::string_view> parts);
/// The unescaped parts of a key.
std::vector<std::string> KeyParts(std::string_view key);
/// Where the door keeps the answer to a call with an effect id, until the engine has recorded it.
Key AnswerKey(std::string_view effect_id);
/// First key behind all keys that start with `prefix`: Range(prefix, PrefixEnd(prefix)).
Key PrefixEnd(std::string_view prefix);

struct Document {
  Key key;
  Version version = 0;
  Json body;
};

/// A record of an append-only stream; sequence counts from 1 without gaps, also across truncation.
struct Record {
  uint64_t sequence = 0;
  Json body;
};

/// Something to be done at or after `at`: a timer, an effect to perform, an event to deliver.
/// Stays until a batch removes it, so it is found again after any crash. One with an id that is
/// there already replaces it; removing one that is not there does nothing. In a batch removals take
/// effect before additions.
struct Due {
  std::string id;
  Time at;
  std::string kind;  ///< "timer", "effect", "delivery", "inbox", ... (see engine/engine.cc)
  Json body;
};

enum class Direction { kForward, kBackward };

/// All changes of one transaction, and what it expects to find. Plain data; built by handlers.
/// Whatever the order in which they were added, they take effect by kind: deletes, puts; stream
/// deletes, appends, truncations; due removals, dues. Within a kind the order is kept.
struct Batch {
  struct Put {
    Key key;
    Json body;
  };
  struct Append {
    std::string stream;
    Json body;
  };
  /// The document must be at this version when the batch takes effect; 0: must be absent.
  struct Expect {
    Key key;
    Version version;
  };
  /// The stream's newest sequence must be this one.
  struct ExpectStream {
    std::string stream;
    uint64_t newest;
  };
  /// Records below `before` go away.
  struct Truncate {
    std::string stream;
    uint64_t before;
  };

  std::vector<Expect> expects;
  std::vector<ExpectStream> stream_expects;
  std::vector<Put> puts;
  std::vector<Key> deletes;
  std::vector<Append> appends;
  std::vector<Truncate> truncates;
  std::vector<std::string> stream_deletes;
  std::vector<Due> dues;
  std::vector<std::string> due_removals;
  /// EventBridge documents to deliver, durable with the batch: Engine::Commit turns each into dues
  /// for who wants it; a Store never sees any.
  std::vector<OutgoingEvent> events;
  /// Topics of long polls (Engine::WaitFor): who waits wakes up once this is committed. Told, not
  /// kept: a Store never sees any.
  std::vector<std::string> notices;

  bool is_empty() const {
    return puts.empty() && deletes.empty() && appends.empty() && truncates.empty() &&
           stream_deletes.empty() && dues.empty() && due_removals.empty() && events.empty();
  }
  void PutDocument(Key key, Json body) { puts.push_back({std::move(key), std::move(body)}); }
  /// Put, provided that nothing is there: else the commit is a kConflict and the door runs anew.
  void Create(Key key, Json body) {
    expects.push_back({key, 0});
    PutDocument(std::move(key), std::move(body));
  }
  /// Put, provided that the document is still the one that was read.
  void Replace(const Document& read, Json body) {
    expects.push_back({read.key, read.version});
    PutDocument(read.key, std::move(body));
  }
  void Delete(Key key) { deletes.push_back(std::move(key)); }
  void AppendTo(std::string stream, Json body) {
    appends.push_back({std::move(stream), std::move(body)});
  }
  /// Appends all of `other`.
  void Merge(Batch other);
};

/// Durable memory of the server: documents by key, append-only streams, and what is due.
///
/// One writer: `Commit` is the only way to change anything, and it is all or nothing. After success
/// the batch survives power loss. kConflict: an expectation did not hold, nothing was written.
/// kUnavailable: the outcome is unknown; the caller stops or reads back before it tries again.
///
/// Threads: call from the loop thread. Implementations own their threads. Calls may overlap;
/// commits take effect in the order they were issued, and a read sees every commit issued before
/// it, durable or not (`Settle` waits until those are durable).
class Store {
 public:
  virtual ~Store() = default;

  virtual Task<> Commit(Batch batch) = 0;
  /// Returns when every commit issued so far is durable; at once when none is under way.
  virtual Task<> Settle() = 0;

  virtual Task<std::optional<Document>> Get(Key key) = 0;
  /// At most `limit` documents with keys in [from, to), in key order or against it.
  virtual Task<std::vector<Document>> Range(Key from, Key to, Direction direction, int limit) = 0;
  /// At most `limit` records of `stream`: forward those with sequence >= from, backward those with
  /// sequence <= from (0: from the newest). A missing stream is empty.
  virtual Task<std::vector<Record>> Read(std::string stream, uint64_t from, Direction direction,
                                         int limit) = 0;
  /// At most `limit` dues with (at, id) > (after_at, after_id), in that order. The engine pages
  /// through all of them once at start.
  virtual Task<std::vector<Due>> FindDue(Time after_at, std::string after_id, int limit) = 0;
};

// For implementations: the kConflict errors of a failed expectation.
Error DocumentConflict(const Batch::Expect& expect, Version found);
Error StreamConflict(const Batch::ExpectStream& expect, uint64_t found);

}  // namespace stepmill
