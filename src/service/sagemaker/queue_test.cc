#include <gtest/gtest.h>

#include <filesystem>

#include "app/test_services.h"
#include "app/test_world.h"
#include "archive/libarchive/libarchive.h"
#include "blob/memory/memory_blobs.h"
#include "compute/fake/fake_backend.h"
#include "compute/queue/queued_backend.h"
#include "service/sagemaker/job_host.h"
#include "service/sagemaker/sagemaker.h"

namespace stepmill::sagemaker {
namespace {

constexpr char kArn[] = "arn:aws:sagemaker:us-east-1:000000000000:training-job/";

/// The world's, which is there after the backend.
struct LateSpawner : Spawner {
  void Spawn(std::string what, Task<> work) override { real->Spawn(what, std::move(work)); }
  Spawner* real = nullptr;
};

/// A machine with room for one ml.m5.xlarge.
class QueueTest : public testing::Test {
 protected:
  QueueTest() {
    spawner.real = &world.ports().spawner;
    test::kept() = {};
    EXPECT_TRUE(world.Run(world.engine().Recover()));
  }
  ~QueueTest() override { std::filesystem::remove_all(folder); }
  static std::string Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "queue-XXXXXX").string();
    return ::mkdtemp(pattern.data());
  }
  static FakeRun Endless(const JobSpec&) {
    FakeRun run;
    run.is_endless = true;
    return run;
  }
  void Train(const char* name) {
    const Json request = ParseJson(R"({"RoleArn": "arn:aws:iam::000000000000:role/r",
      "AlgorithmSpecification": {"TrainingImage": "own/image:1", "TrainingInputMode": "File"},
      "OutputDataConfig": {"S3OutputPath": "s3://out/models/"},
      "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 1},
      "StoppingCondition": {"MaxRuntimeInSeconds": 3600}})")
                             .value();
    const auto made =
        world.Ask("sagemaker", "CreateTrainingJob", request.With("TrainingJobName", name));
    ASSERT_TRUE(made) << made.error().message;
  }
  Json Describe(const char* name) {
    const Json input = Json::Object{{"TrainingJobName", name}};
    return world.Ask("sagemaker", "DescribeTrainingJob", input).value();
  }
  bool Comes(const char* name, const char* secondary) {
    return world.RunUntil(
        [&] { return Describe(name).StringOr("SecondaryStatus", "") == secondary; });
  }
  static JobId IdOf(const char* name) {
    return HostId(kTrainingJob, Json::Object{{"TrainingJobArn", std::string(kArn) + name}}, 0);
  }

  struct Chance : Random {
    uint64_t state = 1;
    uint64_t Next() override { return state++; }
  } chance;
  MemoryBlobs blobs{chance};
  asio::thread_pool pool{1};
  Libarchive archive{pool};
  const std::string folder = Folder();
  FakeBackend backend{folder, Endless, [](const JobSpec&, const StepSpec&) { return FakeRun{}; }};
  LateSpawner spawner;
  QueuedBackend queue{backend, spawner, folder + "/queue", Capacity{4, 16 * 1024}};
  TestWorld world{{&kService, &test::kLogs, &test::kS3},
                  &blobs,
                  &archive,
                  [](const Json&, const Json&) { return true; },
                  &queue};
};

TEST_F(QueueTest, JobsWaitInOrderAndSayWhatFor) {
  Train("first");
  ASSERT_TRUE(Comes("first", "Training")) << Describe("first").Print();
  Train("second");
  ASSERT_TRUE(Comes("second", "Pending")) << Describe("second").Print();
  const Json second = Describe("second");
  EXPECT_EQ(second.StringOr("TrainingJobStatus", ""), "InProgress");
  const Json last = second["SecondaryStatusTransitions"].items().back();
  EXPECT_EQ(last.StringOr("Status", ""), "Pending");
  EXPECT_EQ(last.StringOr("StatusMessage", ""),
            "The machine is full: 4 vCPUs and 16 GiB are needed, 0 of 4 vCPUs and 0 of 16 GiB are "
            "free; 0 before it in the queue.");
  const Json processing =
      ParseJson(R"({"ProcessingJobName": "third", "RoleArn": "arn:aws:iam::000000000000:role/r",
      "AppSpecification": {"ImageUri": "own/image:1"},
      "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large",
                                                "VolumeSizeInGB": 1}}})")
          .value();
  ASSERT_TRUE(world.Ask("sagemaker", "CreateProcessingJob", processing));
  const Json third = Json::Object{{"ProcessingJobName", "third"}};
  const auto reason = [&] {
    const auto shown = world.Ask("sagemaker", "DescribeProcessingJob", third);
    return shown.value().StringOr("WaitReason", "");
  };
  ASSERT_TRUE(world.RunUntil([&] { return !reason().empty(); }));
  EXPECT_EQ(reason(),
            "The machine is full: 2 vCPUs and 8 GiB are needed, 0 of 4 vCPUs and 0 of 16 GiB are "
            "free; 1 before it in the queue.");
  backend.End(IdOf("first"), 0);
  ASSERT_TRUE(Comes("second", "Training")) << Describe("second").Print();
  EXPECT_EQ(reason().find("0 before it") == std::string::npos, false);
  backend.End(IdOf("second"), 0);
  ASSERT_TRUE(Comes("second", "Completed"));
  ASSERT_TRUE(world.RunUntil([&] { return reason().empty(); }));
  EXPECT_EQ(backend.StartCount(IdOf("second")), 1);
}

TEST_F(QueueTest, WhatWaitsIsStopped) {
  Train("first");
  Train("second");
  ASSERT_TRUE(Comes("second", "Pending")) << Describe("second").Print();
  const Json name = Json::Object{{"TrainingJobName", "second"}};
  ASSERT_TRUE(world.Ask("sagemaker", "StopTrainingJob", name));
  ASSERT_TRUE(Comes("second", "Stopped")) << Describe("second").Print();
  EXPECT_FALSE(Describe("second").Has("FailureReason"));
  EXPECT_EQ(backend.StartCount(IdOf("second")), 0);
  EXPECT_EQ(Describe("first").StringOr("TrainingJobStatus", ""), "InProgress");
}

}  // namespace
}  // namespace stepmill::sagemaker
