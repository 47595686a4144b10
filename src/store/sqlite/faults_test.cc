// What the store promises when the disk does not: each write and each sync fails in turn, the store
// stops, and what is read back after that is a prefix of what was issued, with everything that was
// acknowledged.

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <map>
#include <mutex>

#include "store/sqlite/sqlite_store.h"
#include "task/blocking.h"

namespace stepmill {
namespace {

/// A VFS over SQLite's own one whose files fail when told to. One store at a time.
struct Faults {
  int operations = 0;  ///< writes, syncs and truncations since Arm
  int fail_at = 0;     ///< the one that fails, and all after it; 0: none
  int code = SQLITE_OK;
  int syncs = 0;

  void Arm(int at, int with) {
    operations = 0;
    fail_at = at;
    code = with;
  }
  bool IsFailing() { return ++operations >= fail_at && fail_at != 0; }
} faults;

/// SQLite's methods of one kind of file, with ours in front. `mine` comes first: files point to it.
struct Methods {
  sqlite3_io_methods mine;
  const sqlite3_io_methods* real;
  static const sqlite3_io_methods* RealOf(const sqlite3_file* file) {
    return reinterpret_cast<const Methods*>(file->pMethods)->real;
  }
};

int Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at) {
  if (faults.IsFailing()) return faults.code == SQLITE_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
  return Methods::RealOf(file)->xWrite(file, bytes, size, at);
}
int Sync(sqlite3_file* file, int flags) {
  ++faults.syncs;
  if (faults.IsFailing()) return faults.code == SQLITE_FULL ? SQLITE_FULL : SQLITE_IOERR_FSYNC;
  return Methods::RealOf(file)->xSync(file, flags);
}

int Open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  static std::mutex mutex;
  static std::map<const sqlite3_io_methods*, Methods> known;
  sqlite3_vfs* const unix_vfs = sqlite3_vfs_find("unix");
  const int code = unix_vfs->xOpen(unix_vfs, name, file, flags, out_flags);
  if (code != SQLITE_OK || !file->pMethods) return code;
  const std::lock_guard lock(mutex);
  Methods& methods = known[file->pMethods];
  methods.real = file->pMethods;
  methods.mine = *file->pMethods;
  methods.mine.xWrite = Write;
  methods.mine.xSync = Sync;
  file->pMethods = &methods.mine;
  return code;
}

class SqliteFaults : public testing::Test {
 protected:
  void SetUp() override {
    // In memory where that is possible: nothing here is about a real disk.
    const std::filesystem::path shared = "/dev/shm";
    const bool is_there = std::filesystem::is_directory(shared);
    std::string name =
        (is_there ? shared : std::filesystem::temp_directory_path()) / "stepmill-faults-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    faults = {};
    vfs_ = *sqlite3_vfs_find("unix");
    vfs_.zName = "faults";
    vfs_.xOpen = Open;
    ASSERT_EQ(sqlite3_vfs_register(&vfs_, 1), SQLITE_OK);
  }
  void TearDown() override {
    store_.reset();
    sqlite3_vfs_unregister(&vfs_);
    std::filesystem::remove_all(folder_);
  }
  void OpenStore() {
    store_.reset();
    failures_ = 0;
    const auto failed = [this](const Error& error) {
      ++failures_;
      failure_ = error;
    };
    auto opened =
        SqliteStore::Open(context_.get_executor(), folder_ / "a.db", failed, log_pages_max_);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = *std::move(opened);
  }
  template <class T>
  Result<T> Do(Task<T> task) {
    return RunBlocking(context_, std::move(task));
  }
  /// Commit number `n`: moves the counter from n - 1 to n, and writes beside it.
  Result<> Commit(int n, size_t bytes) {
    Batch batch;
    batch.expects.push_back({"counter", static_cast<Version>(n - 1)});
    batch.PutDocument("counter", Json(n));
    batch.PutDocument("d/" + std::to_string(n), Json(std::string(bytes, 'x')));
    batch.AppendTo("s", Json(n));
    batch.dues.push_back({"t" + std::to_string(n), TimeFromMillis(n), "timer", Json()});
    return Do(store_->Commit(std::move(batch)));
  }
  /// How many commits the store knows; every part of it must agree.
  int Count() {
    const auto counter = Do(store_->Get("counter"));
    EXPECT_TRUE(counter);
    const int count = *counter ? static_cast<int>((*counter)->body.AsInteger()) : 0;
    EXPECT_EQ(Do(store_->Range("d/", "d0", Direction::kForward, 10'000))->size(),
              static_cast<size_t>(count));
    EXPECT_EQ(Do(store_->Read("s", 0, Direction::kForward, 10'000))->size(),
              static_cast<size_t>(count));
    EXPECT_EQ(Do(store_->FindDue(TimeFromMillis(0), "", 10'000))->size(),
              static_cast<size_t>(count));
    return count;
  }
  /// Commits until the armed fault strikes; then the store must stay shut, and open again with a
  /// prefix.
  void RunInto(int fail_at, int code, size_t bytes, int commits_max) {
    store_.reset();
    faults.Arm(0, SQLITE_OK);
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    OpenStore();
    faults.Arm(fail_at, code);
    int acknowledged = 0;
    Result<> last;
    while (acknowledged < commits_max && (last = Commit(acknowledged + 1, bytes))) ++acknowledged;
    struck_ = !last;
    if (struck_) {
      EXPECT_EQ(last.error().code, Code::kUnavailable);
      EXPECT_EQ(last.error().name, code == SQLITE_FULL ? "StoreFull" : "StoreFailed");
      EXPECT_EQ(failures_, 1);
      const int before = faults.operations;
      EXPECT_FALSE(Commit(acknowledged + 2, bytes)) << "nothing is accepted after a failure";
      EXPECT_EQ(Do(store_->Settle()).has_value(), false);
      EXPECT_EQ(faults.operations, before) << "and nothing is written";
      EXPECT_EQ(failures_, 1);
    }
    store_.reset();
    faults.Arm(0, SQLITE_OK);
    OpenStore();
    const int count = Count();
    EXPECT_GE(count, acknowledged) << "fault at " << fail_at;
    EXPECT_LE(count, acknowledged + 1) << "fault at " << fail_at;
    EXPECT_TRUE(Commit(count + 1, bytes)) << "and it goes on from there";
  }

  std::filesystem::path folder_;
  asio::io_context context_;
  std::unique_ptr<SqliteStore> store_;
  sqlite3_vfs vfs_{};
  int log_pages_max_ = SqliteStore::kLogPagesMax;
  int failures_ = 0;
  Error failure_;
  bool struck_ = false;
};

TEST_F(SqliteFaults, EachWriteAndSyncMayFail) {
  int at = 1;
  do {
    RunInto(at, SQLITE_IOERR, 10, 3);
    ++at;
  } while (struck_ && at < 300);
  EXPECT_GT(at, 20) << "the faults were met";
  EXPECT_LT(at, 300);
}

TEST_F(SqliteFaults, TheDiskMayBeFullAtEachWrite) {
  for (int at = 1; at < 30; at += 5) RunInto(at, SQLITE_FULL, 3000, 3);
}

TEST_F(SqliteFaults, AFullDiskIsNamed) {
  OpenStore();
  ASSERT_TRUE(Commit(1, 10));
  faults.Arm(1, SQLITE_FULL);
  const auto refused = Commit(2, 10);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "the disk that holds " + (folder_ / "a.db").string() + " is full");
  EXPECT_EQ(failure_.message, refused.error().message);
}

TEST_F(SqliteFaults, MovingTheLogMayFail) {
  // Far enough for the log to be moved once: count the operations, then fail around its place.
  constexpr size_t kBytes = 20'000;
  log_pages_max_ = 40;
  OpenStore();
  faults.Arm(0, SQLITE_OK);
  int commits = 0, before = 0, moved_at = 0, moved_end = 0;
  while (moved_at == 0 && commits < 40) {
    const int syncs = faults.syncs;
    before = faults.operations;
    ASSERT_TRUE(Commit(++commits, kBytes));
    if (faults.syncs - syncs > 1) {
      moved_at = before;
      moved_end = faults.operations;
    }
  }
  ASSERT_GT(moved_at, 0) << "the log was moved";
  for (const double part : {0.3, 0.6, 0.95})
    RunInto(moved_at + static_cast<int>((moved_end - moved_at) * part), SQLITE_IOERR, kBytes,
            commits + 1);
  RunInto(moved_end, SQLITE_IOERR, kBytes, commits + 1);  // the last sync of the move
}

}  // namespace
}  // namespace stepmill
