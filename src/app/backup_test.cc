// What `check` finds, and that a backup taken while a store is written is whole.

#include "app/backup.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>

#include "app/data_check.h"
#include "base/digest.h"
#include "base/strings.h"
#include "store/journal/database.h"
#include "store/journal/journal_store.h"
#include "task/blocking.h"

namespace stepmill {
namespace {

namespace fs = std::filesystem;

class Backup : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "stepmill-backup-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    data_ = folder_ + "/data";
    fs::create_directories(data_ + "/blobs/ab");
    std::ofstream(data_ + "/key") << std::string(32, 'k');
    std::ofstream(data_ + "/blobs/ab/" + kBlob) << "object";
    OpenStore();
  }
  void TearDown() override {
    store_.reset();
    fs::remove_all(folder_);
  }
  void OpenStore() {
    auto opened = JournalStore::OpenFolder(context_.get_executor(), data_ + "/store", {});
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = *std::move(opened);
  }
  /// Document n, a record, a due, and a text that stands in the payload file.
  void Commit(int n) {
    Batch batch;
    batch.PutDocument("d/" + std::to_string(n),
                      Json::Object{{"n", n}, {"text", std::string(40'000, 'a' + n % 26)}});
    batch.PutDocument("newest", Json(n));
    batch.PutDocument("engine/instance/i", Json::Object{{"machine", "m"}});
    batch.PutDocument("s3/object",
                      Json::Object{{"Blob", kBlob}, {"Size", 6}, {"ETag", Hex(Md5("object"))}});
    batch.AppendTo("stream", Json(n));
    batch.dues.push_back({"t/i/" + std::to_string(n), TimeFromMillis(n), "timer",
                          Json::Object{{"instance", "i"}, {"id", std::to_string(n)}}});
    const auto committed = RunBlocking(context_, store_->Commit(std::move(batch)));
    ASSERT_TRUE(committed) << committed.error().message;
  }
  /// Runs SQL on the index of the closed store.
  void Damage(const char* sql) {
    Check();  // carries the journal over
    journal::Connection index;
    ASSERT_TRUE(index.Open(data_ + "/store/index.sqlite", nullptr));
    const auto run = index.Run(sql);
    ASSERT_TRUE(run) << run.error().message;
  }
  /// The problems of the folder, whose store is closed; the first one.
  std::string Check() {
    store_.reset();
    const auto report = CheckData(data_);
    if (!report) return report.error().message;
    return report->problems.empty() ? "" : report->problems[0];
  }
  static bool Has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
  }

  static constexpr char kBlob[] = "ab000000000000000000000000000000-s3";
  asio::io_context context_;
  std::unique_ptr<JournalStore> store_;
  std::string folder_, data_;
};

TEST_F(Backup, CheckAcceptsAWholeStore) {
  for (int n = 1; n <= 20; ++n) Commit(n);
  store_.reset();
  const auto report = CheckData(data_);
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->problems.empty()) << report->problems[0];
  EXPECT_EQ(report->counts.documents, 23u);
  EXPECT_EQ(report->counts.records, 20u);
  EXPECT_EQ(report->counts.dues, 20u);
  EXPECT_EQ(report->blobs, 1u);
}

TEST_F(Backup, CheckNamesWhatIsDamaged) {
  const std::pair<const char*, const char*> cases[] = {
      {"DELETE FROM records WHERE sequence = 2", "stream stream: record 2 is missing before 3"},
      {"UPDATE documents SET body = x'63' WHERE key = 'newest'", "document newest: a stored value"},
      {"DELETE FROM documents WHERE key = 'engine/instance/i'", "belongs to no instance"},
      {"DELETE FROM streams", "of a stream 1 that is not there"},
      {"UPDATE payloads SET crc = crc + 1", "does not have its checksum in the file payloads"},
      {"DELETE FROM uses", "is not known to be used here"}};
  for (const auto& [sql, expected] : cases) {
    SCOPED_TRACE(sql);
    store_.reset();
    fs::remove_all(data_ + "/store");
    OpenStore();
    for (int n = 1; n <= 3; ++n) Commit(n);
    Damage(sql);
    const std::string found = Check();
    // Opening the store drops what nobody uses: the text is then gone.
    EXPECT_TRUE(Has(found, expected) || Has(found, "is not there")) << found;
  }
}

TEST_F(Backup, CheckNamesABlobThatIsNotThereOrNotWhole) {
  Commit(1);
  std::ofstream(data_ + "/blobs/ab/" + kBlob) << "obJect";
  EXPECT_TRUE(Has(Check(), "does not have the MD5"));
  std::ofstream(data_ + "/blobs/ab/" + kBlob) << "obj";
  EXPECT_TRUE(Has(Check(), "has 3 bytes, not 6"));
  fs::remove(data_ + "/blobs/ab/" + kBlob);
  EXPECT_TRUE(Has(Check(), "is not there; s3/object names it"));
}

TEST_F(Backup, CheckNamesAPageThatIsNotWhole) {
  for (int n = 1; n <= 20; ++n) Commit(n);
  Check();
  const std::string path = data_ + "/store/index.sqlite";
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    for (int page = 1; page < 6; ++page) {
      file.seekp(page * 4096);
      file.write("\xff\xff\xff\xff", 4);
    }
  }
  const std::string found = Check();
  EXPECT_TRUE(Has(found, "index.sqlite")) << found;
}

TEST_F(Backup, IsWholeWhileTheStoreIsWritten) {
  for (int n = 1; n <= 300; ++n) {
    Commit(n);
    if (n % 50 != 0) continue;
    const std::string copy = folder_ + "/copy" + std::to_string(n);
    const auto done = BackUpData(data_, copy);
    ASSERT_TRUE(done) << done.error().message;
    const auto report = CheckData(copy);
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->problems.empty()) << report->problems[0];
    EXPECT_EQ(report->counts.records, static_cast<uint64_t>(n));
  }
}

TEST_F(Backup, RestoresIntoAnEmptyFolderOnly) {
  for (int n = 1; n <= 30; ++n) Commit(n);
  ASSERT_TRUE(BackUpData(data_, folder_ + "/copy"));
  EXPECT_FALSE(BackUpData(data_, folder_ + "/copy"));
  EXPECT_EQ(RestoreData(folder_ + "/copy", data_).error().name, "NotEmpty");
  EXPECT_EQ(RestoreData(data_, folder_ + "/other").error().name, "NoBackup");
  const auto done = RestoreData(folder_ + "/copy", folder_ + "/again");
  ASSERT_TRUE(done) << done.error().message;
  data_ = folder_ + "/again";
  store_.reset();
  OpenStore();
  const auto newest = RunBlocking(context_, store_->Get("newest"));
  ASSERT_TRUE(newest && *newest);
  EXPECT_EQ((*newest)->body.AsInteger(), 30);
  Commit(31);
  EXPECT_EQ(Check(), "");
}

}  // namespace
}  // namespace stepmill
