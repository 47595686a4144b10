// What the store promises when the disk does not: each write and each sync of the journal, of the
// payload file and of the index fails in turn, the store stops, and what is read back after that is
// a prefix of what was issued, with everything that was acknowledged.

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>

#include "store/journal/journal_store.h"
#include "task/blocking.h"

namespace stepmill {
namespace {

/// What fails: everything from the `fail_at`-th write, sync, resize or removal since Arm. One store
/// at a time; its threads count here.
struct Faults {
  std::atomic<int> operations = 0;
  std::atomic<int> fail_at = 0;  ///< 0: none
  std::atomic<bool> is_full = false;

  void Arm(int at, bool full = false) {
    operations = 0;
    fail_at = at;
    is_full = full;
  }
  bool IsFailing() { return ++operations >= fail_at && fail_at != 0; }
} disk_faults, index_faults;

/// A folder whose files fail when told to.
class FaultyDisk : public io::Disk {
 public:
  explicit FaultyDisk(const std::string& folder) : inner_(io::OpenFolder(folder)) {}
  static Result<> Meet() {
    if (!disk_faults.IsFailing()) return {};
    return Error{Code::kUnavailable, disk_faults.is_full ? "StoreFull" : "StoreFailed", "a fault"};
  }
  struct FaultyFile : File {
    std::unique_ptr<File> inner;
    Result<size_t> Read(uint64_t at, char* to, size_t size) override {
      return inner->Read(at, to, size);
    }
    /// A failing write leaves half of its bytes.
    Result<> Write(uint64_t at, std::string_view bytes) override {
      const auto met = Meet();
      MILL_CHECK(inner->Write(at, met ? bytes : bytes.substr(0, bytes.size() / 2)));
      return met;
    }
    Result<> Sync() override {
      MILL_CHECK(Meet());
      return inner->Sync();
    }
    Result<uint64_t> Size() override { return inner->Size(); }
    Result<> Resize(uint64_t size) override {
      MILL_CHECK(Meet());
      return inner->Resize(size);
    }
    Result<> Punch(uint64_t at, uint64_t size) override {
      MILL_CHECK(Meet());
      return inner->Punch(at, size);
    }
  };
  Result<std::unique_ptr<File>> Open(std::string_view name) override {
    auto file = std::make_unique<FaultyFile>();
    MILL_TRY(file->inner, inner_->Open(name));
    return std::unique_ptr<File>(std::move(file));
  }
  Result<> Remove(std::string_view name) override {
    MILL_CHECK(Meet());
    return inner_->Remove(name);
  }
  Result<> SyncFolder() override {
    MILL_CHECK(Meet());
    return inner_->SyncFolder();
  }
  Result<std::vector<std::string>> List() override { return inner_->List(); }

 private:
  std::unique_ptr<io::Disk> inner_;
};

/// SQLite's methods of one kind of file, with ours in front. `mine` comes first: files point to it.
struct Methods {
  sqlite3_io_methods mine;
  const sqlite3_io_methods* real;
  static const sqlite3_io_methods* RealOf(const sqlite3_file* file) {
    return reinterpret_cast<const Methods*>(file->pMethods)->real;
  }
};

int Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at) {
  if (index_faults.IsFailing()) return index_faults.is_full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
  return Methods::RealOf(file)->xWrite(file, bytes, size, at);
}
int Sync(sqlite3_file* file, int flags) {
  if (index_faults.IsFailing()) return index_faults.is_full ? SQLITE_FULL : SQLITE_IOERR_FSYNC;
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

struct IdleWorker : io::Worker {
  void Run(std::function<void()>, std::function<void()>) override {}
};

class StoreFaults : public testing::Test {
 protected:
  void SetUp() override {
    // In memory where that is possible: nothing here is about a real disk.
    const std::filesystem::path shared = "/dev/shm";
    const bool is_there = std::filesystem::is_directory(shared);
    std::string name =
        (is_there ? shared : std::filesystem::temp_directory_path()) / "stepmill-faults-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    vfs_ = *sqlite3_vfs_find("unix");
    vfs_.zName = "faults";
    vfs_.xOpen = Open;
    ASSERT_EQ(sqlite3_vfs_register(&vfs_, 0), SQLITE_OK);
  }
  void TearDown() override {
    Calm();
    store_.reset();
    sqlite3_vfs_unregister(&vfs_);
    std::filesystem::remove_all(folder_);
  }
  static void Calm() {
    disk_faults.Arm(0);
    index_faults.Arm(0);
  }
  Result<> OpenStore() {
    store_.reset();
    failures_ = 0;
    const auto failed = [this](const Error& error) {
      ++failures_;
      failure_ = error;
    };
    JournalStore::Ground ground;
    ground.disk = std::make_unique<FaultyDisk>(folder_);
    ground.writer = io::MakeThread(context_.get_executor());
    ground.indexer = io::MakeThread(context_.get_executor());
    if (is_index_idle_) ground.indexer = std::make_unique<IdleWorker>();
    ground.index_path = folder_ / "index.sqlite";
    ground.index_vfs = "faults";
    MILL_TRY(store_, JournalStore::Open(context_.get_executor(), std::move(ground), failed));
    return {};
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
  int Count(size_t bytes) {
    const auto counter = Do(store_->Get("counter"));
    EXPECT_TRUE(counter);
    const int count = *counter ? static_cast<int>((*counter)->body.AsInteger()) : 0;
    const auto documents = Do(store_->Range("d/", "d0", Direction::kForward, 10'000));
    EXPECT_TRUE(documents) << documents.error().message;
    EXPECT_EQ(documents->size(), static_cast<size_t>(count));
    for (const Document& document : *documents)
      EXPECT_EQ(document.body.AsString(), std::string(bytes, 'x'));
    EXPECT_EQ(Do(store_->Read("s", 0, Direction::kForward, 10'000))->size(),
              static_cast<size_t>(count));
    EXPECT_EQ(Do(store_->FindDue(TimeFromMillis(0), "", 10'000))->size(),
              static_cast<size_t>(count));
    return count;
  }
  /// Commits until the armed fault strikes; then the store must stay shut, and open again with a
  /// prefix. True: it struck.
  bool RunInto(Faults& faults, int fail_at, bool is_full, size_t bytes, int commits_max) {
    Calm();
    store_.reset();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    faults.Arm(fail_at, is_full);
    int acknowledged = 0;
    Result<> last = OpenStore();
    if (last) {
      while (acknowledged < commits_max && (last = Commit(acknowledged + 1, bytes))) ++acknowledged;
      if (!last) {
        EXPECT_EQ(last.error().code, Code::kUnavailable);
        EXPECT_EQ(last.error().name, is_full ? "StoreFull" : "StoreFailed");
        EXPECT_EQ(failures_, 1);
        EXPECT_FALSE(Commit(acknowledged + 2, bytes)) << "nothing is accepted after a failure";
        EXPECT_FALSE(Do(store_->Settle()));
        EXPECT_EQ(failures_, 1);
      }
    }
    const bool has_struck = faults.operations >= fail_at;
    store_.reset();
    Calm();
    const auto opened = OpenStore();
    EXPECT_TRUE(opened) << opened.error().message << " after a fault at " << fail_at;
    if (!opened) return false;
    const int count = Count(bytes);
    EXPECT_GE(count, acknowledged) << "fault at " << fail_at;
    EXPECT_LE(count, acknowledged + 1) << "fault at " << fail_at;
    EXPECT_TRUE(Commit(count + 1, bytes)) << "and it goes on from there";
    return has_struck;
  }
  /// Every fault in turn, until one is not met any more.
  void RunIntoEach(Faults& faults, size_t bytes, int commits, int least) {
    int at = 1;
    while (RunInto(faults, at, at % 3 == 0, bytes, commits) && at < 300 && !HasFailure()) ++at;
    EXPECT_GT(at, least) << "the faults were met";
  }

  std::filesystem::path folder_;
  asio::io_context context_;
  std::unique_ptr<JournalStore> store_;
  sqlite3_vfs vfs_{};
  bool is_index_idle_ = false;
  int failures_ = 0;
  Error failure_;
};

TEST_F(StoreFaults, EachWriteAndSyncOfTheJournalMayFail) { RunIntoEach(disk_faults, 10, 5, 20); }

TEST_F(StoreFaults, EachWriteOfALargePayloadMayFail) { RunIntoEach(disk_faults, 100'000, 3, 20); }

TEST_F(StoreFaults, EachWriteAndSyncOfTheIndexMayFail) { RunIntoEach(index_faults, 10, 10, 10); }

TEST_F(StoreFaults, SegmentsAreWrittenAnew) {
  // 30 KB a commit: a segment in 140, the index is made durable every second one.
  const auto segments = [this] {
    int count = 0;
    for (const auto& file : std::filesystem::directory_iterator(folder_))
      count += file.path().filename().string().starts_with("journal-");
    return count;
  };
  ASSERT_TRUE(OpenStore());
  for (int n = 1; n <= 2000; ++n) ASSERT_TRUE(Commit(n, 30'000));
  EXPECT_LE(segments(), 12);
  ASSERT_TRUE(OpenStore());
  EXPECT_EQ(Count(30'000), 2000);
}

TEST_F(StoreFaults, ATornEndIsDroppedAndAHoleIsRefused) {
  is_index_idle_ = true;  // so that all stands in the journal only
  ASSERT_TRUE(OpenStore());
  for (int n = 1; n <= 3; ++n) ASSERT_TRUE(Commit(n, 10));
  store_.reset();
  const auto flip = [this](size_t from_end) {
    std::fstream file(folder_ / "journal-1", std::ios::in | std::ios::out | std::ios::binary);
    std::string bytes(std::istreambuf_iterator<char>(file), {});
    const size_t at = bytes.find_last_not_of('\0') - from_end;
    file.seekp(static_cast<std::streamoff>(at)).put(static_cast<char>(bytes[at] ^ 1));
  };
  flip(3);
  ASSERT_TRUE(OpenStore()) << "as if the last write had been torn";
  EXPECT_EQ(Count(10), 2);
  store_.reset();
  std::filesystem::remove_all(folder_);
  std::filesystem::create_directories(folder_);
  ASSERT_TRUE(OpenStore());
  for (int n = 1; n <= 3; ++n) ASSERT_TRUE(Commit(n, 10));
  store_.reset();
  flip(150);
  const auto refused = OpenStore();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().name, "StoreDamaged");
  EXPECT_TRUE(refused.error().message.starts_with("journal-1: entry ")) << refused.error().message;
}

}  // namespace
}  // namespace stepmill
