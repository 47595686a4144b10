#include "store/journal/journal_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "store/journal/entry.h"
#include "store/journal/index.h"
#include "store/journal/log.h"
#include "store/journal/overlay.h"
#include "task/ports.h"

namespace stepmill {

using journal::Changes;
using journal::Connection;
using journal::Entry;
using journal::Overlay;
using journal::PayloadId;
using journal::Statement;
using journal::StatementScope;

namespace {

constexpr char kPayloadFile[] = "payloads";
constexpr char kIndexFile[] = "index.sqlite";
constexpr int kIndexNiceness = 5;
constexpr size_t kSliceBytes = 1 << 20;       // of the journal, carried into the index at once
constexpr size_t kBehindBytesMax = 32 << 20;  // of the journal that is not in the index yet
constexpr size_t kRecentMax = 4096;           // documents read of late,
constexpr size_t kRecentBytesMax = 4096;      // those of this size at most
constexpr uint64_t kEveryBatch = UINT64_MAX;
constexpr size_t kReadBytesMax = 8 << 20;  // of payloads read, kept for the next reader

/// One batch on its way to the disk.
struct Ticket {
  Signal settled;
  Result<> result;
};

/// Holds the lock that keeps a second process away from the file.
class FileLock {
 public:
  FileLock() = default;
  ~FileLock() {
    if (fd_ >= 0) close(fd_);
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  Result<> Take(const std::string& path) {
    fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd_ < 0)
      return Error{Code::kUnavailable, "StoreFailed", path + ": " + std::strerror(errno)};
    if (flock(fd_, LOCK_EX | LOCK_NB) != 0)
      return Error{Code::kConflict, "StoreInUse", path + ": another process has this store open"};
    return {};
  }

 private:
  int fd_ = -1;
};

}  // namespace

class JournalStore::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(asio::any_io_executor loop, Failed failed)
      : loop_(std::move(loop)), failed_(std::move(failed)) {}

  Result<> Open(Ground ground);
  Result<> Lock(const std::string& path) { return lock_.Take(path); }
  /// Checks, lays the batch over the file and queues it.
  Result<std::shared_ptr<Ticket>> Issue(Batch batch);
  /// The last ticket that is still open, or null.
  std::shared_ptr<Ticket> LastOpen() const;
  Result<> failure() const { return failure_; }
  void Close() {
    writer_.reset();
    indexer_.reset();
  }

  Result<std::optional<Document>> Get(const Key& key);
  Result<std::vector<Document>> Range(const Key& from, const Key& to, Direction direction,
                                      size_t limit);
  Result<std::vector<Record>> Read(const std::string& name, uint64_t from, Direction direction,
                                   size_t limit);
  Result<std::vector<Due>> FindDue(Time after_at, const std::string& after_id, size_t limit);

 private:
  void KeepRecent(Document document);
  Result<Version> FindVersion(const Key& key);
  Result<Overlay::Stream*> FindStream(const std::string& name);
  Result<> Check(const Batch& batch);
  Result<> LayDocuments(Batch& batch, Changes& changes, Overlay::Touched& touched);
  Result<> LayStreams(Batch& batch, Changes& changes, Overlay::Touched& touched);
  void LayDues(Batch& batch, Changes& changes, Overlay::Touched& touched);
  /// What becomes of a group on the writer's thread.
  struct Group {
    std::vector<Changes> changes;
    uint64_t last_batch = 0;
    uint64_t needless = 0;  ///< journal entries up to here
    std::shared_ptr<const Entry> entry;
    Result<> result;
  };
  /// A durable entry on its way into the index.
  struct Durable {
    std::shared_ptr<const Entry> entry;
    uint64_t last_batch = 0;
  };
  Result<> OpenReader(const Ground& ground);
  Result<> Replay();
  void HandOver();
  void Write(Group& group);
  void Finish(Group& group);
  void SettleUpTo(uint64_t batch, Result<> result);
  void CarryOver();
  void Fail(const Error& error);
  Result<Json> Decode(std::string_view bytes);
  Result<Json> ReadPayload(PayloadId id);

  asio::any_io_executor loop_;
  Failed failed_;
  FileLock lock_;
  std::unique_ptr<io::Disk> disk_;
  std::unique_ptr<io::Disk::File> payloads_written_, payloads_punched_, payloads_read_;
  // The writer's worker uses these two, the index's worker the third.
  std::optional<journal::EntryMaker> maker_;
  journal::Log log_;
  journal::Index index_;
  std::unique_ptr<io::Worker> writer_, indexer_;
  Connection reader_;
  Statement get_, get_version_, range_forward_, range_backward_, find_stream_, newest_record_,
      read_forward_, read_backward_, find_due_, find_payload_;

  Overlay overlay_;
  std::unordered_map<Key, Document> recent_;  ///< as the index has them, read of late; 0: absent
  uint64_t issued_ = 0;                       ///< number of the last batch issued
  uint64_t next_stream_id_ = 1;               ///< ids are never used again
  std::vector<Changes> queue_;
  std::deque<std::pair<uint64_t, std::shared_ptr<Ticket>>> open_;
  bool is_busy_ = false;  ///< a hand-over is posted or a commit is under way
  bool is_held_ = false;  ///< the hand-over waits for the index
  bool is_carrying_ = false;
  std::deque<Durable> behind_;  ///< durable, not in the index yet
  size_t behind_bytes_ = 0;
  uint64_t needless_ = 0;
  uint64_t move_bytes_ = 0;
  std::unordered_map<PayloadId, Json> payloads_;  ///< read of late
  size_t payloads_bytes_ = 0;
  Result<> failure_;
};

Result<> JournalStore::Core::Open(Ground ground) {
  disk_ = std::move(ground.disk);
  move_bytes_ = ground.move_bytes;
  log_ = journal::Log(ground.segment_bytes);
  for (auto* file : {&payloads_written_, &payloads_punched_, &payloads_read_}) {
    MILL_TRY(*file, disk_->Open(kPayloadFile));
  }
  MILL_CHECK(index_.Open(ground.index_path, ground.index_vfs, *payloads_punched_));
  MILL_CHECK(disk_->SyncFolder());
  MILL_CHECK(Replay());
  MILL_TRY(const PayloadId next, index_.NextPayload());
  MILL_TRY(const uint64_t end, index_.PayloadFileEnd());
  maker_.emplace(*payloads_written_, next, end);
  MILL_CHECK(OpenReader(ground));
  writer_ = std::move(ground.writer);
  indexer_ = std::move(ground.indexer);
  const auto swept = std::make_shared<Result<>>();
  indexer_->Run([this, swept] { *swept = index_.DropUnused(); },
                [weak = weak_from_this(), swept] {
                  const auto core = weak.lock();
                  if (core && !*swept) core->Fail(swept->error());
                });
  return {};
}

/// Carries over what was durable and not yet in the index when the last process ended.
Result<> JournalStore::Core::Replay() {
  std::vector<std::shared_ptr<const Entry>> slice;
  size_t bytes = 0;
  const auto take = [&](uint64_t position, std::string text) -> Result<> {
    auto entry = std::make_shared<Entry>();
    entry->position = position;
    entry->framed = std::string(journal::Log::kHeaderBytes, '\0') + text;
    bytes += text.size();
    slice.push_back(std::move(entry));
    if (bytes < kSliceBytes) return {};
    bytes = 0;
    return index_.Apply(std::exchange(slice, {}));
  };
  MILL_CHECK(log_.Open(*disk_, index_.applied(), take));
  if (!slice.empty()) MILL_CHECK(index_.Apply(slice));
  return {};
}

Result<> JournalStore::Core::OpenReader(const Ground& ground) {
  MILL_CHECK(reader_.Open(ground.index_path, ground.index_vfs));
  MILL_CHECK(reader_.Run("PRAGMA query_only=1"));
  const std::pair<Statement*, const char*> statements[] = {
      {&get_, "SELECT version, body FROM documents WHERE key = ?1"},
      {&get_version_, "SELECT version FROM documents WHERE key = ?1"},
      {&range_forward_,
       "SELECT key, version, body FROM documents WHERE key >= ?1 AND key < ?2 ORDER BY key"},
      {&range_backward_,
       "SELECT key, version, body FROM documents WHERE key >= ?1 AND key < ?2 ORDER BY key DESC"},
      {&find_stream_, "SELECT id, first FROM streams WHERE name = ?1"},
      {&newest_record_, "SELECT MAX(sequence) FROM records WHERE stream = ?1"},
      {&read_forward_,
       "SELECT sequence, body FROM records WHERE stream = ?1 AND sequence BETWEEN ?2 AND ?3 "
       "ORDER BY sequence LIMIT ?4"},
      {&read_backward_,
       "SELECT sequence, body FROM records WHERE stream = ?1 AND sequence BETWEEN ?2 AND ?3 "
       "ORDER BY sequence DESC LIMIT ?4"},
      {&find_due_, "SELECT id, at, kind, body FROM dues WHERE (at, id) > (?1, ?2) ORDER BY at, id"},
      {&find_payload_, "SELECT at, size, crc, body FROM payloads WHERE id = ?1"}};
  for (const auto& [statement, sql] : statements) MILL_CHECK(statement->Prepare(reader_, sql));

  // The highest id that any stream ever had that still left a trace.
  Statement highest;
  MILL_CHECK(highest.Prepare(reader_,
                             "SELECT MAX(IFNULL((SELECT MAX(id) FROM streams), 0), "
                             "IFNULL((SELECT MAX(stream) FROM records), 0))"));
  MILL_TRY(const bool has_row, highest.Step());
  if (has_row) next_stream_id_ = static_cast<uint64_t>(highest.Number(0)) + 1;
  return {};
}

void JournalStore::Core::KeepRecent(Document document) {
  if (recent_.size() >= kRecentMax) recent_.clear();
  Key key = document.key;
  recent_.insert_or_assign(std::move(key), std::move(document));
}

Result<Version> JournalStore::Core::FindVersion(const Key& key) {
  if (const auto found = overlay_.documents.find(key); found != overlay_.documents.end())
    return found->second.version;
  if (const auto found = recent_.find(key); found != recent_.end()) return found->second.version;
  const StatementScope scope(get_version_);
  MILL_TRY(const bool has_row, get_version_.Bind(1, key).Step());
  if (has_row) return static_cast<Version>(get_version_.Number(0));
  KeepRecent({key, 0, Json()});
  return Version{0};
}

Result<Overlay::Stream*> JournalStore::Core::FindStream(const std::string& name) {
  const auto [entry, is_new] = overlay_.streams.try_emplace(name);
  Overlay::Stream& stream = entry->second;
  if (!is_new) return &stream;
  const auto load = [&]() -> Result<> {
    const StatementScope scope(find_stream_);
    MILL_TRY(const bool has_row, find_stream_.Bind(1, name).Step());
    if (!has_row) return {};
    stream.id = static_cast<uint64_t>(find_stream_.Number(0));
    stream.first = static_cast<uint64_t>(find_stream_.Number(1));
    const StatementScope scope_newest(newest_record_);
    MILL_TRY(const bool has_newest, newest_record_.Bind(1, stream.id).Step());
    stream.newest = stream.first - 1;
    if (has_newest && !newest_record_.IsNull(0))
      stream.newest = std::max(stream.newest, static_cast<uint64_t>(newest_record_.Number(0)));
    return {};
  };
  if (auto loaded = load(); !loaded) {
    overlay_.streams.erase(entry);
    return loaded.error();
  }
  return &stream;
}

Result<> JournalStore::Core::Check(const Batch& batch) {
  for (const Batch::Expect& expect : batch.expects) {
    MILL_TRY(const Version version, FindVersion(expect.key));
    if (version != expect.version) return DocumentConflict(expect, version);
  }
  for (const Batch::ExpectStream& expect : batch.stream_expects) {
    MILL_TRY(const Overlay::Stream* stream, FindStream(expect.stream));
    if (stream->newest != expect.newest) return StreamConflict(expect, stream->newest);
  }
  return {};
}

Result<> JournalStore::Core::LayDocuments(Batch& batch, Changes& changes,
                                          Overlay::Touched& touched) {
  for (Key& key : batch.deletes) {
    recent_.erase(key);
    overlay_.documents[key] = {0, Json(), issued_};
    touched.documents.push_back(key);
    changes.deletes.push_back(std::move(key));
  }
  for (Batch::Put& put : batch.puts) {
    MILL_TRY(const Version before, FindVersion(put.key));
    recent_.erase(put.key);
    overlay_.documents[put.key] = {before + 1, put.body, issued_};
    touched.documents.push_back(put.key);
    changes.puts.push_back({std::move(put.key), before + 1, std::move(put.body)});
  }
  return {};
}

Result<> JournalStore::Core::LayStreams(Batch& batch, Changes& changes, Overlay::Touched& touched) {
  for (std::string& name : batch.stream_deletes) {
    MILL_TRY(Overlay::Stream* const stream, FindStream(name));
    if (stream->id == 0) continue;
    touched.streams.push_back(name);
    changes.stream_deletes.push_back({std::move(name), stream->id});
    *stream = Overlay::Stream{};
    stream->batch = issued_;
  }
  for (Batch::Append& append : batch.appends) {
    MILL_TRY(Overlay::Stream* const stream, FindStream(append.stream));
    if (stream->id == 0) {
      stream->id = next_stream_id_++;
      changes.stream_puts.push_back({append.stream, stream->id, stream->first});
    }
    stream->newest += 1;
    stream->batch = issued_;
    stream->pending.push_back({stream->newest, append.body});
    stream->pending_batches.push_back(issued_);
    changes.appends.push_back({stream->id, stream->newest, std::move(append.body)});
    touched.streams.push_back(std::move(append.stream));
  }
  for (Batch::Truncate& truncate : batch.truncates) {
    MILL_TRY(Overlay::Stream* const stream, FindStream(truncate.stream));
    const uint64_t first = std::min(truncate.before, stream->newest + 1);
    if (stream->id == 0 || first <= stream->first) continue;
    stream->first = first;
    stream->batch = issued_;
    changes.stream_puts.push_back({truncate.stream, stream->id, first});
    changes.truncates.push_back({stream->id, first});
    touched.streams.push_back(std::move(truncate.stream));
  }
  return {};
}

void JournalStore::Core::LayDues(Batch& batch, Changes& changes, Overlay::Touched& touched) {
  for (std::string& id : batch.due_removals) {
    overlay_.dues[id] = {std::nullopt, issued_};
    touched.dues.push_back(id);
    changes.due_removals.push_back(std::move(id));
  }
  for (Due& due : batch.dues) {
    overlay_.dues[due.id] = {due, issued_};
    touched.dues.push_back(due.id);
    changes.dues.push_back(std::move(due));
  }
}

Result<std::shared_ptr<Ticket>> JournalStore::Core::Issue(Batch batch) {
  MILL_ASSERT(batch.events.empty());
  MILL_CHECK(failure_);
  MILL_CHECK(Check(batch));
  if (batch.is_empty()) {
    if (const auto last = LastOpen()) return last;
    const auto done = std::make_shared<Ticket>();
    done->settled.Set();
    return done;
  }
  issued_ += 1;
  Changes changes;
  Overlay::Touched touched{issued_, {}, {}, {}};
  const auto lay = [&]() -> Result<> {
    MILL_CHECK(LayDocuments(batch, changes, touched));
    return LayStreams(batch, changes, touched);
  };
  if (auto laid = lay(); !laid) {
    // A read failed half way: the overlay is wrong from here on, so nothing may follow.
    Fail(laid.error());
    return laid.error();
  }
  LayDues(batch, changes, touched);
  overlay_.Note(std::move(touched));
  queue_.push_back(std::move(changes));
  const auto ticket = std::make_shared<Ticket>();
  open_.emplace_back(issued_, ticket);
  if (!is_busy_) {
    is_busy_ = true;
    // Posted, so that batches issued by work that is ready now share the transaction.
    asio::post(loop_, [weak = weak_from_this()] {
      if (const auto core = weak.lock()) core->HandOver();
    });
  }
  return ticket;
}

std::shared_ptr<Ticket> JournalStore::Core::LastOpen() const {
  return open_.empty() ? nullptr : open_.back().second;
}

void JournalStore::Core::Fail(const Error& error) {
  if (!failure_) return;
  failure_ = error;
  if (failed_) failed_(error);
}

void JournalStore::Core::HandOver() {
  if (!writer_) return;
  is_held_ = failure_ && behind_bytes_ > kBehindBytesMax;
  if (is_held_) return;
  if (!failure_) queue_.clear();
  if (queue_.empty()) {
    is_busy_ = false;
    if (!failure_) SettleUpTo(kEveryBatch, failure_);
    return;
  }
  const auto group = std::make_shared<Group>();
  group->changes.swap(queue_);
  group->last_batch = issued_;
  group->needless = needless_;
  writer_->Run([this, group] { Write(*group); },
               [weak = weak_from_this(), group] {
                 if (const auto core = weak.lock()) core->Finish(*group);
               });
}

/// On the writer's worker.
void JournalStore::Core::Write(Group& group) {
  auto framed = maker_->Make(group.changes, journal::Log::kHeaderBytes);
  group.changes.clear();
  if (!framed) {
    group.result = framed.error();
    return;
  }
  auto entry = std::make_shared<Entry>();
  entry->position = log_.newest() + 1;
  entry->framed = *std::move(framed);
  group.result = log_.Append(entry->position, entry->framed, group.needless);
  group.entry = std::move(entry);
}

void JournalStore::Core::SettleUpTo(uint64_t batch, Result<> result) {
  while (!open_.empty() && open_.front().first <= batch) {
    const auto ticket = std::move(open_.front().second);
    open_.pop_front();
    ticket->result = result;
    ticket->settled.Set();
  }
}

void JournalStore::Core::Finish(Group& group) {
  if (group.result) {
    behind_bytes_ += group.entry->framed.size();
    behind_.push_back({std::move(group.entry), group.last_batch});
  } else {
    Fail(group.result.error());
  }
  SettleUpTo(group.last_batch, group.result);
  // Behind the wake-ups: what was waiting goes on first, and joins the next group.
  asio::post(loop_, [weak = weak_from_this()] {
    const auto core = weak.lock();
    if (!core) return;
    core->HandOver();
    core->CarryOver();
  });
}

void JournalStore::Core::CarryOver() {
  if (!indexer_ || is_carrying_ || behind_.empty() || !failure_) return;
  is_carrying_ = true;
  struct Slice {
    std::vector<std::shared_ptr<const Entry>> entries;
    uint64_t last_batch = 0;
    bool is_last = false;
    uint64_t durable = 0;
    Result<> result;
  };
  const auto slice = std::make_shared<Slice>();
  for (size_t bytes = 0; !behind_.empty() && bytes < kSliceBytes; behind_.pop_front()) {
    bytes += behind_.front().entry->framed.size();
    slice->last_batch = behind_.front().last_batch;
    slice->entries.push_back(std::move(behind_.front().entry));
  }
  slice->is_last = behind_.empty();
  const auto work = [this, slice]() -> Result<> {
    MILL_CHECK(index_.Apply(slice->entries));
    if (index_.unmoved_bytes() > move_bytes_) MILL_CHECK(index_.Move());
    if (slice->is_last) MILL_CHECK(index_.Shrink());
    slice->durable = index_.durable();
    return {};
  };
  const auto done = [weak = weak_from_this(), slice] {
    const auto core = weak.lock();
    if (!core) return;
    core->is_carrying_ = false;
    if (!slice->result) {
      core->Fail(slice->result.error());
      if (core->is_held_) core->HandOver();
      return;
    }
    core->overlay_.Forget(slice->last_batch);
    for (const auto& entry : slice->entries) core->behind_bytes_ -= entry->framed.size();
    core->needless_ = slice->durable;
    if (core->is_held_) core->HandOver();
    core->CarryOver();
  };
  indexer_->Run([work, slice] { slice->result = work(); }, done);
}

Result<Json> JournalStore::Core::Decode(std::string_view bytes) {
  return journal::DecodeJson(bytes, [this](PayloadId id) { return ReadPayload(id); });
}

Result<Json> JournalStore::Core::ReadPayload(PayloadId id) {
  if (const auto known = payloads_.find(id); known != payloads_.end()) return known->second;
  const Error damaged{Code::kInternal, "StoreDamaged",
                      "payload " + std::to_string(id) + " of the store is not readable"};
  const StatementScope scope(find_payload_);
  MILL_TRY(const bool has_row, find_payload_.Bind(1, id).Step());
  if (!has_row) return damaged;
  const auto size = static_cast<size_t>(find_payload_.Number(1));
  Json text;
  if (find_payload_.IsNull(0)) {
    text = Json(find_payload_.Text(3));
  } else {
    std::string bytes(size, '\0');
    const auto at = static_cast<uint64_t>(find_payload_.Number(0));
    MILL_TRY(const size_t count, payloads_read_->Read(at, bytes.data(), size));
    const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), size);
    if (count != size || crc != static_cast<uint64_t>(find_payload_.Number(2))) return damaged;
    text = Json(std::move(bytes));
  }
  if (payloads_bytes_ + size > kReadBytesMax) {
    payloads_.clear();
    payloads_bytes_ = 0;
  }
  payloads_bytes_ += size;
  payloads_.emplace(id, text);
  return text;
}

Result<std::optional<Document>> JournalStore::Core::Get(const Key& key) {
  if (const auto found = overlay_.documents.find(key); found != overlay_.documents.end()) {
    if (found->second.version == 0) return std::optional<Document>();
    return std::optional<Document>(Document{key, found->second.version, found->second.body});
  }
  if (const auto found = recent_.find(key); found != recent_.end())
    return found->second.version == 0 ? std::nullopt : std::optional<Document>(found->second);
  const StatementScope scope(get_);
  MILL_TRY(const bool has_row, get_.Bind(1, key).Step());
  if (!has_row) {
    KeepRecent({key, 0, Json()});
    return std::optional<Document>();
  }
  const std::string_view bytes = get_.Text(1);
  MILL_TRY(Json body, Decode(bytes));
  Document document{key, static_cast<Version>(get_.Number(0)), std::move(body)};
  if (bytes.size() <= kRecentBytesMax) KeepRecent(document);
  return std::optional<Document>(std::move(document));
}

Result<std::vector<Document>> JournalStore::Core::Range(const Key& from, const Key& to,
                                                        Direction direction, size_t limit) {
  std::vector<Document> found;
  if (from >= to) return found;
  const bool is_forward = direction == Direction::kForward;
  // Pending entries of the range in the wanted order; a merge of two sorted sequences follows.
  std::vector<std::pair<const Key*, const Overlay::PendingDocument*>> pending;
  for (auto at = overlay_.documents.lower_bound(from);
       at != overlay_.documents.end() && at->first < to; ++at)
    pending.emplace_back(&at->first, &at->second);
  if (!is_forward) std::reverse(pending.begin(), pending.end());
  size_t next = 0;
  const auto add_pending = [&] {
    const auto& [key, document] = pending[next++];
    if (document->version != 0) found.push_back({*key, document->version, document->body});
  };

  Statement& rows = is_forward ? range_forward_ : range_backward_;
  const StatementScope scope(rows);
  rows.Bind(1, from).Bind(2, to);
  while (found.size() < limit) {
    MILL_TRY(const bool has_row, rows.Step());
    if (!has_row) break;
    const std::string_view key = rows.Text(0);
    const auto is_before = [&](const Key& other) { return is_forward ? other < key : other > key; };
    while (next < pending.size() && found.size() < limit && is_before(*pending[next].first))
      add_pending();
    if (found.size() >= limit) break;
    if (next < pending.size() && *pending[next].first == key) {
      add_pending();
      continue;
    }
    MILL_TRY(Json body, Decode(rows.Text(2)));
    found.push_back({Key(key), static_cast<Version>(rows.Number(1)), std::move(body)});
  }
  while (next < pending.size() && found.size() < limit) add_pending();
  return found;
}

Result<std::vector<Record>> JournalStore::Core::Read(const std::string& name, uint64_t from,
                                                     Direction direction, size_t limit) {
  std::vector<Record> found;
  overlay_.Trim();
  MILL_TRY(const Overlay::Stream* const stream, FindStream(name));
  if (stream->id == 0 || limit == 0) return found;
  const bool is_forward = direction == Direction::kForward;
  uint64_t low = stream->first;
  uint64_t high = stream->newest;
  if (is_forward)
    low = std::max(low, from);
  else if (from != 0)
    high = std::min(high, from);
  const uint64_t pending_first =
      stream->pending.empty() ? stream->newest + 1 : stream->pending.front().sequence;

  const auto add_stored = [&]() -> Result<> {
    const uint64_t stored_high = std::min(high, pending_first - 1);
    if (low > stored_high || found.size() >= limit) return {};
    Statement& rows = is_forward ? read_forward_ : read_backward_;
    const StatementScope scope(rows);
    rows.Bind(1, stream->id).Bind(2, low).Bind(3, stored_high);
    rows.Bind(4, static_cast<uint64_t>(limit - found.size()));
    while (true) {
      MILL_TRY(const bool has_row, rows.Step());
      if (!has_row) return {};
      MILL_TRY(Json body, Decode(rows.Text(1)));
      found.push_back({static_cast<uint64_t>(rows.Number(0)), std::move(body)});
    }
  };
  const auto add_pending = [&] {
    const auto& pending = stream->pending;
    for (size_t i = 0; i < pending.size() && found.size() < limit; ++i) {
      const Record& record = is_forward ? pending[i] : pending[pending.size() - 1 - i];
      if (record.sequence >= low && record.sequence <= high) found.push_back(record);
    }
  };
  if (is_forward) {
    MILL_CHECK(add_stored());
    add_pending();
  } else {
    add_pending();
    MILL_CHECK(add_stored());
  }
  return found;
}

Result<std::vector<Due>> JournalStore::Core::FindDue(Time after_at, const std::string& after_id,
                                                     size_t limit) {
  std::vector<Due> found;
  const StatementScope scope(find_due_);
  find_due_.Bind(1, MillisSinceEpoch(after_at)).Bind(2, after_id);
  while (found.size() < limit) {
    MILL_TRY(const bool has_row, find_due_.Step());
    if (!has_row) break;
    std::string id(find_due_.Text(0));
    if (overlay_.dues.contains(id)) continue;
    const Time at = TimeFromMillis(find_due_.Number(1));
    std::string kind(find_due_.Text(2));
    MILL_TRY(Json body, Decode(find_due_.Text(3)));
    found.push_back({std::move(id), at, std::move(kind), std::move(body)});
  }
  for (const auto& [id, entry] : overlay_.dues)
    if (entry.due && std::tie(entry.due->at, id) > std::tie(after_at, after_id))
      found.push_back(*entry.due);
  std::sort(found.begin(), found.end(),
            [](const Due& a, const Due& b) { return std::tie(a.at, a.id) < std::tie(b.at, b.id); });
  if (found.size() > limit) found.resize(limit);
  return found;
}

Result<std::unique_ptr<JournalStore>> JournalStore::Open(asio::any_io_executor loop, Ground ground,
                                                         Failed failed) {
  auto core = std::make_shared<Core>(std::move(loop), std::move(failed));
  MILL_CHECK(core->Open(std::move(ground)));
  return std::unique_ptr<JournalStore>(new JournalStore(std::move(core)));
}

Result<std::unique_ptr<JournalStore>> JournalStore::OpenFolder(asio::any_io_executor loop,
                                                               const std::string& folder,
                                                               Failed failed) {
  std::error_code trouble;
  std::filesystem::create_directories(folder, trouble);
  if (trouble) return Error{Code::kUnavailable, "StoreFailed", folder + ": " + trouble.message()};
  auto core = std::make_shared<Core>(loop, std::move(failed));
  MILL_CHECK(core->Lock(folder + "/lock"));
  Ground ground;
  ground.disk = io::OpenFolder(folder);
  ground.index_path = folder + "/" + kIndexFile;
  ground.writer = io::MakeThread(loop);
  ground.indexer = io::MakeThread(loop, kIndexNiceness);
  MILL_CHECK(core->Open(std::move(ground)));
  return std::unique_ptr<JournalStore>(new JournalStore(std::move(core)));
}

JournalStore::JournalStore(std::shared_ptr<Core> core) : core_(std::move(core)) {}
// A completion may hold the core for a moment longer; the thread and the file end here.
JournalStore::~JournalStore() { core_->Close(); }

Task<> JournalStore::Commit(Batch batch) {
  MILL_CO_TRY(const auto ticket, core_->Issue(std::move(batch)));
  MILL_CO_CHECK(co_await ticket->settled.Wait());
  co_return ticket->result;
}

Task<> JournalStore::Settle() {
  const auto ticket = core_->LastOpen();
  if (!ticket) co_return core_->failure();
  MILL_CO_CHECK(co_await ticket->settled.Wait());
  co_return ticket->result;
}

Task<std::optional<Document>> JournalStore::Get(Key key) { co_return core_->Get(key); }

Task<std::vector<Document>> JournalStore::Range(Key from, Key to, Direction direction, int limit) {
  co_return core_->Range(from, to, direction, static_cast<size_t>(std::max(limit, 0)));
}

Task<std::vector<Record>> JournalStore::Read(std::string stream, uint64_t from, Direction direction,
                                             int limit) {
  co_return core_->Read(stream, from, direction, static_cast<size_t>(std::max(limit, 0)));
}

Task<std::vector<Due>> JournalStore::FindDue(Time after_at, std::string after_id, int limit) {
  co_return core_->FindDue(after_at, after_id, static_cast<size_t>(std::max(limit, 0)));
}

}  // namespace stepmill
