#include "service/sagemaker/serving.h"

#include <map>

#include "app/test_jobs.h"
#include "base/strings.h"
#include "io/files.h"
#include "service/sagemaker/sagemaker.h"
#include "service/sagemaker/transform_contract.h"
#include "task/ports.h"

namespace stepmill::sagemaker {
namespace {

constexpr char kArn[] = "arn:aws:sagemaker:us-east-1:000000000000:";

using test::Parsed;

/// Models, batch transform and endpoints, with containers that are functions.
class ServingTest : public test::JobsTest {
 protected:
  ServingTest()
      : JobsTest("sagemaker", {&kService, &kRuntime, &test::kLogs, &test::kS3},
                 [](const Json&, const Json&) { return false; }) {
    program = [](const JobSpec&) { return Endless(); };
    backend.Serve([this](const JobSpec& spec, const JobRequest& request) -> Result<JobAnswer> {
      if (request.target == "/ping") return JobAnswer{200, {}, ""};
      return invoke(spec, request);
    });
    test::kept().objects = {{"in/a.csv", "1,2\n3,4\n"}, {"in/sub/b.csv", "5,6\n"}};
    test::kept().objects["m/model.tar.gz"] = ModelArchive();
    Begin();
    Ask("CreateModel", Model("m"));
  }
  std::string ModelArchive() {
    MILL_ASSERT(io::WriteFile(folder + "/weights", "w", false));
    std::vector<Archive::Entry> entries{{"weights", folder + "/weights"}};
    MILL_ASSERT(world.Run(archive.Pack(Archive::Format::kTarGz, entries, folder + "/m.tar.gz")));
    return io::ReadFile(folder + "/m.tar.gz").value();
  }
  static Json Model(const char* name, const char* url = "s3://m/model.tar.gz") {
    return Json::Object{
        {"ModelName", name},
        {"ExecutionRoleArn", "arn:aws:iam::000000000000:role/r"},
        {"PrimaryContainer", Json::Object{{"Image", "own/serve:1"}, {"ModelDataUrl", url}}}};
  }
  static Json Transform(const char* name) {
    return Parsed(R"({"ModelName": "m",
      "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://in/"}},
        "ContentType": "text/csv", "SplitType": "Line"},
      "TransformOutput": {"S3OutputPath": "s3://out/t", "AssembleWith": "Line", "Accept": "text/csv"},
      "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1}})")
        .With("TransformJobName", name);
  }
  Json RunTransform(const Json& request) {
    Ask("CreateTransformJob", request);
    const Json name = Json::Object{{"TransformJobName", request["TransformJobName"]}};
    return Finish("DescribeTransformJob", name, "TransformJobStatus");
  }
  Json WaitEndpoint(const char* name, const char* status) {
    Json endpoint;
    EXPECT_TRUE(world.RunUntil([&] {
      endpoint = Ask("DescribeEndpoint", Json::Object{{"EndpointName", name}});
      return endpoint.StringOr("EndpointStatus", "") == status;
    })) << endpoint.Print();
    return endpoint;
  }
  Json Config(const char* name, const char* model) {
    const Json variant = Json::Object{{"VariantName", "AllTraffic"},
                                      {"ModelName", model},
                                      {"InstanceType", "ml.m5.large"},
                                      {"InitialInstanceCount", 1}};
    return Ask("CreateEndpointConfig", Json::Object{{"EndpointConfigName", name},
                                                    {"ProductionVariants", Json::Array{variant}}});
  }
  Json Invocation(const char* endpoint, const char* body) {
    return Json::Object{
        {"EndpointName", endpoint}, {"ContentType", "text/csv"}, {"Body", Base64(body)}};
  }

  std::function<Result<JobAnswer>(const JobSpec&, const JobRequest&)> invoke =
      [](const JobSpec&, const JobRequest& request) {
        return JobAnswer{200, {{"content-type", "text/csv"}}, "<" + request.body + ">"};
      };
};

TEST_F(ServingTest, Models) {
  EXPECT_EQ(Ask("DescribeModel", Json::Object{{"ModelName", "m"}}).StringOr("ModelArn", ""),
            std::string(kArn) + "model/m");
  EXPECT_EQ(Refused("CreateModel", Model("m")),
            "ValidationException: Cannot create already existing model \"" + std::string(kArn) +
                "model/m\".");
  EXPECT_EQ(Refused("CreateModel", Model("n", "s3://m/none.tar.gz")),
            "ValidationException: Could not find model data at s3://m/none.tar.gz.");
  Ask("CreateModel", Model("other"));
  EXPECT_EQ(Ask("ListModels", Json::Object{{"NameContains", "oth"}})["Models"].size(), 1u);
  Ask("DeleteModel", Json::Object{{"ModelName", "other"}});
  EXPECT_EQ(Refused("DescribeModel", Json::Object{{"ModelName", "other"}}),
            "ValidationException: Could not find model \"" + std::string(kArn) + "model/other\".");
}

TEST_F(ServingTest, TransformOfLines) {
  JobSpec seen;
  invoke = [&](const JobSpec& spec, const JobRequest& request) -> Result<JobAnswer> {
    seen = spec;
    EXPECT_EQ(request.headers.at("Content-Type"), "text/csv");
    std::string out;
    for (const char c : request.body)
      if (c == '\n') out += "0.5\n";
    return JobAnswer{200, {}, out};
  };
  const Json job = RunTransform(Transform("one"));
  EXPECT_EQ(job.StringOr("TransformJobStatus", ""), "Completed") << job.Print();
  EXPECT_EQ(test::kept().objects["out/t/a.csv.out"], "0.5\n0.5\n");
  EXPECT_EQ(test::kept().objects["out/t/sub/b.csv.out"], "0.5\n");
  EXPECT_EQ(seen.arguments, std::vector<std::string>{"serve"});
  EXPECT_EQ(seen.env["SAGEMAKER_BATCH"], "true");
  EXPECT_EQ(seen.inputs.back().path, "/opt/ml/model");
  EXPECT_TRUE(Refused("CreateTransformJob", Transform("one")).starts_with("ResourceInUse: "));
  EXPECT_EQ(Refused("CreateTransformJob", Transform("two").With("ModelName", "none")),
            "ValidationException: Could not find model \"" + std::string(kArn) + "model/none\".");
}

TEST_F(ServingTest, TransformThatTheContainerRefuses) {
  invoke = [](const JobSpec&, const JobRequest&) -> Result<JobAnswer> {
    return JobAnswer{415, {}, "no csv"};
  };
  const Json job = RunTransform(Transform("bad"));
  EXPECT_EQ(job.StringOr("FailureReason", ""), "AlgorithmError: See job logs for more information");
  bool has_line = false;
  for (const auto& [stream, lines] : test::kept().logs)
    if (stream.ends_with("/data-log"))
      has_line =
          lines[0] == "in/a.csv: Bad HTTP status received from algorithm: 415\n\nMessage:\nno csv";
  EXPECT_TRUE(has_line);
}

TEST_F(ServingTest, ModelArchiveThatIsNone) {
  test::kept().objects["m/bad.tar.gz"] = "not a tar at all";
  Ask("CreateModel", Model("bad", "s3://m/bad.tar.gz"));
  const Json job = RunTransform(Transform("t").With("ModelName", "bad"));
  EXPECT_EQ(job.StringOr("FailureReason", ""),
            "ClientError: Failed to extract model data archive from URL \"s3://m/bad.tar.gz\". "
            "Please ensure that the object located at the URL is a valid tar.gz archive.");
}

TEST_F(ServingTest, ModelArchiveThatLeadsOut) {
  const std::map<std::string, std::string> cases{
      {"up", "mkdir -p d && echo x > evil && cd d && tar -P -czf ../up.tar.gz ../evil"},
      {"link", "ln -s /etc out && tar -czf link.tar.gz out"}};
  for (const auto& [name, script] : cases) {
    world.Shell(script);
    test::kept().objects["m/" + name + ".tar.gz"] =
        io::ReadFile(world.folder() + "/" + name + ".tar.gz").value();
    const std::string uri = "s3://m/" + name + ".tar.gz";
    Ask("CreateModel", Model(name.c_str(), uri.c_str()));
    const Json job = RunTransform(Transform(name.c_str()).With("ModelName", name));
    EXPECT_EQ(
        job.StringOr("FailureReason", ""),
        "ClientError: Failed to extract model data archive from URL \"" + uri +
            "\". Please ensure that the object located at the URL is a valid tar.gz archive.");
  }
}

/// A clock that is where it is asked to sleep until.
struct Jumping : Clock {
  Time now;
  Time Now() override { return now; }
  uint64_t WakeAt(Time, std::function<void()>) override { return 0; }
  void Cancel(uint64_t) override {}
  Task<> SleepUntil(Time at) override {
    now = at;
    co_return Result<>();
  }
};

TEST_F(ServingTest, ContainerThatNeverAnswers) {
  int asked = 0;
  backend.Serve([&](const JobSpec&, const JobRequest& request) -> Result<JobAnswer> {
    ++asked;
    EXPECT_EQ(request.timeout, std::chrono::seconds(2));
    if (asked % 2 == 0) return JobAnswer{503, {}, "loading"};
    return Error{Code::kTimeout, "Timeout", "no answer"};
  });
  JobSpec spec;
  spec.id = JobId{"serving-1"};
  ASSERT_TRUE(world.Run(backend.Start(spec)));
  Jumping clock;
  const Time begin = clock.now;
  const Ports& real = world.ports();
  Ports ports{real.store,  real.blobs, real.archive, real.repos,   real.backend,
              real.engine, clock,      real.random,  real.spawner, real.vault,
              real.web,    real.door,  real.account, real.region,  real.data_dir};
  const auto is_up = world.Run(WaitForPing(ports, spec.id, WatchEnd(ports, spec.id)));
  EXPECT_FALSE(is_up.value());
  EXPECT_GE(clock.now - begin, std::chrono::minutes(4));
  EXPECT_LT(clock.now - begin, std::chrono::minutes(5));
  backend.End(spec.id, 0);
}

TEST_F(ServingTest, StopTransform) {
  program = [](const JobSpec&) { return Endless(); };
  backend.Serve([](const JobSpec&, const JobRequest&) -> Result<JobAnswer> {
    return Error{Code::kUnavailable, "ConnectFailed", "not yet"};
  });
  Ask("CreateTransformJob", Transform("slow"));
  const Json name = Json::Object{{"TransformJobName", "slow"}};
  ASSERT_TRUE(world.RunUntil([&] { return test::kept().objects.size() > 0; }));
  Ask("StopTransformJob", name);
  Json job;
  ASSERT_TRUE(world.RunUntil([&] {
    job = Ask("DescribeTransformJob", name);
    return job.StringOr("TransformJobStatus", "") == "Stopped";
  })) << job.Print();
}

TEST(TransformContract, RecordsFiltersAndJoins) {
  const Json job = Parsed(R"({"MaxPayloadInMB": 1, "BatchStrategy": "SingleRecord",
    "TransformInput": {"SplitType": "Line", "ContentType": "text/csv"},
    "TransformOutput": {"AssembleWith": "Line", "Accept": "text/csv"},
    "DataProcessing": {"InputFilter": "$[1:]", "OutputFilter": "$[0,-1]", "JoinSource": "Input"}})");
  EXPECT_EQ(CutRecords(job, "a\n\nb").value(), (std::vector<std::string>{"a\n", "b\n"}));
  EXPECT_EQ(FilterInput(job, "7,1,2\n").value(), "1,2\n");
  EXPECT_EQ(FilterOutput(job, "7,1,2\n", "0.5\n").value(), "7,0.5\n");
  EXPECT_EQ(Assemble(job, {"1", "2\n"}), "1\n2\n");
  const Json many = job.With("BatchStrategy", "MultiRecord");
  EXPECT_EQ(CutRecords(many, "a\nb\n").value(), std::vector<std::string>{"a\nb\n"});
  const std::string long_line(700'000, 'x');
  EXPECT_EQ(CutRecords(many, long_line + "\n" + long_line + "\n").value().size(), 2u);
  EXPECT_EQ(CutRecords(many, std::string(2 << 20, 'x')).error().code, Code::kLimit);
}

TEST_F(ServingTest, EndpointFromCreationToDeletion) {
  Config("c1", "m");
  EXPECT_EQ(Refused("CreateEndpoint",
                    Json::Object{{"EndpointName", "e"}, {"EndpointConfigName", "none"}}),
            "ValidationException: Could not find endpoint configuration \"" + std::string(kArn) +
                "endpoint-config/none\".");
  const Json create = Json::Object{{"EndpointName", "e"}, {"EndpointConfigName", "c1"}};
  EXPECT_EQ(Ask("CreateEndpoint", create).StringOr("EndpointArn", ""),
            std::string(kArn) + "endpoint/e");
  EXPECT_TRUE(Refused("CreateEndpoint", create).ends_with("endpoint/e\"."));
  const Json up = WaitEndpoint("e", "InService");
  EXPECT_EQ(up["ProductionVariants"].At(0).IntOr("CurrentInstanceCount", 0), 1);
  const Json answer = Ask("InvokeEndpoint", Invocation("e", "1,2"), "sagemaker-runtime");
  EXPECT_EQ(Unbase64(answer.StringOr("Body", "")).value_or(""), "<1,2>");
  EXPECT_EQ(answer.StringOr("ContentType", ""), "text/csv");
  EXPECT_EQ(answer.StringOr("InvokedProductionVariant", ""), "AllTraffic");
  EXPECT_EQ(Refused("InvokeEndpoint", Invocation("none", "1"), "sagemaker-runtime"),
            "ValidationError: Endpoint none of account 000000000000 not found.");
  invoke = [](const JobSpec&, const JobRequest&) -> Result<JobAnswer> {
    return JobAnswer{400, {}, "too short"};
  };
  EXPECT_TRUE(Refused("InvokeEndpoint", Invocation("e", "1"), "sagemaker-runtime")
                  .starts_with("ModelError: Received client error (400) from primary with message "
                               "\"too short\". See https://"));
  Ask("DeleteEndpoint", Json::Object{{"EndpointName", "e"}});
  ASSERT_TRUE(world.RunUntil([&] {
    return Refused("DescribeEndpoint", Json::Object{{"EndpointName", "e"}}) ==
           "ValidationException: Could not find endpoint \"" + std::string(kArn) + "endpoint/e\".";
  }));
  EXPECT_TRUE(world.Run(backend.List())->empty());
  // The name is free again.
  Ask("CreateEndpoint", create);
  WaitEndpoint("e", "InService");
}

TEST_F(ServingTest, UpdateSwapsAndRollsBack) {
  Config("c1", "m");
  Ask("CreateModel", Model("m2"));
  Config("c2", "m2");
  test::kept().objects["m/bad.tar.gz"] = "no tar";
  Ask("CreateModel", Model("broken", "s3://m/bad.tar.gz"));
  Config("c3", "broken");
  Ask("CreateEndpoint", Json::Object{{"EndpointName", "e"}, {"EndpointConfigName", "c1"}});
  WaitEndpoint("e", "InService");
  const auto before = world.Run(backend.List()).value();
  Ask("UpdateEndpoint", Json::Object{{"EndpointName", "e"}, {"EndpointConfigName", "c2"}});
  const Json updated = WaitEndpoint("e", "InService");
  EXPECT_EQ(updated.StringOr("EndpointConfigName", ""), "c2");
  ASSERT_TRUE(world.RunUntil([&] { return world.Run(backend.List())->size() == 1; }));
  EXPECT_NE(world.Run(backend.List()).value(), before);
  Ask("UpdateEndpoint", Json::Object{{"EndpointName", "e"}, {"EndpointConfigName", "c3"}});
  const Json rolled = WaitEndpoint("e", "InService");
  EXPECT_EQ(rolled.StringOr("EndpointConfigName", ""), "c2");
  EXPECT_TRUE(rolled.StringOr("FailureReason", "").starts_with("Failed to extract model data"));
  EXPECT_EQ(
      Unbase64(
          Ask("InvokeEndpoint", Invocation("e", "x"), "sagemaker-runtime").StringOr("Body", ""))
          .value_or(""),
      "<x>");
}

TEST_F(ServingTest, EndpointWhoseContainerEnds) {
  Config("c1", "m");
  program = [](const JobSpec&) {
    FakeRun run;
    run.exit_code = 1;
    run.output = "no model\n";
    return run;
  };
  Ask("CreateEndpoint", Json::Object{{"EndpointName", "e"}, {"EndpointConfigName", "c1"}});
  EXPECT_EQ(WaitEndpoint("e", "Failed").StringOr("FailureReason", ""),
            "The primary container for production variant AllTraffic did not pass the ping health "
            "check. Please check CloudWatch logs for this endpoint.");
  Ask("DeleteEndpoint", Json::Object{{"EndpointName", "e"}});
  ASSERT_TRUE(world.RunUntil([&] {
    return Refused("DescribeEndpoint", Json::Object{{"EndpointName", "e"}}) != "accepted";
  }));
}

TEST_F(ServingTest, ContainerThatDiesIsReplaced) {
  Config("c1", "m");
  Ask("CreateEndpoint", Json::Object{{"EndpointName", "e"}, {"EndpointConfigName", "c1"}});
  WaitEndpoint("e", "InService");
  const auto first = world.Run(backend.List()).value();
  ASSERT_EQ(first.size(), 1u);
  backend.End(first[0], 137);
  ASSERT_TRUE(world.RunUntil([&] {
    const auto jobs = world.Run(backend.List()).value();
    return jobs.size() == 1 && jobs != first &&
           Refused("InvokeEndpoint", Invocation("e", "y"), "sagemaker-runtime") == "accepted";
  }));
}

}  // namespace
}  // namespace stepmill::sagemaker
