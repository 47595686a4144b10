#include "gate/sealed_store.h"

#include <gtest/gtest.h>

#include "store/memory/memory_store.h"
#include "task/blocking.h"

namespace stepmill {
namespace {

class Sealed : public testing::Test {
 protected:
  template <class T>
  T Must(Task<T> task) {
    auto result = RunBlocking(context_, std::move(task));
    EXPECT_TRUE(result) << result.error().message;
    return *std::move(result);
  }
  Result<> Commit(Batch batch) { return RunBlocking(context_, store_.Commit(std::move(batch))); }

  asio::io_context context_;
  MemoryStore inner_;
  Vault vault_{Secret(std::string(32, 'k'))};
  SealedStore store_{inner_, vault_, [](std::string_view place, const Json& body) {
                       return place.starts_with("s/") || body.BoolOr("isSecret", false);
                     }};
};

TEST_F(Sealed, WhatTheRuleNamesStandsSealedAndIsReadInClear) {
  Batch batch;
  batch.Create("s/a", Json::Object{{"word", "合言葉"}});
  batch.Create("p/a", Json::Object{{"word", "plain"}});
  batch.AppendTo("s/stream", Json::Object{{"word", "合言葉"}});
  batch.dues.push_back(
      {"d", TimeFromMillis(1), "timer", Json::Object{{"word", "合言葉"}, {"isSecret", true}}});
  ASSERT_TRUE(Commit(std::move(batch)));

  EXPECT_EQ(Must(store_.Get("s/a"))->body.Print(), R"({"word":"合言葉"})");
  EXPECT_EQ(Must(store_.Range("s/", "s0", Direction::kForward, 9)).at(0).body["word"].AsString(),
            "合言葉");
  EXPECT_EQ(Must(store_.Read("s/stream", 1, Direction::kForward, 9)).at(0).body["word"].AsString(),
            "合言葉");
  EXPECT_EQ(Must(store_.FindDue(TimeFromMillis(0), "", 9)).at(0).body["word"].AsString(), "合言葉");

  std::string below;
  for (const Document& each : Must(inner_.Range("", "\xff", Direction::kForward, 9)))
    below += each.body.Print();
  for (const Record& each : Must(inner_.Read("s/stream", 1, Direction::kForward, 9)))
    below += each.body.Print();
  for (const Due& each : Must(inner_.FindDue(TimeFromMillis(0), "", 9))) below += each.body.Print();
  EXPECT_EQ(below.find("合言葉"), std::string::npos) << below;
  EXPECT_NE(below.find("plain"), std::string::npos);
}

TEST_F(Sealed, ABodyThatWasMovedDoesNotOpen) {
  Batch batch;
  batch.Create("s/a", Json::Object{{"word", "w"}});
  ASSERT_TRUE(Commit(std::move(batch)));
  Batch moved;
  moved.Create("s/b", Must(inner_.Get("s/a"))->body);
  ASSERT_TRUE(RunBlocking(context_, inner_.Commit(std::move(moved))));
  const auto read = RunBlocking(context_, store_.Get("s/b"));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::kInternal);
}

}  // namespace
}  // namespace stepmill
