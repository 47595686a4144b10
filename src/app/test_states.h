#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "app/test_blobs.h"
#include "app/test_world.h"
#include "service/states/states.h"

// For tests of service/states: Step Functions behind a door.
namespace stepmill::states {

inline constexpr char kRole[] = "arn:aws:iam::000000000000:role/r";
inline constexpr char kMachineArn[] = "arn:aws:states:us-east-1:000000000000:stateMachine:";

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
  NoBlobs no_blobs_;  // before the world that names it

 protected:
  StatesTest() : StatesTest({&kService}, nullptr) {}
  /// Beside other services, with blobs that outlive this, and servers outside.
  StatesTest(std::vector<const Service*> services, BlobStore* some_blobs, WebClient* web = nullptr)
      : world(std::move(services), some_blobs ? some_blobs : &no_blobs_, nullptr, Matches, nullptr,
              web) {
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
    for (int i = 0; i < 2000; ++i) {
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

  TestWorld world;
};

}  // namespace stepmill::states
