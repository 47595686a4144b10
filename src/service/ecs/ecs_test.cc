#include "service/ecs/ecs.h"

#include <gtest/gtest.h>

#include "app/test_jobs.h"
#include "service/container_host.h"

namespace stepmill::ecs {
namespace {

class EcsTest : public test::JobsTest {
 protected:
  EcsTest()
      : JobsTest("ecs", {&kService, &test::kLogs}, [](const Json& pattern, const Json& event) {
          return pattern["source"].At(0) == event["source"];
        }) {
    Begin();
    Ask("CreateCluster", Json::Object{});
    program = [this](const JobSpec& spec) {
      started += spec.image + " ";
      specs[spec.image] = spec;
      return runs[spec.image];
    };
  }
  void Register(const char* containers) {
    Ask("RegisterTaskDefinition",
        Json::Object{{"family", "f"}, {"containerDefinitions", test::Parsed(containers)}});
  }
  std::string Run(const char* more = "{}") {
    Json input = Json::Object{{"taskDefinition", "f"}};
    for (const Json::Member& member : test::Parsed(more).members())
      input = input.With(member.name, member.value);
    return Ask("RunTask", input)["tasks"].At(0).StringOr("taskArn", "");
  }
  Json Describe(const std::string& arn) {
    const Json tasks =
        Ask("DescribeTasks", Json::Object{{"tasks", Json::Array{Json(arn)}}})["tasks"];
    return tasks.size() == 1 ? tasks.At(0) : Json();
  }
  Json WaitFor(const std::string& arn, const char* status) {
    Json task;
    EXPECT_TRUE(world.RunUntil([&] {
      task = Describe(arn);
      return task.StringOr("lastStatus", "") == status;
    })) << task.Print();
    return task;
  }

  std::string started;
  std::map<std::string, JobSpec> specs;
  std::map<std::string, FakeRun> runs;
};

TEST_F(EcsTest, ATaskRunsWithOverridesAndALog) {
  Register(R"([{"name": "app", "image": "one", "command": ["echo"], "memory": 256, "cpu": 512,
      "environment": [{"name": "A", "value": "1"}],
      "logConfiguration": {"logDriver": "awslogs",
        "options": {"awslogs-group": "/ecs/f", "awslogs-stream-prefix": "p"}}}])");
  runs["one"].output = "hello\n";
  const std::string arn = Run(R"({"startedBy": "me", "overrides": {"containerOverrides":
      [{"name": "app", "command": ["echo", "x"], "environment": [{"name": "B", "value": "2"}]}]}})");
  const Json task = WaitFor(arn, "STOPPED");
  EXPECT_EQ(specs["one"].arguments, (std::vector<std::string>{"echo", "x"}));
  EXPECT_EQ(specs["one"].env.at("A") + specs["one"].env.at("B"), "12");
  EXPECT_EQ(specs["one"].memory_mib, 256);
  EXPECT_EQ(specs["one"].cpus, 0.5);
  EXPECT_EQ(task["stopCode"], Json("EssentialContainerExited"));
  EXPECT_EQ(task["stoppedReason"], Json("Essential container in task exited"));
  EXPECT_EQ(task["containers"].At(0)["exitCode"], Json(0));
  EXPECT_EQ(task["startedBy"], Json("me"));
  EXPECT_TRUE(task["startedAt"].is_number());
  const std::string id = arn.substr(arn.rfind('/') + 1);
  EXPECT_EQ(test::kept().logs["/ecs/f p/app/" + id], (std::vector<std::string>{"hello"}));
}

TEST_F(EcsTest, ContainersInOrderAndTheEssentialOneEndsAll) {
  Register(R"([{"name": "main", "image": "main", "memory": 64,
        "dependsOn": [{"containerName": "first", "condition": "SUCCESS"},
                      {"containerName": "side", "condition": "START"}]},
      {"name": "first", "image": "first", "memory": 64, "essential": false},
      {"name": "side", "image": "side", "memory": 64, "essential": false}])");
  runs["side"] = Endless();
  runs["main"] = Exits(3);
  const Json task = WaitFor(Run(), "STOPPED");
  EXPECT_EQ(started.substr(started.size() - 5), "main ");
  std::map<std::string, Json> codes;
  for (const Json& one : task["containers"].items())
    codes[one.StringOr("name", "")] = one["exitCode"];
  EXPECT_EQ(codes["main"], Json(3));
  EXPECT_EQ(codes["first"], Json(0));
  EXPECT_TRUE(codes["side"].is_integer());  // it was stopped
  EXPECT_EQ(task["stopCode"], Json("EssentialContainerExited"));
}

TEST_F(EcsTest, StoppedByHandAndNeverStarted) {
  Register(R"([{"name": "app", "image": "one", "memory": 64}])");
  runs["one"] = Endless();
  const std::string arn = Run();
  WaitFor(arn, "RUNNING");
  EXPECT_EQ(Ask("ListTasks", Json::Object{{"family", "f"}})["taskArns"].size(), 1u);
  EXPECT_EQ(Ask("DescribeClusters", Json::Object{})["clusters"].At(0)["runningTasksCount"],
            Json(1));
  EXPECT_EQ(Refused("DeleteCluster", Json::Object{{"cluster", "default"}}),
            "ClusterContainsTasksException: The Cluster cannot be deleted while Tasks are active.");
  Ask("StopTask", Json::Object{{"task", arn}, {"reason", "enough"}});
  const Json stopped = WaitFor(arn, "STOPPED");
  EXPECT_EQ(stopped["stopCode"], Json("UserInitiated"));
  EXPECT_EQ(stopped["stoppedReason"], Json("enough"));
  runs["one"] = FakeRun{};
  runs["one"].start_error = "image 'one' is not there";
  const Json never = WaitFor(Run(), "STOPPED");
  EXPECT_EQ(never["stopCode"], Json("TaskFailedToStart"));
  EXPECT_EQ(never["stoppedReason"], Json("CannotPullContainerError: image 'one' is not there"));
}

TEST_F(EcsTest, WhatIsRefused) {
  Register(R"([{"name": "app", "image": "one", "memory": 64}])");
  EXPECT_EQ(Refused("RunTask", test::Parsed(R"({"cluster": "none", "taskDefinition": "f"})")),
            "ClusterNotFoundException: Cluster not found.");
  EXPECT_EQ(Refused("RunTask", test::Parsed(R"({"taskDefinition": "none"})")),
            "ClientException: TaskDefinition not found.");
  EXPECT_EQ(Refused("RunTask", test::Parsed(R"({"taskDefinition": "f:1", "overrides":
      {"containerOverrides": [{"name": "other"}]}})")),
            "InvalidParameterException: Override for container named other is not a container in "
            "the TaskDefinition.");
  Ask("DeregisterTaskDefinition", test::Parsed(R"({"taskDefinition": "f:1"})"));
  EXPECT_EQ(Refused("RunTask", test::Parsed(R"({"taskDefinition": "f:1"})")),
            "ClientException: TaskDefinition is inactive");
  EXPECT_EQ(Refused("RegisterTaskDefinition", test::Parsed(R"({"family": "f",
      "containerDefinitions": [{"name": "a", "image": "i"}]})")),
            "ClientException: Invalid setting for container 'a'. At least one of 'memory' or "
            "'memoryReservation' must be specified.");
  EXPECT_EQ(
      Ask("DescribeTasks", test::Parsed(R"({"tasks": ["none"]})"))["failures"].At(0)["reason"],
      Json("MISSING"));
}

}  // namespace
}  // namespace stepmill::ecs
