#include "service/sqs/sqs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include "app/service_cases.h"
#include "base/digest.h"
#include "service/sqs/messages.h"

namespace stepmill::sqs {
namespace {

class SqsTest : public testing::Test {
 protected:
  static bool MatchNothing(const Json&, const Json&) { return false; }
  Json Ask(const char* operation, Json input) {
    const Result<Json> answer = world.Ask("sqs", operation, std::move(input));
    EXPECT_TRUE(answer.has_value()) << answer.error().message;
    return answer ? *answer : Json();
  }
  Json Send(const std::string& body) {
    return Ask("SendMessage", Json::Object{{"QueueUrl", "q"}, {"MessageBody", body}});
  }
  /// Starts an operation; its answer comes to `to`.
  void Start(const char* operation, Json input, std::optional<Result<Answer>>& to) {
    Request request;
    request.service = "sqs";
    request.operation = operation;
    request.principal = TestWorld::Alice();
    request.account = "000000000000";
    request.region = "us-east-1";
    request.input = std::move(input);
    asio::co_spawn(world.loop().context(), Keep(world.door(), std::move(request), to),
                   asio::detached);
  }
  static asio::awaitable<void> Keep(Door& door, Request request,
                                    std::optional<Result<Answer>>& to) {
    to.emplace(co_await door.Ask(std::move(request)));
  }
  /// Messages get the numbers that they would have if they had been sent a minute ago.
  static Task<> MakeOld(Ports& ports) {
    MILL_CO_TRY(const auto all, co_await ports.store.Range("000000000000/us-east-1/sqs/",
                                                           "000000000000/us-east-1/sqs0",
                                                           Direction::kForward, 100));
    Batch batch;
    const std::string old = PrintNumber(FirstNumber(ports.clock.Now() - Seconds(61)));
    for (const Document& document : all) {
      const size_t slash = document.key.rfind('/');
      if (document.key.find("/sqs/queue/") != std::string::npos) continue;
      batch.Delete(document.key);
      batch.PutDocument(document.key.substr(0, slash + 1) + old, document.body);
    }
    co_return co_await ports.store.Commit(std::move(batch));
  }
  CaseBlobs blobs;
  TestWorld world{{&kService}, &blobs, nullptr, MatchNothing};
};

TEST_F(SqsTest, QueuesAreAsTheCasesSay) {
  RunServiceCases(world, "sqs", "service/sqs/cases/queues.case");
}

TEST_F(SqsTest, FifoQueuesAreAsTheCasesSay) {
  RunServiceCases(world, "sqs", "service/sqs/cases/fifo.case");
}

TEST_F(SqsTest, DigestsOfAttributesAreAwss) {
  // The example of AWS's SDK for Java.
  const Json text = *ParseJson(R"({"tokenDesc": {"DataType": "String", "StringValue": "x"}})");
  std::string bytes = std::string("\0\0\0\x09tokenDesc\0\0\0\x06String\x01\0\0\0\x01x", 33);
  bytes.resize(4 + 9 + 4 + 6 + 1 + 4 + 1);
  EXPECT_EQ(Md5OfAttributes(text), Hex(Md5(bytes)));
}

TEST_F(SqsTest, ALongPollEndsWithTheMessage) {
  Ask("CreateQueue", Json::Object{{"QueueName", "q"}});
  std::optional<Result<Answer>> answer;
  Start("ReceiveMessage", Json::Object{{"QueueUrl", "q"}, {"WaitTimeSeconds", 20}}, answer);
  world.RunUntil([n = 0]() mutable { return ++n > 5; });
  EXPECT_FALSE(answer.has_value());
  Send("come");
  ASSERT_TRUE(world.RunUntil([&] { return answer.has_value(); }));
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((*answer)->output["Messages"].At(0).StringOr("Body", ""), "come");
}

TEST_F(SqsTest, ALongPollEndsWhenAMessageBecomesVisible) {
  Ask("CreateQueue", *ParseJson(R"({"QueueName": "q", "Attributes": {"VisibilityTimeout": "1"}})"));
  Send("back");
  Ask("ReceiveMessage", Json::Object{{"QueueUrl", "q"}});
  std::optional<Result<Answer>> answer;
  Start("ReceiveMessage", Json::Object{{"QueueUrl", "q"}, {"WaitTimeSeconds", 20}}, answer);
  ASSERT_TRUE(world.RunUntil([&] { return answer.has_value(); }));
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((*answer)->output["Messages"].size(), 1u);
}

TEST_F(SqsTest, ManyReceiversGetEachMessageOnce) {
  Ask("CreateQueue", Json::Object{{"QueueName", "q"}});
  constexpr size_t kCount = 40;
  for (size_t i = 0; i < kCount; ++i) Send(std::to_string(i));
  std::vector<std::optional<Result<Answer>>> answers(kCount);
  for (auto& answer : answers)
    Start("ReceiveMessage", Json::Object{{"QueueUrl", "q"}, {"MaxNumberOfMessages", 2}}, answer);
  ASSERT_TRUE(world.RunUntil([&] {
    return std::all_of(answers.begin(), answers.end(),
                       [](const auto& answer) { return answer.has_value(); });
  }));
  std::set<std::string> seen;
  size_t received = 0;
  const auto take = [&](const Json& messages) {
    for (const Json& message : messages.is_array() ? messages.items() : Json::Array{}) {
      ++received;
      seen.insert(message.StringOr("Body", ""));
    }
  };
  for (const auto& answer : answers) {
    ASSERT_TRUE(answer->has_value()) << answer->error().message;
    take((*answer)->output["Messages"]);
  }
  // Who was too late too often gets nothing; the rest is there still.
  for (size_t i = 0; i < kCount && seen.size() < kCount; ++i)
    take(Ask("ReceiveMessage",
             Json::Object{{"QueueUrl", "q"}, {"MaxNumberOfMessages", 10}})["Messages"]);
  EXPECT_EQ(seen.size(), kCount);
  EXPECT_EQ(received, kCount);
}

TEST_F(SqsTest, WhatIsTooOldIsGone) {
  Ask("CreateQueue",
      *ParseJson(R"({"QueueName": "q", "Attributes": {"MessageRetentionPeriod": "60"}})"));
  Send("old");
  const auto moved = world.Run(MakeOld(world.ports()));
  ASSERT_TRUE(moved);
  EXPECT_EQ(Ask("ReceiveMessage", Json::Object{{"QueueUrl", "q"}}).size(), 0u);
}

}  // namespace
}  // namespace stepmill::sqs
