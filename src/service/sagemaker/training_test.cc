#include "app/test_jobs.h"
#include "service/sagemaker/job_host.h"
#include "service/sagemaker/sagemaker.h"
#include "service/sagemaker/search.h"
#include "service/sagemaker/training_contract.h"
#include "service/sagemaker/training_metrics.h"

namespace stepmill::sagemaker {
namespace {

constexpr char kArn[] = "arn:aws:sagemaker:us-east-1:000000000000:training-job/";

/// CloudWatch, as far as these tests see it.
std::vector<Json>& Points() {
  static std::vector<Json> points;
  return points;
}
Task<Json> PutMetricData(Call& call) {
  for (const Json& point : ItemsOf(call.input["MetricData"])) Points().push_back(point);
  co_return Json::Object{};
}
constexpr Operation kMetricsRows[] = {test::Row("PutMetricData", PutMetricData)};
const Service kMetrics{.name = "cloudwatch", .host = "cloudwatch", .operations = kMetricsRows};

using test::Parsed;
using test::TextOf;

class TrainingTest : public test::JobsTest {
 protected:
  TrainingTest()
      : JobsTest("sagemaker", {&kService, &test::kLogs, &test::kS3, &kMetrics},
                 [](const Json&, const Json&) { return true; }) {
    world.engine().AddPerformer("see", [this](Engine::Performance performance) {
      return See(this, std::move(performance));
    });
    world.engine().AddSubscriber("all", Json::Object{}, "see", Json());
    Points().clear();
    test::kept().objects = {{"in/train/a.csv", "1,2"}, {"in/train/sub/b.csv", "3,4"}};
    Begin();
  }

  static Task<Json> See(TrainingTest* test, Engine::Performance performance) {
    test->events.push_back(performance.what["event"]);
    co_return Json::Object{};
  }

  static Json Request(const char* name) {
    return Parsed(R"({"RoleArn": "arn:aws:iam::000000000000:role/r",
      "AlgorithmSpecification": {"TrainingImage": "own/image:1", "TrainingInputMode": "File"},
      "OutputDataConfig": {"S3OutputPath": "s3://out/models/"},
      "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 1},
      "StoppingCondition": {"MaxRuntimeInSeconds": 3600}})")
        .With("TrainingJobName", name);
  }
  static Json Channel(const char* name, const char* uri) {
    return Json::Object{
        {"ChannelName", name},
        {"ContentType", "text/csv"},
        {"DataSource",
         Json::Object{{"S3DataSource", Json::Object{{"S3DataType", "S3Prefix"}, {"S3Uri", uri}}}}}};
  }
  Json Describe(const char* name) {
    const Json input = Json::Object{{"TrainingJobName", name}};
    return world.Ask("sagemaker", "DescribeTrainingJob", input).value();
  }
  Json Finish(const char* name) {
    return JobsTest::Finish("DescribeTrainingJob", Json::Object{{"TrainingJobName", name}},
                            "TrainingJobStatus");
  }
  Json Run(const Json& request) {
    Ask("CreateTrainingJob", request);
    return Finish(request.StringOr("TrainingJobName", "").c_str());
  }
  static std::string Transitions(const Json& job) {
    std::string all;
    for (const Json& one : ItemsOf(job["SecondaryStatusTransitions"])) {
      if (one.StringOr("Status", "") != "Starting" || all.empty())
        all += (all.empty() ? "" : " ") + one.StringOr("Status", "");
      EXPECT_TRUE(one.Has("EndTime")) << one.Print();
    }
    return all;
  }

  std::vector<Json> events;  ///< of EventBridge
};

TEST_F(TrainingTest, ContractAndArtifacts) {
  JobSpec seen;
  program = [&](const JobSpec& spec) {
    seen = spec;
    FakeRun run;
    run.output = "loss: 0.5\n\tloss: 0.25 \x1b[0m\n";
    run.files = {{"/opt/ml/model/model.bin", "weights"},
                 {"/opt/ml/model/sub/x", "1"},
                 {"/opt/ml/output/data/report.txt", "good"}};
    return run;
  };
  const Json definition = Json::Object{{"Name", "loss"}, {"Regex", "loss: ([0-9.]+)"}};
  Json algorithm = Request("a")["AlgorithmSpecification"].With("MetricDefinitions",
                                                               Json(Json::Array{definition}));
  const Json job =
      Run(Request("First-Job")
              .With("AlgorithmSpecification", algorithm)
              .With("HyperParameters", Parsed(R"({"max_depth": "5", "eta": "0.2"})"))
              .With("Environment", Parsed(R"({"WORD": "kiwi"})"))
              .With("InputDataConfig", Json::Array{Channel("train", "s3://in/train")}));
  EXPECT_EQ(job.StringOr("TrainingJobStatus", ""), "Completed") << job.Print();
  EXPECT_EQ(job.StringOr("TrainingJobArn", ""), std::string(kArn) + "first-job");
  EXPECT_EQ(Transitions(job), "Starting Downloading Training Uploading Completed");
  EXPECT_EQ(job["ModelArtifacts"].StringOr("S3ModelArtifacts", ""),
            "s3://out/models/First-Job/output/model.tar.gz");
  EXPECT_EQ(FileOf("out/models/First-Job/output/model.tar.gz", "model.bin"), "weights");
  EXPECT_EQ(FileOf("out/models/First-Job/output/model.tar.gz", "sub/x"), "1");
  EXPECT_EQ(FileOf("out/models/First-Job/output/output.tar.gz", "report.txt"), "good");
  EXPECT_TRUE(job.Has("TrainingTimeInSeconds") && job.Has("TrainingEndTime"));
  ASSERT_EQ(job["FinalMetricDataList"].size(), 1u);
  EXPECT_EQ(job["FinalMetricDataList"].At(0)["Value"], Json(0.25));
  ASSERT_EQ(Points().size(), 2u);
  EXPECT_EQ(Points()[0]["Dimensions"].At(0).StringOr("Value", ""), "First-Job");

  ASSERT_EQ(test::kept().logs.size(), 1u);
  EXPECT_TRUE(test::kept().logs.begin()->first.starts_with(
      "/aws/sagemaker/TrainingJobs First-Job/algo-1-"));
  EXPECT_EQ(test::kept().logs.begin()->second,
            (std::vector<std::string>{"loss: 0.5", "#011loss: 0.25 #033[0m"}));

  EXPECT_EQ(seen.arguments, std::vector<std::string>{"train"});
  EXPECT_FALSE(seen.entrypoint.has_value());
  EXPECT_EQ(seen.env["TRAINING_JOB_NAME"], "First-Job");
  EXPECT_EQ(seen.env["WORD"], "kiwi");
  EXPECT_EQ(seen.memory_mib, 16 * 1024);
  EXPECT_EQ(TextOf(seen, "/opt/ml/input/config/hyperparameters.json"),
            R"({"max_depth":"5","eta":"0.2"})");
  EXPECT_EQ(TextOf(seen, "/opt/ml/input/config/inputdataconfig.json"),
            R"({"train":{"ContentType":"text/csv","TrainingInputMode":"File",)"
            R"("S3DistributionType":"FullyReplicated","RecordWrapperType":"None"}})");
  std::vector<std::string> data;
  for (const JobInput& input : seen.inputs)
    if (input.kind == JobInput::Kind::kBlobFile) data.push_back(input.path);
  EXPECT_EQ(data, (std::vector<std::string>{"/opt/ml/input/data/train/a.csv",
                                            "/opt/ml/input/data/train/sub/b.csv"}));
}

TEST_F(TrainingTest, FailureFileAndExitCode) {
  program = [](const JobSpec&) {
    FakeRun run;
    run.exit_code = 3;
    run.files = {{"/opt/ml/output/failure", "ExecuteUserScriptError:\nExitCode 3\n"}};
    return run;
  };
  const Json job = Run(Request("fails"));
  EXPECT_EQ(job.StringOr("TrainingJobStatus", ""), "Failed");
  EXPECT_EQ(job.StringOr("SecondaryStatus", ""), "Failed");
  EXPECT_EQ(job.StringOr("FailureReason", ""),
            "AlgorithmError: ExecuteUserScriptError:\nExitCode 3, exit code: 3");
  EXPECT_FALSE(test::kept().objects.contains("out/models/fails/output/model.tar.gz"));
  program = [](const JobSpec&) {
    FakeRun run;
    run.exit_code = 1;
    run.files = {{"/opt/ml/model/partial", "p"}};
    return run;
  };
  EXPECT_EQ(Run(Request("fails-too")).StringOr("FailureReason", ""),
            "AlgorithmError: See job logs for more information, exit code: 1");
  EXPECT_TRUE(test::kept().objects.contains("out/models/fails-too/output/model.tar.gz"));
}

TEST_F(TrainingTest, MissingImage) {
  program = [](const JobSpec&) {
    FakeRun run;
    run.start_error = "image 'own/image:1' is not there: stepmill images add own/image:1 ARCHIVE";
    return run;
  };
  EXPECT_TRUE(Run(Request("no-image"))
                  .StringOr("FailureReason", "")
                  .starts_with("ClientError: Cannot pull algorithm container."));
}

TEST_F(TrainingTest, StopKeepsTheModel) {
  program = [](const JobSpec&) {
    FakeRun run;
    run.is_endless = true;
    run.files = {{"/opt/ml/model/m", "half"}};
    return run;
  };
  ASSERT_TRUE(world.Ask("sagemaker", "CreateTrainingJob", Request("endless")));
  const JobId id = HostId(kTrainingJob, Describe("endless"), 0);
  ASSERT_TRUE(world.RunUntil(
      [&] { return Describe("endless").StringOr("SecondaryStatus", "") == "Training"; }));
  EXPECT_EQ(backend.StartCount(id), 1);
  const Json name = Json::Object{{"TrainingJobName", "endless"}};
  ASSERT_TRUE(world.Ask("sagemaker", "StopTrainingJob", name));
  const Json job = Finish("endless");
  EXPECT_EQ(job.StringOr("TrainingJobStatus", ""), "Stopped");
  EXPECT_EQ(Transitions(job), "Starting Training Stopping Uploading Stopped");
  EXPECT_EQ(FileOf("out/models/endless/output/model.tar.gz", "m"), "half");
  EXPECT_FALSE(job.Has("FailureReason"));
  EXPECT_EQ(Refused("StopTrainingJob", name),
            "ValidationException: The request was rejected because the training job is in status "
            "Stopped.");
}

TEST_F(TrainingTest, RuntimeLimit) {
  program = [](const JobSpec&) { return Endless(); };
  const Json job =
      Run(Request("long").With("StoppingCondition", Json::Object{{"MaxRuntimeInSeconds", 1}}));
  EXPECT_EQ(job.StringOr("TrainingJobStatus", ""), "Stopped");
  EXPECT_EQ(job.StringOr("SecondaryStatus", ""), "MaxRuntimeExceeded");
}

TEST_F(TrainingTest, SeveralHosts) {
  std::map<std::string, JobSpec> seen;
  program = [&](const JobSpec& spec) {
    seen[spec.host_name] = spec;
    FakeRun run;
    run.files = {{"/opt/ml/model/" + spec.host_name, "m"}, {"/opt/ml/model/same", spec.host_name}};
    return run;
  };
  const Json sharded = Parsed(R"({"ChannelName": "train", "DataSource": {"S3DataSource":
    {"S3DataType": "S3Prefix", "S3Uri": "s3://in/train/", "S3DataDistributionType": "ShardedByS3Key"}}})");
  const Json two =
      Parsed(R"({"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1})");
  const Json job =
      Run(Request("two").With("ResourceConfig", two).With("InputDataConfig", Json::Array{sharded}));
  EXPECT_EQ(job.StringOr("TrainingJobStatus", ""), "Completed") << job.Print();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen["algo-1"].group, seen["algo-2"].group);
  EXPECT_FALSE(seen["algo-1"].group.empty());
  EXPECT_EQ(TextOf(seen["algo-2"], "/opt/ml/input/config/resourceconfig.json"),
            R"({"current_host":"algo-2","current_instance_type":"ml.m5.large",)"
            R"("current_group_name":"homogeneousCluster","hosts":["algo-1","algo-2"],)"
            R"("instance_groups":[{"instance_group_name":"homogeneousCluster",)"
            R"("instance_type":"ml.m5.large","hosts":["algo-1","algo-2"]}],)"
            R"("network_interface_name":"eth0"})");
  EXPECT_EQ(TextOf(seen["algo-2"], "/opt/ml/input/data/train/a.csv"),
            "no /opt/ml/input/data/train/a.csv");
  EXPECT_EQ(FileOf("out/models/two/output/model.tar.gz", "algo-2"), "m");
  EXPECT_EQ(FileOf("out/models/two/output/model.tar.gz", "same"), "algo-1");

  program = [](const JobSpec& spec) {
    FakeRun run;
    run.exit_code = 2;
    run.is_endless = spec.host_name != "algo-2";
    return run;
  };
  EXPECT_EQ(Run(Request("two-fail").With("ResourceConfig", two)).StringOr("FailureReason", ""),
            "AlgorithmError: See job logs for more information, exit code: 2");
}

TEST_F(TrainingTest, HostsAreSortedByName) {
  const Json job = Request("many").With(
      "ResourceConfig", Parsed(R"({"InstanceCount": 11, "InstanceType": "ml.m5.large"})"));
  const Json hosts = TrainingResourceConfig(job, 0)["hosts"];
  EXPECT_EQ(hosts.At(1).AsString(), "algo-10");
  EXPECT_EQ(hosts.At(3).AsString(), "algo-2");
}

TEST_F(TrainingTest, InstanceGroups) {
  std::map<std::string, JobSpec> seen;
  program = [&](const JobSpec& spec) {
    seen[spec.host_name] = spec;
    return FakeRun{};
  };
  const Json groups = Parsed(R"({"VolumeSizeInGB": 1, "InstanceGroups": [
    {"InstanceType": "ml.m5.large", "InstanceCount": 1, "InstanceGroupName": "cpu"},
    {"InstanceType": "ml.c5.xlarge", "InstanceCount": 2, "InstanceGroupName": "big"}]})");
  const Json only_big = Parsed(R"({"ChannelName": "train", "DataSource": {"S3DataSource":
    {"S3DataType": "S3Prefix", "S3Uri": "s3://in/train/", "InstanceGroupNames": ["big"],
     "S3DataDistributionType": "ShardedByS3Key"}}})");
  const Json job = Run(Request("groups")
                           .With("ResourceConfig", groups)
                           .With("InputDataConfig", Json::Array{only_big}));
  EXPECT_EQ(job.StringOr("TrainingJobStatus", ""), "Completed") << job.Print();
  EXPECT_EQ(seen["algo-1"].memory_mib, 8 * 1024);
  EXPECT_EQ(TextOf(seen["algo-1"], "/opt/ml/input/data/train"), "no /opt/ml/input/data/train");
  EXPECT_EQ(TextOf(seen["algo-2"], "/opt/ml/input/data/train/a.csv"), "");
  EXPECT_EQ(TextOf(seen["algo-3"], "/opt/ml/input/data/train/sub/b.csv"), "");
}

TEST_F(TrainingTest, CheckpointsComeInAndGoOut) {
  test::kept().objects["out/ckpt/old"] = "0";
  test::kept().objects["out/ckpt/gone"] = "0";
  JobSpec seen;
  program = [&](const JobSpec& spec) {
    seen = spec;
    FakeRun run;
    run.files = {{"/opt/ml/checkpoints/old", "0"}, {"/opt/ml/checkpoints/deep/new", "1"}};
    return run;
  };
  const Json job =
      Run(Request("points").With("CheckpointConfig", Json::Object{{"S3Uri", "s3://out/ckpt"}}));
  EXPECT_EQ(job.StringOr("TrainingJobStatus", ""), "Completed") << job.Print();
  EXPECT_EQ(job["CheckpointConfig"].StringOr("LocalPath", ""), "/opt/ml/checkpoints");
  EXPECT_EQ(TextOf(seen, "/opt/ml/checkpoints/gone"), "");
  EXPECT_EQ(test::kept().objects["out/ckpt/deep/new"], "1");
  EXPECT_FALSE(test::kept().objects.contains("out/ckpt/gone"));
  EXPECT_TRUE(test::kept().objects.contains("out/ckpt/old"));
}

TEST_F(TrainingTest, UncompressedModel) {
  program = [](const JobSpec&) {
    FakeRun run;
    run.files = {{"/opt/ml/model/a/b", "1"}};
    return run;
  };
  const Json output = Json::Object{{"S3OutputPath", "s3://out/plain"}, {"CompressionType", "NONE"}};
  const Json job = Run(Request("plain").With("OutputDataConfig", output));
  EXPECT_EQ(job["ModelArtifacts"].StringOr("S3ModelArtifacts", ""),
            "s3://out/plain/plain/output/model/");
  EXPECT_EQ(test::kept().objects["out/plain/plain/output/model/a/b"], "1");
}

TEST_F(TrainingTest, Refusals) {
  ASSERT_TRUE(world.Ask("sagemaker", "CreateTrainingJob", Request("once")));
  EXPECT_EQ(Refused("CreateTrainingJob", Request("once")),
            std::string("ResourceInUse: Training job names must be unique within an AWS account "
                        "and region, and a training job with this name already exists (") +
                kArn + "once)");
  for (const char* operation : {"DescribeTrainingJob", "StopTrainingJob"}) {
    EXPECT_EQ(Refused(operation, Json::Object{{"TrainingJobName", "none"}}),
              "ValidationException: Requested resource not found.");
  }
  EXPECT_EQ(
      Refused("CreateTrainingJob",
              Request("empty").With("InputDataConfig",
                                    Json::Array{Channel("train", "s3://in/nothing/")})),
      "ValidationException: No S3 objects found under S3 URL \"s3://in/nothing/\" given in input "
      "data source. Please ensure that the bucket exists in the selected region (us-east-1), that "
      "objects exist under that S3 prefix, and that the role \"arn:aws:iam::000000000000:role/r\" "
      "has \"s3:ListBucket\" permissions on bucket \"in\".");
  const Json bad = Parsed(R"({"TrainingImage": "i", "TrainingInputMode": "File",
    "MetricDefinitions": [{"Name": "m", "Regex": "(unclosed"}]})");
  EXPECT_TRUE(Refused("CreateTrainingJob", Request("r").With("AlgorithmSpecification", bad))
                  .starts_with("ValidationException: Regex '(unclosed' of metric m cannot be"));
  EXPECT_TRUE(
      Refused("CreateTrainingJob",
              Request("r").With("InputDataConfig", Json::Array{Channel("a", "s3://in/train"),
                                                               Channel("a", "s3://in/train")}))
          .ends_with("Duplicate channel name: a"));
}

TEST_F(TrainingTest, EventsListSearchAndTags) {
  Run(Request("one").With("Tags", Parsed(R"([{"Key": "team", "Value": "x"}])")));
  Run(Request("two").With("HyperParameters", Parsed(R"({"depth": "7"})")));
  const auto statuses = [&] {
    std::string all;
    for (const Json& event : events) {
      EXPECT_EQ(event.StringOr("detail-type", ""), "SageMaker Training Job State Change");
      const Json& detail = event["detail"];
      if (detail.StringOr("TrainingJobName", "") == "one")
        all += detail.StringOr("SecondaryStatus", "") + " ";
    }
    return all;
  };
  EXPECT_TRUE(world.RunUntil([&] { return statuses().ends_with("Completed "); })) << statuses();
  const Json by_name = Json::Object{{"SortBy", "Name"}, {"SortOrder", "Ascending"}};
  const Json list = world.Ask("sagemaker", "ListTrainingJobs", by_name).value();
  ASSERT_EQ(list["TrainingJobSummaries"].size(), 2u);
  EXPECT_EQ(list["TrainingJobSummaries"].At(0).StringOr("TrainingJobName", ""), "one");
  const auto find = [&](const char* expression) {
    const Json input =
        Json::Object{{"Resource", "TrainingJob"}, {"SearchExpression", Parsed(expression)}};
    std::string names;
    const auto found = world.Ask("sagemaker", "Search", input);
    EXPECT_TRUE(found) << found.error().message;
    for (const Json& result : ItemsOf((*found)["Results"]))
      names += result["TrainingJob"].StringOr("TrainingJobName", "") + " ";
    return names;
  };
  EXPECT_EQ(find(R"({"Filters": [{"Name": "Tags.team", "Operator": "Equals", "Value": "x"}]})"),
            "one ");
  EXPECT_EQ(find(R"({"Filters": [{"Name": "HyperParameters.depth", "Operator": "GreaterThan",
                                  "Value": "6"}]})"),
            "two ");
  EXPECT_EQ(find(R"({"Operator": "Or", "Filters": [
      {"Name": "TrainingJobName", "Operator": "Contains", "Value": "NE"},
      {"Name": "TrainingJobName", "Operator": "In", "Value": "two,three"}]})"),
            "two one ");
  EXPECT_EQ(find(R"({"Filters": [{"Name": "FailureReason", "Operator": "Exists"}]})"), "");
  const std::string arn = std::string(kArn) + "one";
  ASSERT_TRUE(world.Ask("sagemaker", "DeleteTags",
                        Json::Object{{"ResourceArn", arn}, {"TagKeys", Json::Array{"team"}}}));
  EXPECT_EQ(
      world.Ask("sagemaker", "ListTags", Json::Object{{"ResourceArn", arn}}).value()["Tags"].size(),
      0u);
}

TEST(TrainingContract, ImagesOfXgboost) {
  const std::string own = "000000000000";
  EXPECT_EQ(XgboostVersion("811284229777.dkr.ecr.us-east-1.amazonaws.com/xgboost:1", own), "1");
  EXPECT_EQ(XgboostVersion(
                "354813040037.dkr.ecr.ap-northeast-1.amazonaws.com/sagemaker-xgboost:1.7-1", own),
            "1.7-1");
  EXPECT_FALSE(XgboostVersion("000000000000.dkr.ecr.us-east-1.amazonaws.com/xgboost:1", own));
  EXPECT_FALSE(XgboostVersion("xgboost:1", own));
  const Json job = Parsed(R"({"TrainingJobArn": "a", "ResourceConfig": {"InstanceCount": 1},
        "AlgorithmSpecification": {"TrainingImage":
          "811284229777.dkr.ecr.us-east-1.amazonaws.com/xgboost:1"}})");
  const JobSpec spec = TrainingHostSpec(job, own, "us-east-1", 0);
  EXPECT_EQ(spec.entrypoint, std::vector<std::string>{"/opt/stepmill/bin/stepmill-xgboost"});
  EXPECT_EQ(spec.arguments, std::vector<std::string>{"train"});
}

TEST(TrainingMetrics, LinesOfXgboost) {
  const MetricMatcher matcher(XgboostMetricDefinitions());
  const auto points = matcher.Find(EscapeLogLine("[12]\ttrain-rmse:0.5\tvalidation-rmse:6.25e-05"));
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[0].name, "train:rmse");
  EXPECT_EQ(points[1].value, 6.25e-05);
  EXPECT_TRUE(matcher.Find("[1]#011train-rmse:nan").empty());
}

}  // namespace
}  // namespace stepmill::sagemaker
