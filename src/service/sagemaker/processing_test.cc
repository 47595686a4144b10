#include "app/test_jobs.h"
#include "service/sagemaker/contract.h"
#include "service/sagemaker/instance_types.h"
#include "service/sagemaker/job_host.h"
#include "service/sagemaker/sagemaker.h"

namespace stepmill::sagemaker {
namespace {

constexpr char kArn[] = "arn:aws:sagemaker:us-east-1:000000000000:processing-job/";

class ProcessingTest : public test::JobsTest {
 protected:
  ProcessingTest()
      : JobsTest("sagemaker", {&kService, &test::kLogs, &test::kS3},
                 [](const Json&, const Json&) { return false; }) {
    Begin();
  }

  static Json Request(const char* name) {
    return ParseJson(R"({"RoleArn": "arn:aws:iam::000000000000:role/r",
      "AppSpecification": {"ImageUri": "python:3.8", "ContainerArguments": ["a"]},
      "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1,
        "InstanceType": "ml.t3.medium", "VolumeSizeInGB": 1}}})")
        .value()
        .With("ProcessingJobName", name);
  }
  Json Finish(const char* name) {
    return JobsTest::Finish("DescribeProcessingJob", Json::Object{{"ProcessingJobName", name}},
                            "ProcessingJobStatus");
  }
  Json Run(const Json& request) {
    Ask("CreateProcessingJob", request);
    return Finish(request.StringOr("ProcessingJobName", "").c_str());
  }
};

TEST_F(ProcessingTest, InputsLogOutputsAndMessage) {
  test::kept().objects = {{"in/data/a.csv", "1"}, {"in/data/sub/b.csv", "2"}, {"in/other", "3"}};
  JobSpec seen;
  program = [&](const JobSpec& spec) {
    seen = spec;
    FakeRun run;
    run.output = "Hello World!\nこんにちは\n";
    run.files = {{"/opt/ml/processing/output/x/y.txt", "out"},
                 {"/opt/ml/output/message", "all is well"}};
    return run;
  };
  const Json job = Run(
      Request("hello")
          .With("Environment", Json::Object{{"WORD", "kiwi"}})
          .With("ProcessingInputs", ParseJson(R"([{"InputName": "i", "S3Input":
            {"S3Uri": "s3://in/data", "S3DataType": "S3Prefix", "LocalPath": "/opt/ml/processing/input"}}])")
                                        .value())
          .With("ProcessingOutputConfig", ParseJson(R"({"Outputs": [{"OutputName": "o", "S3Output":
            {"S3Uri": "s3://out/p", "LocalPath": "/opt/ml/processing/output",
             "S3UploadMode": "EndOfJob"}}]})")
                                              .value()));
  EXPECT_EQ(job.StringOr("ProcessingJobStatus", ""), "Completed") << job.Print();
  EXPECT_EQ(job.StringOr("ExitMessage", ""), "all is well");
  EXPECT_EQ(test::kept().objects["out/p/x/y.txt"], "out");
  ASSERT_EQ(test::kept().logs.size(), 1u);
  EXPECT_TRUE(
      test::kept().logs.begin()->first.starts_with("/aws/sagemaker/ProcessingJobs hello/algo-1-"));
  EXPECT_EQ(test::kept().logs.begin()->second,
            (std::vector<std::string>{"Hello World!", "こんにちは"}));
  std::vector<std::string> paths;
  for (const JobInput& input : seen.inputs) paths.push_back(input.path);
  EXPECT_EQ(paths, (std::vector<std::string>{
                       "/opt/ml/config/processingjobconfig.json",
                       "/opt/ml/config/resourceconfig.json", "/opt/ml/processing/input",
                       "/opt/ml/processing/input/a.csv", "/opt/ml/processing/input/sub/b.csv"}));
  EXPECT_EQ(seen.env["WORD"], "kiwi");
  EXPECT_EQ(seen.memory_mib, 4096);
  EXPECT_EQ(seen.arguments, std::vector<std::string>{"a"});
}

TEST_F(ProcessingTest, ExitCodeOne) {
  program = [](const JobSpec&) { return Exits(1); };
  const Json job = Run(Request("fails"));
  EXPECT_EQ(job.StringOr("ProcessingJobStatus", ""), "Failed");
  EXPECT_EQ(job.StringOr("FailureReason", ""),
            "AlgorithmError: See job logs for more information, exit code: 1");
}

TEST_F(ProcessingTest, MissingImage) {
  program = [](const JobSpec&) {
    FakeRun run;
    run.start_error = "image 'x' is not there: stepmill images add x ARCHIVE";
    return run;
  };
  EXPECT_EQ(Run(Request("no-image")).StringOr("FailureReason", ""),
            "ClientError: Cannot pull algorithm container. Either the image does not exist or its "
            "permissions are incorrect: image 'x' is not there: stepmill images add x ARCHIVE");
}

TEST_F(ProcessingTest, NoObjectsUnderThePrefix) {
  const Json job = Run(Request("empty").With("ProcessingInputs", ParseJson(R"([{"InputName": "i",
      "S3Input": {"S3Uri": "s3://in/none", "S3DataType": "S3Prefix", "LocalPath": "/opt/ml/processing/input"}}])")
                                                                     .value()));
  EXPECT_EQ(job.StringOr("FailureReason", ""),
            "ClientError: No S3 objects found under S3 URL \"s3://in/none\"");
}

TEST_F(ProcessingTest, StopEndsIt) {
  program = [](const JobSpec&) { return Endless(); };
  Ask("CreateProcessingJob", Request("endless"));
  const Json name = Json::Object{{"ProcessingJobName", "endless"}};
  const JobId id = HostId(kProcessingJob, Ask("DescribeProcessingJob", name), 0);
  ASSERT_TRUE(world.RunUntil([&] { return backend.StartCount(id) == 1; }));
  ASSERT_TRUE(world.Ask("sagemaker", "StopProcessingJob", name));
  EXPECT_EQ(Finish("endless").StringOr("ProcessingJobStatus", ""), "Stopped");
  EXPECT_EQ(Refused("StopProcessingJob", name),
            "ValidationException: The request was rejected because the processing job is in status "
            "Stopped.");
}

TEST_F(ProcessingTest, OneHostThatFailsEndsTheOthers) {
  program = [](const JobSpec& spec) {
    FakeRun run;
    run.exit_code = 2;
    run.is_endless = spec.host_name != "algo-2";
    return run;
  };
  const Json cluster =
      Json::Object{{"InstanceCount", 3}, {"InstanceType", "ml.m5.xlarge"}, {"VolumeSizeInGB", 1}};
  const Json job =
      Run(Request("three").With("ProcessingResources", Json::Object{{"ClusterConfig", cluster}}));
  EXPECT_EQ(job.StringOr("FailureReason", ""),
            "AlgorithmError: See job logs for more information, exit code: 2");
}

TEST_F(ProcessingTest, Refusals) {
  ASSERT_TRUE(world.Ask("sagemaker", "CreateProcessingJob", Request("once")));
  EXPECT_EQ(Refused("CreateProcessingJob", Request("once")),
            std::string("ResourceInUse: Job name must be unique within an AWS account and region, "
                        "and a job with this name already exists (") +
                kArn + "once)");
  EXPECT_EQ(Refused("DescribeProcessingJob", Json::Object{{"ProcessingJobName", "none"}}),
            "ResourceNotFound: Could not find requested job with name: none");
  const auto input = [](const char* s3) {
    return Json(Json::Array{Json::Object{{"InputName", "i"}, {"S3Input", ParseJson(s3).value()}}});
  };
  EXPECT_EQ(
      Refused(
          "CreateProcessingJob",
          Request("p").With(
              "ProcessingInputs",
              input(R"({"S3Uri": "s3://b/k", "S3DataType": "S3Prefix", "LocalPath": "/etc"})"))),
      "ValidationException: LocalPath must start with /opt/ml/processing/, not '/etc'");
  EXPECT_EQ(
      Refused(
          "CreateProcessingJob",
          Request("p").With(
              "ProcessingInputs",
              input(
                  R"({"S3Uri": "s3://b/k", "S3DataType": "S3Prefix", "LocalPath": "/opt/ml/processing/i",
                                          "S3InputMode": "Pipe"})"))),
      "ValidationException: S3InputMode Pipe of input i is not available here");
}

TEST_F(ProcessingTest, ListAndTags) {
  for (const char* name : {"one", "two", "three"}) Run(Request(name));
  const Json by_name =
      Json::Object{{"SortBy", "Name"}, {"SortOrder", "Ascending"}, {"MaxResults", 2}};
  const Json page = world.Ask("sagemaker", "ListProcessingJobs", by_name).value();
  ASSERT_EQ(page["ProcessingJobSummaries"].size(), 2u);
  EXPECT_EQ(page["ProcessingJobSummaries"].At(1).StringOr("ProcessingJobName", ""), "three");
  const Json rest =
      world.Ask("sagemaker", "ListProcessingJobs", by_name.With("NextToken", page["NextToken"]))
          .value();
  EXPECT_EQ(rest["ProcessingJobSummaries"].size(), 1u);
  EXPECT_FALSE(rest.Has("NextToken"));
  const std::string arn = std::string(kArn) + "one";
  const Json tags = Json::Array{Json::Object{{"Key", "k"}, {"Value", "値"}}};
  ASSERT_TRUE(
      world.Ask("sagemaker", "AddTags", Json::Object{{"ResourceArn", arn}, {"Tags", tags}}));
  EXPECT_EQ(world.Ask("sagemaker", "ListTags", Json::Object{{"ResourceArn", arn}}).value()["Tags"],
            tags);
}

TEST(Contract, KeysBelowAnInput) {
  EXPECT_EQ(RelativeKey("data/", "data/a/b"), "a/b");
  EXPECT_EQ(RelativeKey("data", "data/a"), "a");
  EXPECT_EQ(RelativeKey("data/par", "data/part-1"), "part-1");
  EXPECT_EQ(RelativeKey("data/one.csv", "data/one.csv"), "one.csv");
  EXPECT_EQ(RelativeKey("", "x/y"), "x/y");
}

TEST(Contract, InstanceSizes) {
  EXPECT_EQ(SizeOf("ml.m5.xlarge").memory_mib, 16 * 1024);
  EXPECT_EQ(SizeOf("ml.t3.medium").cpus, 2);
  EXPECT_EQ(SizeOf("ml.m4.4xlarge").cpus, 16);
  EXPECT_EQ(SizeOf("ml.c5.xlarge").memory_mib, 8 * 1024);
  EXPECT_EQ(SizeOf("ml.p3.2xlarge").memory_mib, 61 * 1024);
  EXPECT_EQ(SizeOf("strange").memory_mib, 0);
}

}  // namespace
}  // namespace stepmill::sagemaker
