// One promise, every store: the cases of this file run on each of them, and random sequences of
// operations are compared with the memory store.

#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "store/journal/journal_store.h"
#include "store/memory/memory_store.h"
#include "task/blocking.h"

namespace stepmill {
namespace {

enum class KindOfStore { kMemory, kJournal };

class StoreContract : public testing::TestWithParam<KindOfStore> {
 protected:
  void SetUp() override {
    // In memory where that is possible: nothing here is about a real disk.
    const std::filesystem::path shared = "/dev/shm";
    const bool is_there = std::filesystem::is_directory(shared);
    std::string name =
        (is_there ? shared : std::filesystem::temp_directory_path()) / "stepmill-store-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    Open();
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  void Open() {
    if (GetParam() == KindOfStore::kMemory) {
      if (!store_) store_ = std::make_unique<MemoryStore>();
      return;
    }
    store_.reset();
    const auto fail = [](const Error& error) { FAIL() << error.message; };
    auto opened = JournalStore::OpenFolder(context_.get_executor(), folder_ / "store", fail);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = *std::move(opened);
  }

  template <class T>
  Result<T> Do(Task<T> task) {
    return RunBlocking(context_, std::move(task));
  }
  /// The value itself, so that a loop may run over it.
  template <class T>
  T Must(Task<T> task) {
    return *RunBlocking(context_, std::move(task));
  }
  Result<> Commit(Batch batch) { return Do(store_->Commit(std::move(batch))); }
  std::optional<Document> Get(const Key& key) { return Must(store_->Get(key)); }
  std::string Sequences(const std::string& stream, uint64_t from, Direction direction, int limit) {
    std::string text;
    for (const Record& record : Must(store_->Read(stream, from, direction, limit)))
      text += std::to_string(record.sequence) + "=" + record.body.Print() + " ";
    return text;
  }
  std::string Keys(const Key& from, const Key& to, Direction direction, int limit) {
    std::string text;
    for (const Document& document : Must(store_->Range(from, to, direction, limit)))
      text += document.key + ":" + std::to_string(document.version) + " ";
    return text;
  }

  std::filesystem::path folder_;
  asio::io_context context_;
  std::unique_ptr<Store> store_;
};

INSTANTIATE_TEST_SUITE_P(Stores, StoreContract,
                         testing::Values(KindOfStore::kMemory, KindOfStore::kJournal),
                         [](const auto& info) {
                           return info.param == KindOfStore::kMemory ? "Memory" : "Journal";
                         });

TEST_P(StoreContract, KeepsDocumentsAndCountsTheirVersions) {
  EXPECT_FALSE(Get("a"));
  Batch batch;
  batch.Create("a", Json::Object{{"n", 1}, {"名", "値"}});
  ASSERT_TRUE(Commit(std::move(batch)));
  auto document = Get("a");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->version, 1u);
  EXPECT_EQ(document->body.Print(), R"({"n":1,"名":"値"})");

  Batch second;
  second.Replace(*document, Json(2));
  ASSERT_TRUE(Commit(std::move(second)));
  EXPECT_EQ(Get("a")->version, 2u);
  Batch stale;
  stale.Replace(*document, Json(3));
  const auto conflict = Commit(std::move(stale));
  ASSERT_FALSE(conflict);
  EXPECT_EQ(conflict.error().code, Code::kConflict);
  EXPECT_EQ(Get("a")->body.Print(), "2");

  Batch removal;
  removal.Delete("a");
  ASSERT_TRUE(Commit(std::move(removal)));
  EXPECT_FALSE(Get("a"));
  Open();
  EXPECT_FALSE(Get("a"));
}

TEST_P(StoreContract, IsAllOrNothing) {
  Batch first;
  first.Create("a", Json(1));
  ASSERT_TRUE(Commit(std::move(first)));
  Batch batch;
  batch.Create("b", Json(1));
  batch.Create("a", Json(2));
  batch.AppendTo("s", Json(1));
  ASSERT_FALSE(Commit(std::move(batch)));
  EXPECT_FALSE(Get("b"));
  EXPECT_EQ(Sequences("s", 0, Direction::kForward, 10), "");
}

TEST_P(StoreContract, RangesInBothDirections) {
  Batch batch;
  for (const char* key : {"p/a", "p/b", "p/c", "q", "p", "p0"}) batch.PutDocument(key, Json(1));
  ASSERT_TRUE(Commit(std::move(batch)));
  EXPECT_EQ(Keys("p/", PrefixEnd("p/"), Direction::kForward, 10), "p/a:1 p/b:1 p/c:1 ");
  EXPECT_EQ(Keys("p/", PrefixEnd("p/"), Direction::kBackward, 2), "p/c:1 p/b:1 ");
  EXPECT_EQ(Keys("p/b", "q", Direction::kForward, 2), "p/b:1 p/c:1 ");
  EXPECT_EQ(Keys("q", "p", Direction::kForward, 2), "");
  EXPECT_EQ(Keys("p", "q", Direction::kForward, 0), "");
}

TEST_P(StoreContract, StreamsCountWithoutGaps) {
  Batch batch;
  for (int i = 1; i <= 4; ++i) batch.AppendTo("s", Json(i));
  batch.stream_expects.push_back({"s", 0});
  ASSERT_TRUE(Commit(std::move(batch)));
  EXPECT_EQ(Sequences("s", 2, Direction::kForward, 2), "2=2 3=3 ");
  EXPECT_EQ(Sequences("s", 0, Direction::kBackward, 2), "4=4 3=3 ");
  EXPECT_EQ(Sequences("s", 2, Direction::kBackward, 9), "2=2 1=1 ");

  Batch truncation;
  truncation.truncates.push_back({"s", 100});
  ASSERT_TRUE(Commit(std::move(truncation)));
  Open();
  EXPECT_EQ(Sequences("s", 0, Direction::kForward, 9), "");
  Batch stale;
  stale.stream_expects.push_back({"s", 3});
  stale.AppendTo("s", Json(0));
  EXPECT_FALSE(Commit(std::move(stale)));
  Batch next;
  next.stream_expects.push_back({"s", 4});
  next.AppendTo("s", Json(5));
  ASSERT_TRUE(Commit(std::move(next)));
  EXPECT_EQ(Sequences("s", 0, Direction::kForward, 9), "5=5 ");

  Batch removal;
  removal.stream_deletes.push_back("s");
  removal.AppendTo("s", Json("new"));
  ASSERT_TRUE(Commit(std::move(removal)));
  Open();
  EXPECT_EQ(Sequences("s", 0, Direction::kBackward, 9), "1=\"new\" ");
}

TEST_P(StoreContract, FindsWhatIsDueInOrder) {
  Batch batch;
  batch.dues.push_back({"b", TimeFromMillis(10), "timer", Json(1)});
  batch.dues.push_back({"a", TimeFromMillis(10), "effect", Json(2)});
  batch.dues.push_back({"c", TimeFromMillis(5), "event", Json(3)});
  batch.dues.push_back({"d", TimeFromMillis(1), "event", Json(4)});
  ASSERT_TRUE(Commit(std::move(batch)));
  Batch second;
  second.due_removals.push_back("d");
  second.due_removals.push_back("never there");
  second.dues.push_back({"c", TimeFromMillis(20), "event", Json(5)});
  ASSERT_TRUE(Commit(std::move(second)));
  Open();
  std::string text;
  for (const Due& due : Must(store_->FindDue(TimeFromMillis(0), "", 10)))
    text += due.id + "@" + std::to_string(MillisSinceEpoch(due.at)) + due.kind + " ";
  EXPECT_EQ(text, "a@10effect b@10timer c@20event ");
  EXPECT_EQ(Must(store_->FindDue(TimeFromMillis(10), "a", 1)).at(0).id, "b");
}

Task<> IssueTwoAndRead(Store& store, asio::io_context& context, std::string& seen) {
  // Issued, not awaited: the second stands in the line behind the first.
  const auto start = [](Store& to, Batch batch) -> Task<> {
    co_return co_await to.Commit(std::move(batch));
  };
  Batch first;
  first.Create("x", Json(1));
  first.AppendTo("s", Json(1));
  Batch second;
  second.expects.push_back({"x", 1});
  second.PutDocument("x", Json(2));
  second.PutDocument("y", Json(2));
  second.AppendTo("s", Json(2));
  second.dues.push_back({"due", TimeFromMillis(1), "timer", Json()});
  const auto ignore = [](std::exception_ptr, const Result<>& result) { EXPECT_TRUE(result); };
  asio::co_spawn(context, start(store, std::move(first)), ignore);
  asio::co_spawn(context, start(store, std::move(second)), ignore);
  co_await asio::post(context, asio::use_awaitable);  // both have been issued
  MILL_CO_TRY(const auto document, co_await store.Get("x"));
  MILL_CO_TRY(const auto documents, co_await store.Range("", "z", Direction::kForward, 9));
  MILL_CO_TRY(const auto records, co_await store.Read("s", 0, Direction::kBackward, 9));
  MILL_CO_TRY(const auto dues, co_await store.FindDue(TimeFromMillis(0), "", 9));
  seen = document->body.Print() + " " + std::to_string(documents.size()) + " " +
         std::to_string(records.size()) + " " + std::to_string(dues.size());
  co_return co_await store.Settle();
}

TEST_P(StoreContract, ReadsSeeWhatIsIssued) {
  std::string seen;
  ASSERT_TRUE(Do(IssueTwoAndRead(*store_, context_, seen)));
  EXPECT_EQ(seen, "2 2 2 1");
  EXPECT_EQ(Keys("", "z", Direction::kForward, 9), "x:2 y:1 ");
}

// ---------------------------------------------------------------------------------------------

Batch RandomBatch(std::mt19937_64& random) {
  const auto pick = [&](uint64_t count) { return random() % count; };
  const auto name = [&](const char* prefix) { return prefix + std::to_string(pick(6)); };
  Batch batch;
  for (uint64_t i = 0, count = 1 + pick(5); i < count; ++i) {
    switch (pick(11)) {
      case 0:
      case 1: batch.PutDocument(name("d"), Json(static_cast<int64_t>(pick(1000)))); break;
      case 2: batch.Delete(name("d")); break;
      case 3: batch.expects.push_back({name("d"), pick(3)}); break;
      case 4:
      case 5: batch.AppendTo(name("s"), Json(static_cast<int64_t>(pick(1000)))); break;
      case 6: batch.truncates.push_back({name("s"), pick(30)}); break;
      case 7: batch.stream_deletes.push_back(name("s")); break;
      case 8: batch.stream_expects.push_back({name("s"), pick(4)}); break;
      case 9:
        batch.dues.push_back({name("t"), TimeFromMillis(static_cast<int64_t>(pick(50))), "timer",
                              Json(static_cast<int64_t>(pick(9)))});
        break;
      default: batch.due_removals.push_back(name("t")); break;
    }
  }
  return batch;
}

Task<std::string> Picture(Store& store, uint64_t chance) {
  const Direction direction = chance % 2 ? Direction::kForward : Direction::kBackward;
  const int limit = static_cast<int>(1 + chance / 2 % 8);
  std::string text;
  MILL_CO_TRY(const auto documents, co_await store.Range("d1", "d9", direction, limit));
  for (const auto& document : documents)
    text +=
        document.key + ":" + std::to_string(document.version) + "=" + document.body.Print() + " ";
  for (const char* stream : {"s0", "s1", "s2", "s3"}) {
    MILL_CO_TRY(const auto records, co_await store.Read(stream, chance / 16 % 6, direction, limit));
    for (const auto& record : records)
      text += stream + std::to_string(record.sequence) + "=" + record.body.Print() + " ";
  }
  MILL_CO_TRY(const auto dues, co_await store.FindDue(
                                   TimeFromMillis(static_cast<int64_t>(chance % 40)), "t2", limit));
  for (const auto& due : dues) text += due.id + "@" + due.body.Print() + " ";
  co_return text;
}

Task<> CommitBoth(Store& one, Store& other, Batch batch, int& differences) {
  Batch copy = batch;
  const auto first = co_await one.Commit(std::move(batch));
  const auto second = co_await other.Commit(std::move(copy));
  if (first.has_value() != second.has_value()) ++differences;
  co_return Result<>();
}

TEST_P(StoreContract, RandomSequencesAgreeWithTheModel) {
  constexpr uint64_t kSeed = 7421;
  std::mt19937_64 random(kSeed);
  MemoryStore model;
  int differences = 0;
  for (int step = 0; step < 700; ++step) {
    // Up to eight commits at once, so that batches share transactions and overlays are deep.
    for (uint64_t i = 0, count = 1 + random() % 8; i < count; ++i)
      asio::co_spawn(context_, CommitBoth(model, *store_, RandomBatch(random), differences),
                     [](std::exception_ptr, const Result<>&) {});
    const uint64_t chance = random();
    const auto expected = Do(Picture(model, chance));
    const auto got = Do(Picture(*store_, chance));
    ASSERT_EQ(*expected, *got) << "seed " << kSeed << " step " << step;
    ASSERT_EQ(differences, 0) << "seed " << kSeed << " step " << step;
    if (step % 50 == 49) {
      ASSERT_TRUE(Do(store_->Settle()));
      Open();
      ASSERT_EQ(*Do(Picture(model, chance)), *Do(Picture(*store_, chance))) << "reopened";
    }
  }
}

TEST(JournalStore, RefusesASecondOpener) {
  std::string name = std::filesystem::temp_directory_path() / "stepmill-store-XXXXXX";
  ASSERT_NE(mkdtemp(name.data()), nullptr);
  asio::io_context context;
  {
    const auto first = JournalStore::OpenFolder(context.get_executor(), name + "/a.db", nullptr);
    ASSERT_TRUE(first);
    const auto second = JournalStore::OpenFolder(context.get_executor(), name + "/a.db", nullptr);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().name, "StoreInUse");
  }
  EXPECT_TRUE(JournalStore::OpenFolder(context.get_executor(), name + "/a.db", nullptr));
  std::filesystem::remove_all(name);
}

}  // namespace
}  // namespace stepmill
