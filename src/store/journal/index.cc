#include "store/journal/index.h"

#include <sqlite3.h>

namespace stepmill::journal {
namespace {

// The tables. Bodies are in the encoding of encoding.h.
//   documents  one row a document, by key
//   streams    name -> id; `first` is the lowest sequence that exists or will (it moves when a
//              stream is truncated). A stream deleted and made anew has a new id.
//   records    one row a record; the newest sequence of a stream is the larger of its highest row
//              and first - 1
//   dues       by id, and in order of time
//   payloads   texts that bodies name; body: here, or null: `size` bytes from `at` of the file
//              "payloads", with their crc32
//   uses       which row names which payload; owner: "d" key, "u" id, or "r", stream and sequence
//              as 16 hexadecimal digits each
//   state      applied: the position of the last entry that was carried out
constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS documents(
  key TEXT PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS streams(
  name TEXT PRIMARY KEY, id INTEGER NOT NULL, first INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records(
  stream INTEGER NOT NULL, sequence INTEGER NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY(stream, sequence)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dues(
  id TEXT PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS dues_by_time ON dues(at, id);
CREATE TABLE IF NOT EXISTS payloads(
  id INTEGER PRIMARY KEY, at INTEGER, size INTEGER NOT NULL, crc INTEGER, body BLOB);
CREATE TABLE IF NOT EXISTS uses(
  owner TEXT NOT NULL, payload INTEGER NOT NULL, PRIMARY KEY(owner, payload)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS uses_by_payload ON uses(payload);
CREATE TABLE IF NOT EXISTS state(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO state VALUES('applied', 0);
PRAGMA user_version = 2;
)";

constexpr int kShrinkPages = 256;        // 1 MiB given back at once
constexpr int64_t kFreePagesMin = 1024;  // less than that is kept for what comes

std::string Digits(uint64_t number) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string text(16, '0');
  for (int i = 15; number != 0; --i, number >>= 4) text[static_cast<size_t>(i)] = kHex[number & 15];
  return text;
}

/// One number that a query gives; 0: no row, or null.
Result<uint64_t> NumberOf(Connection& connection, const char* sql) {
  Statement statement;
  MILL_CHECK(statement.Prepare(connection, sql));
  MILL_TRY(const bool has_row, statement.Step());
  return has_row ? static_cast<uint64_t>(statement.Number(0)) : uint64_t{0};
}

}  // namespace

Result<> Index::Open(const std::string& path, const char* vfs, io::Disk::File& payload_file) {
  payload_file_ = &payload_file;
  MILL_CHECK(connection_.Open(path, vfs));
  MILL_CHECK(connection_.Run("PRAGMA auto_vacuum=INCREMENTAL"));
  MILL_CHECK(connection_.Run("PRAGMA journal_mode=WAL"));
  MILL_CHECK(connection_.Run("PRAGMA synchronous=NORMAL"));
  // The log is moved by Move, which sees a failed sync; SQLite's own way hides it.
  MILL_CHECK(connection_.Run("PRAGMA wal_autocheckpoint=0"));
  MILL_CHECK(connection_.Run("PRAGMA journal_size_limit=67108864"));
  MILL_CHECK(connection_.Run(kSchema));
  const std::pair<Statement*, const char*> statements[] = {
      {&begin_, "BEGIN IMMEDIATE"},
      {&commit_, "COMMIT"},
      {&put_document_, "INSERT OR REPLACE INTO documents VALUES(?1, ?2, ?3)"},
      {&delete_document_, "DELETE FROM documents WHERE key = ?1"},
      {&put_stream_, "INSERT OR REPLACE INTO streams VALUES(?1, ?2, ?3)"},
      {&delete_stream_, "DELETE FROM streams WHERE name = ?1"},
      {&delete_records_, "DELETE FROM records WHERE stream = ?1"},
      {&append_, "INSERT OR REPLACE INTO records VALUES(?1, ?2, ?3)"},
      {&truncate_, "DELETE FROM records WHERE stream = ?1 AND sequence < ?2"},
      {&put_due_, "INSERT OR REPLACE INTO dues VALUES(?1, ?2, ?3, ?4)"},
      {&delete_due_, "DELETE FROM dues WHERE id = ?1"},
      {&put_payload_, "INSERT OR REPLACE INTO payloads VALUES(?1, ?2, ?3, ?4, ?5)"},
      {&delete_payload_, "DELETE FROM payloads WHERE id = ?1"},
      {&find_payload_, "SELECT at, size FROM payloads WHERE id = ?1"},
      {&add_use_, "INSERT OR REPLACE INTO uses VALUES(?1, ?2)"},
      {&drop_uses_, "DELETE FROM uses WHERE owner = ?1 RETURNING payload"},
      {&drop_uses_range_, "DELETE FROM uses WHERE owner >= ?1 AND owner < ?2 RETURNING payload"},
      {&has_use_, "SELECT 1 FROM uses WHERE payload = ?1 LIMIT 1"},
      {&set_applied_, "UPDATE state SET value = ?1 WHERE name = 'applied'"},
      {&free_pages_, "PRAGMA freelist_count"}};
  for (const auto& [statement, sql] : statements) MILL_CHECK(statement->Prepare(connection_, sql));
  MILL_TRY(applied_, NumberOf(connection_, "SELECT value FROM state WHERE name = 'applied'"));
  MILL_TRY(const uint64_t uses, NumberOf(connection_, "SELECT 1 FROM uses LIMIT 1"));
  has_uses_ = uses != 0;
  return {};
}

Result<PayloadId> Index::NextPayload() {
  MILL_TRY(const uint64_t highest, NumberOf(connection_, "SELECT MAX(id) FROM payloads"));
  return highest + 1;
}
Result<uint64_t> Index::PayloadFileEnd() {
  return NumberOf(connection_, "SELECT MAX(at + size) FROM payloads WHERE at IS NOT NULL");
}

void Index::Take(Op& op, Slice& slice) {
  switch (op.letter) {
    case 'D': slice.documents[op.name] = Value{.is_gone = true}; return;
    case 'P':
      slice.documents[op.name] = {op.number, {}, op.bytes, std::move(op.payloads), false};
      return;
    case 'u': slice.dues[op.name] = Value{.is_gone = true}; return;
    case 'U':
      slice.dues[op.name] = {static_cast<uint64_t>(op.due_ms), op.kind, op.bytes,
                             std::move(op.payloads), false};
      return;
    case 'L':
    case 'F': slice.payloads.push_back(std::move(op)); return;
    case 'E': slice.evicted.push_back(op.number); return;
    default: slice.streams.push_back(std::move(op)); return;
  }
}

Result<> Index::Apply(const std::vector<std::shared_ptr<const Entry>>& entries) {
  Slice slice;
  for (const auto& entry : entries) {
    const std::string_view text = std::string_view(entry->framed).substr(Log::kHeaderBytes);
    unmoved_bytes_ += text.size();
    MILL_CHECK(ReadEntry(text, [&](Op& op) -> Result<> {
      Take(op, slice);
      return {};
    }));
  }
  auto written = Write(slice);
  if (written) {
    written = set_applied_.Bind(1, entries.back()->position).Execute();
    if (written) written = commit_.Execute();
  }
  if (!written) {
    // Whether it succeeds or not: nobody writes on this connection any more.
    (void)connection_.Run("ROLLBACK");
    return written;
  }
  applied_ = entries.back()->position;
  return {};
}

Result<> Index::Write(Slice& slice) {
  MILL_CHECK(begin_.Execute());
  for (const Op& op : slice.payloads) {
    put_payload_.Bind(1, op.number);
    if (op.letter == 'F')
      put_payload_.Bind(2, op.at).Bind(3, op.size).Bind(4, static_cast<uint64_t>(op.crc));
    else
      put_payload_.Bind(3, static_cast<uint64_t>(op.bytes.size())).BindBlob(5, op.bytes);
    MILL_CHECK(put_payload_.Execute());
    cached_.insert(op.number);
  }
  for (const auto& [key, value] : slice.documents) {
    MILL_CHECK(SetUses('d', key, value.payloads, true));
    if (value.is_gone)
      MILL_CHECK(delete_document_.Bind(1, key).Execute());
    else
      MILL_CHECK(
          put_document_.Bind(1, key).Bind(2, value.number).BindBlob(3, value.bytes).Execute());
  }
  MILL_CHECK(WriteStreams(slice.streams));
  for (const auto& [id, value] : slice.dues) {
    MILL_CHECK(SetUses('u', id, value.payloads, true));
    if (value.is_gone)
      MILL_CHECK(delete_due_.Bind(1, id).Execute());
    else
      MILL_CHECK(put_due_.Bind(1, id)
                     .Bind(2, value.number)
                     .Bind(3, value.kind)
                     .BindBlob(4, value.bytes)
                     .Execute());
  }
  for (const PayloadId id : slice.evicted) {
    cached_.erase(id);
    perhaps_unused_.push_back(id);
  }
  return DropIfUnused();
}

Result<> Index::WriteStreams(std::vector<Op>& ops) {
  for (const Op& op : ops) {
    switch (op.letter) {
      case 'S':
        MILL_CHECK(put_stream_.Bind(1, op.name).Bind(2, op.number).Bind(3, op.at).Execute());
        break;
      case 'X':
        MILL_CHECK(DropUsesOfRecords(op.number, UINT64_MAX));
        MILL_CHECK(delete_stream_.Bind(1, op.name).Execute());
        MILL_CHECK(delete_records_.Bind(1, op.number).Execute());
        break;
      case 'A':
        if (!op.payloads.empty())
          MILL_CHECK(SetUses('r', Digits(op.number) + Digits(op.at), op.payloads, false));
        MILL_CHECK(append_.Bind(1, op.number).Bind(2, op.at).BindBlob(3, op.bytes).Execute());
        break;
      default:
        MILL_ASSERT(op.letter == 'T');
        MILL_CHECK(DropUsesOfRecords(op.number, op.at));
        MILL_CHECK(truncate_.Bind(1, op.number).Bind(2, op.at).Execute());
    }
  }
  return {};
}

Result<> Index::SetUses(char owner_kind, std::string_view owner,
                        const std::vector<PayloadId>& payloads, bool may_have_old) {
  if (payloads.empty() && !(may_have_old && has_uses_)) return {};
  const std::string name = owner_kind + std::string(owner);
  if (may_have_old && has_uses_) {
    const StatementScope scope(drop_uses_);
    drop_uses_.Bind(1, name);
    while (true) {
      MILL_TRY(const bool has_row, drop_uses_.Step());
      if (!has_row) break;
      perhaps_unused_.push_back(static_cast<PayloadId>(drop_uses_.Number(0)));
    }
  }
  for (const PayloadId id : payloads) MILL_CHECK(add_use_.Bind(1, name).Bind(2, id).Execute());
  has_uses_ = has_uses_ || !payloads.empty();
  return {};
}

Result<> Index::DropUsesOfRecords(uint64_t stream, uint64_t before) {
  if (!has_uses_) return {};
  const std::string from = "r" + Digits(stream) + Digits(0);
  const std::string to = "r" + Digits(stream) + Digits(before);
  const StatementScope scope(drop_uses_range_);
  drop_uses_range_.Bind(1, from).Bind(2, to);
  while (true) {
    MILL_TRY(const bool has_row, drop_uses_range_.Step());
    if (!has_row) return {};
    perhaps_unused_.push_back(static_cast<PayloadId>(drop_uses_range_.Number(0)));
  }
}

Result<> Index::DropIfUnused() {
  for (const PayloadId id : perhaps_unused_) {
    if (cached_.contains(id)) continue;
    {
      const StatementScope scope(has_use_);
      MILL_TRY(const bool is_used, has_use_.Bind(1, id).Step());
      if (is_used) continue;
    }
    {
      const StatementScope scope(find_payload_);
      MILL_TRY(const bool is_there, find_payload_.Bind(1, id).Step());
      if (!is_there) continue;
      if (!find_payload_.IsNull(0))
        dropped_ranges_.emplace_back(find_payload_.Number(0), find_payload_.Number(1));
    }
    MILL_CHECK(delete_payload_.Bind(1, id).Execute());
  }
  perhaps_unused_.clear();
  return {};
}

Result<> Index::DropUnused() {
  cached_.clear();
  Statement unused;
  MILL_CHECK(unused.Prepare(connection_,
                            "SELECT id FROM payloads WHERE id NOT IN (SELECT payload FROM uses)"));
  while (true) {
    MILL_TRY(const bool has_row, unused.Step());
    if (!has_row) break;
    perhaps_unused_.push_back(static_cast<PayloadId>(unused.Number(0)));
  }
  unused.Reset();
  if (!perhaps_unused_.empty()) {
    MILL_CHECK(begin_.Execute());
    MILL_CHECK(DropIfUnused());
    MILL_CHECK(commit_.Execute());
  }
  Statement placed;
  MILL_CHECK(placed.Prepare(connection_,
                            "SELECT at, size FROM payloads WHERE at IS NOT NULL ORDER BY at"));
  for (uint64_t end = 0;;) {
    MILL_TRY(const bool has_row, placed.Step());
    if (!has_row) return {};
    const auto at = static_cast<uint64_t>(placed.Number(0));
    if (at > end) dropped_ranges_.emplace_back(end, at - end);
    end = at + static_cast<uint64_t>(placed.Number(1));
  }
}

Result<> Index::Move() {
  int frames = 0, moved = 0;
  const int code = sqlite3_wal_checkpoint_v2(connection_.handle(), nullptr,
                                             SQLITE_CHECKPOINT_PASSIVE, &frames, &moved);
  const bool is_busy = (code & 0xFF) == SQLITE_BUSY || (code & 0xFF) == SQLITE_LOCKED;
  if (code != SQLITE_OK && !is_busy) return connection_.LastError("moving the log");
  if (is_busy || frames != moved) return {};  // a reader is in the way: the next time
  durable_ = applied_;
  unmoved_bytes_ = 0;
  // Only now: until then a crash could bring the rows back that name them.
  for (const auto& [at, size] : dropped_ranges_) MILL_CHECK(payload_file_->Punch(at, size));
  dropped_ranges_.clear();
  return {};
}

Result<> Index::Shrink() {
  const StatementScope scope(free_pages_);
  MILL_TRY(const bool has_row, free_pages_.Step());
  if (!has_row || free_pages_.Number(0) < kFreePagesMin) return {};
  free_pages_.Reset();
  return connection_.Run(
      ("PRAGMA incremental_vacuum(" + std::to_string(kShrinkPages) + ")").c_str());
}

}  // namespace stepmill::journal
