#pragma once

#include <gtest/gtest.h>

#include <string>

#include "app/test_world.h"
#include "blob/blob_store.h"
#include "service/states/states.h"

// For tests of service/states: Step Functions alone behind a door.
namespace stepmill::states {

inline constexpr char kRole[] = "arn:aws:iam::000000000000:role/r";
inline constexpr char kMachineArn[] = "arn:aws:states:us-east-1:000000000000:stateMachine:";

struct NoBlobs : BlobStore {
  static Error Refuse() { return {Code::kInternal, "NoBlobs", "this test has no blobs"}; }
  Task<std::unique_ptr<BlobWriter>> Create() override { co_return Refuse(); }
  Task<std::unique_ptr<ByteSource>> Open(BlobId, uint64_t, uint64_t) override {
    co_return Refuse();
  }
  Task<> Remove(BlobId) override { co_return Refuse(); }
  Task<std::vector<BlobId>> List() override { co_return Refuse(); }
  Task<> Export(BlobId, std::string) override { co_return Refuse(); }
  Task<BlobInfo> Import(std::string) override { co_return Refuse(); }
};

/// Lists of values, at any depth: enough of EventBridge's patterns for these tests.
inline bool Matches(const Json& pattern, const Json& event) {
  for (const Json::Member& member : pattern.members()) {
    const Json& value = event[member.name];
    bool holds = false;
    if (member.value.is_array())
      for (const Json& wanted : member.value.items()) holds = holds || wanted == value;
    else
      holds = Matches(member.value, value);
    if (!holds) return false;
  }
  return true;
}

class StatesTest : public testing::Test {
 protected:
  StatesTest() : world({&kService}, &blobs, nullptr, Matches) {
    EXPECT_TRUE(world.Run(world.engine().Recover()).has_value());
  }

  Json Ask(const char* operation, Json input) {
    const Result<Json> answer = world.Ask("states", operation, std::move(input));
    EXPECT_TRUE(answer.has_value()) << operation << ": " << answer.error().message;
    return answer ? *answer : Json();
  }
  std::string Refused(const char* operation, Json input) {
    const Result<Json> answer = world.Ask("states", operation, std::move(input));
    return answer ? "accepted" : answer.error().name + ": " + answer.error().message;
  }
  Json Create(const std::string& name, const std::string& definition) {
    return Ask("CreateStateMachine",
               Json::Object{{"name", name}, {"definition", definition}, {"roleArn", kRole}});
  }
  std::string Start(const std::string& name, const std::string& input) {
    return Ask("StartExecution",
               Json::Object{{"stateMachineArn", kMachineArn + name}, {"input", input}})
        .StringOr("executionArn", "");
  }
  Json Describe(const std::string& arn) {
    return Ask("DescribeExecution", Json::Object{{"executionArn", arn}});
  }
  Json WaitFor(const std::string& arn) {
    for (int i = 0; i < 200; ++i) {
      const Json described = Describe(arn);
      if (described.StringOr("status", "") != "RUNNING") return described;
      world.RunUntil([n = 0]() mutable { return ++n > 5; });
    }
    return Describe(arn);
  }
  std::string Types(const std::string& arn) {
    std::string types;
    const Json history = Ask("GetExecutionHistory", Json::Object{{"executionArn", arn}});
    for (const Json& event : history["events"].items())
      types += std::to_string(event.IntOr("id", 0)) + "<" +
               std::to_string(event.IntOr("previousEventId", 0)) + event.StringOr("type", "") + " ";
    return types;
  }

  NoBlobs blobs;
  TestWorld world;
};

}  // namespace stepmill::states
