#include "service/batch/batch.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "app/test_jobs.h"
#include "service/container_host.h"

namespace stepmill::batch {
namespace {

class BatchJobsTest : public test::JobsTest {
 protected:
  BatchJobsTest() : JobsTest("batch", {&kService, &test::kLogs}, OfBatch) {
    world.engine().AddPerformer("test.seen", [this](Engine::Performance performance) {
      seen_states.push_back(performance.what["event"]["detail"].StringOr("status", ""));
      return Done();
    });
    world.engine().AddSubscriber("seen", test::Parsed(R"({"source": ["aws.batch"]})"), "test.seen",
                                 Json());
    Begin();
    Ask("CreateComputeEnvironment", test::Parsed(R"({"computeEnvironmentName": "ce",
        "type": "MANAGED", "computeResources": {"type": "EC2", "maxvCpus": 2,
        "subnets": ["s"], "instanceTypes": ["optimal"], "instanceRole": "r"}})"));
    Ask("CreateJobQueue", test::Parsed(R"({"jobQueueName": "q", "priority": 1,
        "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "ce"}]})"));
    Ask("RegisterJobDefinition", test::Parsed(R"({"jobDefinitionName": "d", "type": "container",
        "parameters": {"word": "hello"},
        "containerProperties": {"image": "busybox", "command": ["echo", "Ref::word"],
          "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
          "resourceRequirements": [{"type": "VCPU", "value": "1"},
                                   {"type": "MEMORY", "value": "512"}]}})"));
  }
  static Task<Json> Done() { co_return Json::Object{}; }
  static bool OfBatch(const Json& pattern, const Json& event) {
    return pattern["source"].At(0) == event["source"];
  }
  std::string Submit(const char* more = "{}") {
    Json input = Json::Object{{"jobName", "j"}, {"jobQueue", "q"}, {"jobDefinition", "d"}};
    for (const Json::Member& member : test::Parsed(more).members())
      input = input.With(member.name, member.value);
    return Ask("SubmitJob", input).StringOr("jobId", "");
  }
  Json Describe(const std::string& id) {
    const Json jobs = Ask("DescribeJobs", Json::Object{{"jobs", Json::Array{Json(id)}}})["jobs"];
    return jobs.size() == 1 ? jobs.At(0) : Json();
  }
  Json WaitFor(const std::string& id, const char* status) {
    Json job;
    EXPECT_TRUE(world.RunUntil([&] {
      job = Describe(id);
      return job.StringOr("status", "") == status;
    })) << job.Print();
    return job;
  }
  JobId Container(const std::string& id, int attempt = 1) const {
    return JobId{ContainerIdOf(
        "batch", "batch/000000000000/us-east-1/" + id + "/" + std::to_string(attempt))};
  }
  size_t Count(const char* status) {
    return Ask("ListJobs", Json::Object{{"jobQueue", "q"}, {"jobStatus", status}})["jobSummaryList"]
        .size();
  }

  std::vector<std::string> seen_states;
};

TEST_F(BatchJobsTest, AJobRunsAndItsLogIsThere) {
  JobSpec seen;
  program = [&](const JobSpec& spec) {
    seen = spec;
    FakeRun run;
    run.output = "first\nsecond\n";
    return run;
  };
  const std::string id = Submit(R"({"parameters": {"word": "world"}, "containerOverrides":
      {"environment": [{"name": "B", "value": "3"}]}})");
  const Json job = WaitFor(id, "SUCCEEDED");
  EXPECT_EQ(seen.image, "busybox");
  EXPECT_EQ(seen.arguments, (std::vector<std::string>{"echo", "world"}));
  EXPECT_EQ(seen.env.at("A"), "1");
  EXPECT_EQ(seen.env.at("B"), "3");
  EXPECT_EQ(seen.env.at("AWS_BATCH_JOB_ID"), id);
  EXPECT_EQ(seen.memory_mib, 512);
  EXPECT_EQ(seen.cpus, 1);
  EXPECT_EQ(job["container"]["exitCode"], Json(0));
  EXPECT_EQ(job["statusReason"], Json("Essential container in task exited"));
  EXPECT_EQ(job["attempts"].size(), 1u);
  const std::string stream = job["container"].StringOr("logStreamName", "");
  EXPECT_EQ(stream.substr(0, 10), "d/default/");
  EXPECT_EQ(test::kept().logs["/aws/batch/job " + stream],
            (std::vector<std::string>{"first", "second"}));
  ASSERT_TRUE(world.RunUntil([&] { return seen_states.size() >= 4; }));
  std::sort(seen_states.begin(), seen_states.end());
  EXPECT_EQ(seen_states,
            (std::vector<std::string>{"RUNNABLE", "RUNNING", "STARTING", "SUCCEEDED"}));
}

TEST_F(BatchJobsTest, RetriesFailuresAndReasons) {
  program = [](const JobSpec& spec) {
    return Exits(spec.env.at("AWS_BATCH_JOB_ATTEMPT") == "3" ? 0 : 5);
  };
  const Json third = WaitFor(Submit(R"({"retryStrategy": {"attempts": 3}})"), "SUCCEEDED");
  EXPECT_EQ(third["attempts"].size(), 3u);
  EXPECT_EQ(third["attempts"].At(0)["container"]["exitCode"], Json(5));
  const Json exits = WaitFor(Submit(R"({"retryStrategy": {"attempts": 3, "evaluateOnExit":
      [{"onExitCode": "5", "action": "EXIT"}]}})"),
                             "FAILED");
  EXPECT_EQ(exits["attempts"].size(), 1u);
  EXPECT_EQ(exits["container"]["exitCode"], Json(5));
  program = [](const JobSpec&) {
    FakeRun run;
    run.start_error = "image 'busybox' is not there";
    return run;
  };
  const Json missing = WaitFor(Submit(), "FAILED");
  EXPECT_EQ(missing["statusReason"], Json("Task failed to start"));
  EXPECT_EQ(missing["container"]["reason"],
            Json("CannotPullContainerError: image 'busybox' is not there"));
}

TEST_F(BatchJobsTest, PlacesAreTakenInOrder) {
  program = [](const JobSpec&) { return Endless(); };
  std::vector<std::string> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(Submit());
  WaitFor(ids[0], "RUNNING");
  WaitFor(ids[1], "RUNNING");
  WaitFor(ids[3], "RUNNABLE");
  EXPECT_EQ(Count("RUNNING"), 2u);
  EXPECT_EQ(Count("RUNNABLE"), 2u);
  backend.End(Container(ids[0]), 0);
  WaitFor(ids[0], "SUCCEEDED");
  WaitFor(ids[2], "RUNNING");
  Ask("CancelJob", Json::Object{{"jobId", ids[3]}, {"reason", "not needed"}});
  const Json cancelled = WaitFor(ids[3], "FAILED");
  EXPECT_EQ(cancelled["statusReason"], Json("not needed"));
  EXPECT_EQ(cancelled["isCancelled"], Json(true));
  Ask("CancelJob", Json::Object{{"jobId", ids[1]}, {"reason", "runs already"}});
  Ask("TerminateJob", Json::Object{{"jobId", ids[1]}, {"reason", "enough"}});
  const Json terminated = WaitFor(ids[1], "FAILED");
  EXPECT_EQ(terminated["statusReason"], Json("enough"));
  EXPECT_EQ(terminated["isTerminated"], Json(true));
  EXPECT_TRUE(terminated["container"].Has("exitCode"));
}

TEST_F(BatchJobsTest, DependenciesAndArrays) {
  program = [](const JobSpec& spec) {
    const auto index = spec.env.find("AWS_BATCH_JOB_ARRAY_INDEX");
    if (index == spec.env.end()) return Endless();
    return Exits(index->second == "2" ? 1 : 0);
  };
  const std::string first = Submit();
  const std::string array =
      Submit((R"({"arrayProperties": {"size": 3}, "dependsOn": [{"jobId": ")" + first + R"("}]})")
                 .c_str());
  const std::string last = Submit((R"({"dependsOn": [{"jobId": ")" + array + R"("}]})").c_str());
  WaitFor(first, "RUNNING");
  EXPECT_EQ(Describe(array)["arrayProperties"]["statusSummary"]["PENDING"], Json(3));
  backend.End(Container(first), 0);
  const Json whole = WaitFor(array, "FAILED");
  EXPECT_EQ(whole["arrayProperties"]["statusSummary"]["SUCCEEDED"], Json(2));
  EXPECT_EQ(whole["arrayProperties"]["statusSummary"]["FAILED"], Json(1));
  EXPECT_EQ(whole["statusReason"], Json("Array Child Job failed"));
  EXPECT_EQ(Describe(array + ":1")["arrayProperties"]["index"], Json(1));
  EXPECT_EQ(WaitFor(last, "FAILED")["statusReason"], Json("Dependent Job failed"));
  EXPECT_EQ(Ask("ListJobs",
                Json::Object{{"arrayJobId", array}, {"jobStatus", "SUCCEEDED"}})["jobSummaryList"]
                .size(),
            2u);
}

TEST_F(BatchJobsTest, WhatIsRefused) {
  EXPECT_EQ(Refused("SubmitJob", test::Parsed(R"({"jobName": "j", "jobQueue": "none",
      "jobDefinition": "d"})")),
            "ClientException: JobQueue none not found.");
  EXPECT_EQ(Refused("SubmitJob", test::Parsed(R"({"jobName": "j", "jobQueue": "q",
      "jobDefinition": "d:7"})")),
            "ClientException: JobDefinition d:7 not found.");
  EXPECT_EQ(Refused("RegisterJobDefinition", test::Parsed(R"({"jobDefinitionName": "x",
      "type": "container", "containerProperties": {"image": "i", "vcpus": 1}})")),
            "ClientException: Error executing request, Exception : Resource requirement for MEMORY "
            "is missing.");
  EXPECT_EQ(Refused("DeleteJobQueue", test::Parsed(R"({"jobQueue": "q"})")),
            "ClientException: Cannot delete, job queue must be disabled first.");
  EXPECT_EQ(Refused("CreateJobQueue", test::Parsed(R"({"jobQueueName": "q", "priority": 1,
      "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "ce"}]})")),
            "ClientException: Object already exists");
  EXPECT_EQ(Ask("DescribeJobDefinitions", test::Parsed(R"({"jobDefinitionName": "d",
      "status": "ACTIVE"})"))["jobDefinitions"]
                .At(0)["revision"],
            Json(1));
}

}  // namespace
}  // namespace stepmill::batch
