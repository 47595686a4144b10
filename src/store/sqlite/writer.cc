#include "store/sqlite/writer.h"

#include <sqlite3.h>

namespace stepmill::sqlite {

namespace {

// The tables. Bodies are compact JSON text.
//   documents  one row a document, by key
//   streams    name -> id; `first` is the lowest sequence that exists or will (it moves when a
//              stream is truncated). A stream deleted and made anew has a new id.
//   records    one row a record; the newest sequence of a stream is the larger of its highest row
//              and first - 1
//   dues       by id, and in order of time
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
PRAGMA user_version = 1;
)";

int KeepLogPages(void* pages, sqlite3*, const char*, int count) {
  *static_cast<int*>(pages) = count;
  return SQLITE_OK;
}

}  // namespace

Result<> Writer::Open(const std::string& path, int log_pages_max) {
  log_pages_max_ = log_pages_max;
  MILL_CHECK(connection_.Open(path));
  MILL_CHECK(connection_.Run("PRAGMA journal_mode=WAL"));
  MILL_CHECK(connection_.Run("PRAGMA synchronous=FULL"));
  // The log is moved by MoveLog, which sees a failed sync; SQLite's own way hides it.
  MILL_CHECK(connection_.Run("PRAGMA wal_autocheckpoint=0"));
  MILL_CHECK(connection_.Run("PRAGMA journal_size_limit=67108864"));
  MILL_CHECK(connection_.Run(kSchema));
  sqlite3_wal_hook(connection_.handle(), KeepLogPages, &log_pages_);
  const std::pair<Statement*, const char*> statements[] = {
      {&put_document_, "INSERT OR REPLACE INTO documents VALUES(?1, ?2, ?3)"},
      {&delete_document_, "DELETE FROM documents WHERE key = ?1"},
      {&put_stream_, "INSERT OR REPLACE INTO streams VALUES(?1, ?2, ?3)"},
      {&delete_stream_, "DELETE FROM streams WHERE name = ?1"},
      {&delete_records_, "DELETE FROM records WHERE stream = ?1"},
      {&append_, "INSERT INTO records VALUES(?1, ?2, ?3)"},
      {&truncate_, "DELETE FROM records WHERE stream = ?1 AND sequence < ?2"},
      {&delete_due_, "DELETE FROM dues WHERE id = ?1"},
      {&put_due_, "INSERT OR REPLACE INTO dues VALUES(?1, ?2, ?3, ?4)"},
      {&begin_, "BEGIN IMMEDIATE"},
      {&commit_, "COMMIT"}};
  for (const auto& [statement, sql] : statements) MILL_CHECK(statement->Prepare(connection_, sql));
  thread_ = std::thread([this] { Run(); });
  return {};
}

Writer::~Writer() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Writer::Commit(std::vector<Changes> group, Done done) {
  {
    const std::lock_guard lock(mutex_);
    MILL_ASSERT(!has_group_);
    group_ = std::move(group);
    done_ = std::move(done);
    has_group_ = true;
  }
  wake_.notify_one();
}

void Writer::Run() {
  while (true) {
    std::vector<Changes> group;
    Done done;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return has_group_ || is_stopping_; });
      if (!has_group_) return;
      group = std::move(group_);
      done = std::move(done_);
      has_group_ = false;
    }
    done(Write(group));
  }
}

Result<> Writer::Write(const std::vector<Changes>& group) {
  const auto write = [&]() -> Result<> {
    MILL_CHECK(begin_.Execute());
    for (const Changes& changes : group) MILL_CHECK(Apply(changes));
    return commit_.Execute();
  };
  auto written = write();
  if (!written) {
    // Whether it succeeds or not: nobody writes on this connection any more.
    (void)connection_.Run("ROLLBACK");
    return written;
  }
  if (log_pages_ >= log_pages_max_) return MoveLog();
  return {};
}

Result<> Writer::MoveLog() {
  const int code = sqlite3_wal_checkpoint_v2(connection_.handle(), nullptr,
                                             SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  log_pages_ = 0;
  // A busy reader only means that the rest is moved next time.
  if (code == SQLITE_OK || (code & 0xFF) == SQLITE_BUSY || (code & 0xFF) == SQLITE_LOCKED)
    return {};
  return connection_.LastError("moving the log");
}

Result<> Writer::Apply(const Changes& changes) {
  const auto print = [this](const Json& body) -> std::string_view {
    buffer_.clear();
    body.PrintTo(buffer_);
    return buffer_;
  };
  for (const Key& key : changes.deletes) MILL_CHECK(delete_document_.Bind(1, key).Execute());
  for (const auto& put : changes.puts)
    MILL_CHECK(
        put_document_.Bind(1, put.key).Bind(2, put.version).BindBlob(3, print(put.body)).Execute());
  for (const auto& stream : changes.stream_deletes) {
    MILL_CHECK(delete_stream_.Bind(1, stream.name).Execute());
    MILL_CHECK(delete_records_.Bind(1, stream.id).Execute());
  }
  for (const auto& stream : changes.stream_puts)
    MILL_CHECK(put_stream_.Bind(1, stream.name).Bind(2, stream.id).Bind(3, stream.first).Execute());
  for (const auto& append : changes.appends)
    MILL_CHECK(append_.Bind(1, append.stream)
                   .Bind(2, append.sequence)
                   .BindBlob(3, print(append.body))
                   .Execute());
  for (const auto& truncate : changes.truncates)
    MILL_CHECK(truncate_.Bind(1, truncate.stream).Bind(2, truncate.before).Execute());
  for (const std::string& id : changes.due_removals) MILL_CHECK(delete_due_.Bind(1, id).Execute());
  for (const Due& due : changes.dues)
    MILL_CHECK(put_due_.Bind(1, due.id)
                   .Bind(2, MillisSinceEpoch(due.at))
                   .Bind(3, due.kind)
                   .BindBlob(4, print(due.body))
                   .Execute());
  return {};
}

}  // namespace stepmill::sqlite
