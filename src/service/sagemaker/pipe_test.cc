#include <algorithm>
#include <set>

#include "app/test_jobs.h"
#include "service/sagemaker/job_host.h"
#include "service/sagemaker/pipe_data.h"
#include "service/sagemaker/sagemaker.h"
#include "service/sagemaker/training_contract.h"

namespace stepmill::sagemaker {
namespace {

using test::Parsed;

/// Training jobs whose channel is in Pipe mode. The container reads as many epochs as it is told.
class PipeModeTest : public test::JobsTest {
 protected:
  PipeModeTest()
      : JobsTest("sagemaker", {&kService, &test::kLogs, &test::kS3},
                 [](const Json&, const Json&) { return false; }) {
    program = [](const JobSpec&) { return Endless(); };
    for (const char* name : {"a", "b", "c", "d", "e"})
      test::kept().objects["in/data/" + std::string(name)] = std::string(name) + "\n";
    Begin();
  }
  static Json Request(const char* name, const char* channel) {
    return Parsed(R"({"RoleArn": "arn:aws:iam::000000000000:role/r",
      "AlgorithmSpecification": {"TrainingImage": "own/image:1", "TrainingInputMode": "Pipe"},
      "OutputDataConfig": {"S3OutputPath": "s3://out/models/"},
      "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 1},
      "StoppingCondition": {"MaxRuntimeInSeconds": 3600}})")
        .With("TrainingJobName", name)
        .With("InputDataConfig", Json::Array{Parsed(channel)});
  }
  static Json Name(const char* name) { return Json::Object{{"TrainingJobName", name}}; }
  JobId HostOfJob(const char* name, int index = 0) {
    return HostId(kTrainingJob, Ask("DescribeTrainingJob", Name(name)), index);
  }
  Json Over(const char* name) {
    return Finish("DescribeTrainingJob", Name(name), "TrainingJobStatus");
  }
  /// Reads `epochs` epochs, `bytes` of each.
  void ReadEpochs(int epochs, uint64_t bytes = UINT64_MAX) {
    backend.ReadPipes([epochs, bytes](const JobSpec&, const std::string& path) {
      const int epoch = std::stoi(path.substr(path.rfind('_') + 1));
      return epoch < epochs ? std::optional<uint64_t>(bytes) : std::nullopt;
    });
  }
  std::string Epoch(const JobId& id, int epoch) {
    return backend.pipes[id.value + "/opt/ml/input/data/train_" + std::to_string(epoch)];
  }
  bool HasRead(const JobId& id, int epoch, size_t bytes) {
    return world.RunUntil([&] { return Epoch(id, epoch).size() >= bytes; });
  }
};

constexpr char kPrefix[] = R"({"ChannelName": "train", "DataSource": {"S3DataSource":
  {"S3DataType": "S3Prefix", "S3Uri": "s3://in/data/"}}})";

TEST_F(PipeModeTest, EpochAfterEpoch) {
  ReadEpochs(3);
  Ask("CreateTrainingJob", Request("epochs", kPrefix));
  const JobId id = HostOfJob("epochs");
  ASSERT_TRUE(HasRead(id, 2, 10));
  for (int epoch = 0; epoch < 3; ++epoch) EXPECT_EQ(Epoch(id, epoch), "a\nb\nc\nd\ne\n");
  const JobSpec* spec = backend.FindSpec(id);
  const auto pipe = std::find_if(spec->inputs.begin(), spec->inputs.end(), [](const auto& input) {
    return input.kind == JobInput::Kind::kPipe;
  });
  ASSERT_NE(pipe, spec->inputs.end());
  EXPECT_EQ(pipe->path, "/opt/ml/input/data/train_0");
  EXPECT_EQ(test::TextOf(*spec, "/opt/ml/input/config/inputdataconfig.json"),
            R"({"train":{"TrainingInputMode":"Pipe","S3DistributionType":"FullyReplicated",)"
            R"("RecordWrapperType":"None"}})");
  backend.End(id, 0);
  EXPECT_EQ(Over("epochs").StringOr("TrainingJobStatus", ""), "Completed");
}

TEST_F(PipeModeTest, AReaderThatClosesEarlyOrNeverOpensHoldsNothingUp) {
  ReadEpochs(2, 1);
  Ask("CreateTrainingJob", Request("early", kPrefix));
  const JobId id = HostOfJob("early");
  ASSERT_TRUE(HasRead(id, 1, 1));  // the next epoch, though the first was not read to its end
  backend.End(id, 0);
  EXPECT_EQ(Over("early").StringOr("TrainingJobStatus", ""), "Completed");
  ReadEpochs(0);
  Ask("CreateTrainingJob", Request("never", kPrefix));
  const JobId never = HostOfJob("never");
  ASSERT_TRUE(world.RunUntil([&] { return backend.StartCount(never) == 1; }));
  Ask("StopTrainingJob", Name("never"));
  EXPECT_EQ(Over("never").StringOr("TrainingJobStatus", ""), "Stopped");
}

TEST_F(PipeModeTest, ShuffledSharesOfTwoHosts) {
  ReadEpochs(6);
  const Json channel = Parsed(kPrefix)
                           .With("ShuffleConfig", Parsed(R"({"Seed": 7})"))
                           .With("DataSource", Parsed(R"({"S3DataSource": {"S3DataType": "S3Prefix",
            "S3Uri": "s3://in/data/", "S3DataDistributionType": "ShardedByS3Key"}})"));
  const Json two =
      Parsed(R"({"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1})");
  Ask("CreateTrainingJob", Request("two", channel.Print().c_str()).With("ResourceConfig", two));
  const JobId first = HostOfJob("two", 0), second = HostOfJob("two", 1);
  ASSERT_TRUE(HasRead(first, 5, 6) && HasRead(second, 5, 4));
  std::set<std::string> orders;
  for (int epoch = 0; epoch < 6; ++epoch) {
    const std::string all = Epoch(first, epoch) + Epoch(second, epoch);
    std::string sorted = all;
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(sorted, "\n\n\n\n\nabcde");
    orders.insert(all);
  }
  EXPECT_GT(orders.size(), 2u);
  backend.End(first, 0);
  backend.End(second, 0);
  EXPECT_EQ(Over("two").StringOr("TrainingJobStatus", ""), "Completed");
}

TEST_F(PipeModeTest, AugmentedManifestAsRecords) {
  ReadEpochs(1);
  test::kept().objects["in/list.jsonl"] =
      "{\"source-ref\": \"s3://in/data/a\", \"label\": 12, \"text\": \"x\"}\n\n"
      "{\"source-ref\": \"s3://in/data/b\", \"label\": {\"k\": 1}, \"text\": \"yy\"}\n";
  Ask("CreateTrainingJob",
      Request("augmented", R"({"ChannelName": "train", "RecordWrapperType": "RecordIO",
        "DataSource": {"S3DataSource": {"S3DataType": "AugmentedManifestFile",
          "S3Uri": "s3://in/list.jsonl", "AttributeNames": ["source-ref", "label"]}}})"));
  const JobId id = HostOfJob("augmented");
  const std::string magic = "\x0a\x23\xd7\xce";
  const auto header = [&](char size) { return magic + std::string{size, '\0', '\0', '\0'}; };
  const std::string expected = header(2) + std::string("a\n\0\0", 4) + header(2) +
                               std::string("12\0\0", 4) + header(2) + std::string("b\n\0\0", 4) +
                               header(7) + std::string("{\"k\":1}\0", 8);
  ASSERT_TRUE(HasRead(id, 0, expected.size()));
  EXPECT_EQ(Epoch(id, 0), expected);
  backend.End(id, 0);
  Over("augmented");
}

TEST_F(PipeModeTest, WhatCannotBeReadFailsTheJob) {
  ReadEpochs(1);
  test::kept().objects["in/list"] = R"([{"prefix": "s3://in/data/"}, "a", "gone"])";
  Ask("CreateTrainingJob", Request("gone", R"({"ChannelName": "train", "DataSource":
    {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": "s3://in/list"}}})"));
  const Json job = Over("gone");
  EXPECT_EQ(job.StringOr("TrainingJobStatus", ""), "Failed");
  EXPECT_EQ(job.StringOr("FailureReason", ""),
            "ClientError: Data download failed:The specified key does not exist.");
}

TEST_F(PipeModeTest, Refusals) {
  const auto refused = [&](const char* mode, const char* channel) {
    return Refused("CreateTrainingJob", Request("r", channel)
                                            .With("AlgorithmSpecification",
                                                  Json::Object{{"TrainingImage", "own/image:1"},
                                                               {"TrainingInputMode", mode}}));
  };
  EXPECT_EQ(refused("File", R"({"ChannelName": "c", "DataSource": {"S3DataSource":
      {"S3DataType": "AugmentedManifestFile", "S3Uri": "s3://in/data/a", "AttributeNames": ["x"]}}})"),
            "ValidationException: S3DataType AugmentedManifestFile is supported only in Pipe mode. "
            "Channel: c");
  EXPECT_EQ(refused("Pipe", R"({"ChannelName": "c", "DataSource": {"S3DataSource":
      {"S3DataType": "AugmentedManifestFile", "S3Uri": "s3://in/data/a"}}})"),
            "ValidationException: AttributeNames must be specified for S3DataType "
            "AugmentedManifestFile. Channel: c");
  EXPECT_EQ(refused("FastFile", R"({"ChannelName": "c", "DataSource": {"S3DataSource":
      {"S3DataType": "ManifestFile", "S3Uri": "s3://in/data/a"}}})"),
            "ValidationException: FastFile mode supports only S3Prefix as S3DataType. Channel: c");
  EXPECT_EQ(refused("File", R"({"ChannelName": "c", "RecordWrapperType": "RecordIO", "DataSource":
      {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://in/data/a"}}})"),
            "ValidationException: RecordWrapperType RecordIO is supported only in Pipe mode. "
            "Channel: c");
}

TEST(PipeData, PartsOfALine) {
  const Json names = Parsed(R"(["source-ref", "n"])");
  const auto parts = PartsOfLine(R"({"n": 1.50, "source-ref": "s3://b/k/x"})", names).value();
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].bucket + " " + parts[0].key, "b k/x");
  EXPECT_EQ(parts[1].text, "1.50");
  EXPECT_FALSE(PartsOfLine("[1]", names));
  EXPECT_FALSE(PartsOfLine(R"({"n": 1})", names));
  EXPECT_FALSE(PartsOfLine(R"({"n": 1, "source-ref": "/etc/passwd"})", names));
  EXPECT_FALSE(RecordHeader(1ull << 29));
}

}  // namespace
}  // namespace stepmill::sagemaker
