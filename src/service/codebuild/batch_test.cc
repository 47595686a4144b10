#include "lang/buildspec/batch.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "app/test_backend.h"
#include "app/test_services.h"
#include "app/test_world.h"
#include "archive/libarchive/libarchive.h"
#include "blob/memory/memory_blobs.h"
#include "service/codebuild/codebuild.h"

namespace stepmill::codebuild {
namespace {

Json Parsed(const std::string& text) { return ParseJson(text).value(); }

bool Matches(const Json& pattern, const Json& event) {
  const Json& project = pattern["detail"]["project-name"];
  return project.is_array() && project.At(0) == event["detail"]["project-name"] &&
         pattern["source"].At(0) == event["source"] &&
         pattern["detail-type"].At(0) == event["detail-type"];
}

class BatchTest : public testing::Test {
 protected:
  BatchTest()
      : folder(Folder()),
        steps(folder + "/jobs"),
        archive(pool),
        world({&kService, &test::kLogs, &test::kSsm, &test::kS3}, &blobs, &archive, Matches,
              &steps) {
    test::kept() = {};
    EXPECT_TRUE(world.Run(world.engine().Recover()));
  }
  ~BatchTest() override { std::filesystem::remove_all(folder); }
  static std::string Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "batch-XXXXXX").string();
    return ::mkdtemp(pattern.data());
  }
  Json Ask(const char* operation, Json input) {
    const Result<Json> answer = world.Ask("codebuild", operation, std::move(input));
    EXPECT_TRUE(answer.has_value()) << operation << ": " << answer.error().message;
    return answer ? *answer : Json();
  }
  void Project(const std::string& buildspec) {
    const Json source = Json::Object{{"type", "NO_SOURCE"}, {"buildspec", buildspec}};
    Ask("CreateProject", Parsed(R"({"name": "demo", "artifacts": {"type": "NO_ARTIFACTS"},
      "environment": {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0",
                      "computeType": "BUILD_GENERAL1_SMALL"},
      "buildBatchConfig": {"serviceRole": "arn:aws:iam::000000000000:role/batch"},
      "serviceRole": "arn:aws:iam::000000000000:role/build"})")
                             .With("source", source));
  }
  Json Ended(const Json& id) {
    Json batch;
    EXPECT_TRUE(world.RunUntil([&] {
      batch =
          Ask("BatchGetBuildBatches", Json::Object{{"ids", Json::Array{id}}})["buildBatches"].At(0);
      return batch.BoolOr("complete", false);
    })) << batch.Print();
    return batch;
  }
  static std::string Groups(const Json& batch) {
    std::string out;
    for (const Json& group : batch["buildGroups"].items())
      out += group.StringOr("identifier", "") + "=" +
             group["currentBuildSummary"].StringOr("buildStatus", "-") + " ";
    return out;
  }

  std::string folder;
  struct Chance : Random {
    uint64_t Next() override { return ++next; }
    uint64_t next = 0;
  } chance;
  MemoryBlobs blobs{chance};
  LocalSteps steps;
  asio::thread_pool pool{1};
  Libarchive archive;
  TestWorld world;
};

constexpr char kGraph[] = R"(version: 0.2
batch:
  fast-fail: false
  build-graph:
    - identifier: first
      env: {variables: {WORD: one}}
    - identifier: second
      depend-on: [first]
      env: {variables: {WORD: two}}
    - identifier: broken
      ignore-failure: true
      env: {variables: {WORD: bad}}
    - identifier: last
      depend-on: [second, broken]
phases:
  build:
    commands:
      - echo "$CODEBUILD_BATCH_BUILD_IDENTIFIER says $WORD"
      - test "$WORD" != bad
)";

TEST_F(BatchTest, AGraphRunsInItsOrder) {
  Project(kGraph);
  const Json started = Ask("StartBuildBatch", Json::Object{{"projectName", "demo"}})["buildBatch"];
  EXPECT_TRUE(started.StringOr("arn", "").find(":build-batch/demo:") != std::string::npos);
  const Json batch = Ended(started["id"]);
  EXPECT_EQ(batch.StringOr("buildBatchStatus", ""), "SUCCEEDED") << batch.Print();
  EXPECT_EQ(Groups(batch), "first=SUCCEEDED second=SUCCEEDED broken=FAILED last=SUCCEEDED ");
  std::string phases;
  for (const Json& phase : batch["phases"].items())
    phases += phase.StringOr("phaseType", "") + "=" + phase.StringOr("phaseStatus", "") + " ";
  EXPECT_EQ(phases,
            "SUBMITTED=SUCCEEDED DOWNLOAD_BATCHSPEC=SUCCEEDED IN_PROGRESS=SUCCEEDED SUCCEEDED= ");
  const Json ids = Ask("ListBuildsForProject", Parsed(R"({"projectName": "demo"})"))["ids"];
  ASSERT_EQ(ids.size(), 4u);
  const Json builds = Ask("BatchGetBuilds", Json::Object{{"ids", ids}})["builds"];
  EXPECT_EQ(builds.At(0)["buildBatchArn"], batch["arn"]);
  std::string said;
  for (const auto& [name, lines] : test::kept().logs)
    for (const std::string& line : lines)
      if (line == "second says two") said = line;
  EXPECT_EQ(said, "second says two");
  EXPECT_EQ(Ask("ListBuildBatches", Json::Object{})["ids"].At(0), started["id"]);
  EXPECT_EQ(Ask("ListBuildBatches", Parsed(R"({"filter": {"status": "FAILED"}})"))["ids"].size(),
            0u);

  Ask("RetryBuildBatch", Json::Object{{"id", started["id"]}, {"retryType", "RETRY_FAILED_BUILDS"}});
  EXPECT_TRUE(world.RunUntil([&] {
    return Ended(started["id"])["buildGroups"].At(2)["priorBuildSummaryList"].size() == 1;
  }));
}

TEST_F(BatchTest, AFailureEndsWhatDependsOnIt) {
  Project(R"(version: 0.2
batch:
  build-graph:
    - {identifier: a, buildspec: "version: 0.2\nphases: {build: {commands: [exit 3]}}\n"}
    - {identifier: b, depend-on: [a]}
phases: {build: {commands: ["true"]}}
)");
  const Json started = Ask("StartBuildBatch", Json::Object{{"projectName", "demo"}})["buildBatch"];
  const Json batch = Ended(started["id"]);
  EXPECT_EQ(batch.StringOr("buildBatchStatus", ""), "FAILED");
  EXPECT_EQ(Groups(batch), "a=FAILED b=- ");
}

TEST_F(BatchTest, WithoutABatch) {
  Project("version: 0.2\nphases: {build: {commands: [a]}}\n");
  const Json started = Ask("StartBuildBatch", Json::Object{{"projectName", "demo"}})["buildBatch"];
  const Json batch = Ended(started["id"]);
  EXPECT_EQ(batch["phases"].At(1)["contexts"].At(0).StringOr("message", ""),
            "The buildspec has no batch");
  Ask("UpdateProject", Parsed(R"({"name": "demo", "buildBatchConfig": {}})"));
  const auto refused =
      world.Ask("codebuild", "StartBuildBatch", Parsed(R"({"projectName": "demo"})"));
  EXPECT_EQ(refused.error().name, "InvalidInputException");
}

TEST(Batch, AMatrixIsMultipliedOut) {
  const Json spec = buildspec::BatchOf(R"(version: 0.2
batch:
  fast-fail: yes
  build-matrix:
    static: {ignore-failure: true, env: {privileged-mode: yes, variables: {A: 1}}}
    dynamic:
      buildspec: [x.yml, y.yml]
      env:
        image: [i:1, i:2]
        variables: {V: [p, q, r]}
)")
                        .value();
  EXPECT_TRUE(spec.BoolOr("fastFail", false));
  ASSERT_EQ(spec["groups"].size(), 12u);
  EXPECT_EQ(spec["groups"].At(11).Print(),
            R"({"identifier":"build11","dependsOn":[],"ignoreFailure":true,"variables":{"A":"1",)"
            R"("V":"r"},"privilegedMode":true,"buildspec":"y.yml","image":"i:2"})");
  const auto fault = [](const char* batch) {
    return buildspec::BatchOf(std::string("version: 0.2\nbatch: ") + batch + "\n").error().message;
  };
  EXPECT_EQ(
      fault("{build-graph: [{identifier: a, depend-on: [b]}, {identifier: b, depend-on: [a]}]}"),
      "The builds of the batch depend on each other");
  EXPECT_EQ(fault("{build-list: [{identifier: a}, {identifier: a}]}"),
            "The identifier a is there twice");
  EXPECT_EQ(fault("{build-graph: [{identifier: a, depend-on: [z]}]}"),
            "The build a depends on z, which is not there");
}

}  // namespace
}  // namespace stepmill::codebuild
