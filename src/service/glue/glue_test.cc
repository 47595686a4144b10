#include "service/glue/glue.h"

#include "app/test_jobs.h"
#include "service/glue/contract.h"
#include "service/glue/definition.h"

namespace stepmill::glue {
namespace {

using test::Parsed;

bool Matches(const Json& pattern, const Json& event) {
  const Json& wanted = pattern["detail"]["jobName"];
  return pattern["source"].At(0) == event["source"] &&
         (!wanted.is_array() || wanted.At(0) == event["detail"]["jobName"]);
}

class GlueTest : public test::JobsTest {
 protected:
  GlueTest() : JobsTest("glue", {&kService, &test::kLogs, &test::kS3}, Matches) {
    test::kept().objects["code/preprocess.py"] = "print('hello')";
    world.engine().AddPerformer("test.seen", [this](Engine::Performance performance) {
      seen_events.push_back(performance.what["event"]);
      return Done();
    });
    world.engine().AddSubscriber("seen", Parsed(R"({"source": ["aws.glue"]})"), "test.seen",
                                 Json());
    Begin();
  }

  static Task<Json> Done() { co_return Json::Object{}; }

  static Json Definition(const char* name) {
    return Parsed(R"({"Role": "glue-role", "Command": {"Name": "pythonshell",
      "ScriptLocation": "s3://code/preprocess.py", "PythonVersion": "3"}})")
        .With("Name", name);
  }
  void Create(const Json& definition) {
    const auto created = world.Ask("glue", "CreateJob", definition);
    EXPECT_TRUE(created) << created.error().message;
  }
  std::string Start(const Json& input) {
    const auto started = world.Ask("glue", "StartJobRun", input);
    EXPECT_TRUE(started) << started.error().message;
    return started ? started->StringOr("JobRunId", "") : "";
  }
  std::string Start(const char* name) { return Start(Json(Json::Object{{"JobName", name}})); }
  Json Describe(const char* name, const std::string& id) {
    const Json input = Json::Object{{"JobName", name}, {"RunId", id}};
    const auto answer = world.Ask("glue", "GetJobRun", input);
    return answer ? (*answer)["JobRun"] : Json();
  }
  bool Reaches(const char* name, const std::string& id, const char* state) {
    return world.RunUntil([&] { return Describe(name, id).StringOr("JobRunState", "") == state; });
  }
  JobId Sandbox(const std::string& id) { return JobId{SandboxId("000000000000", "us-east-1", id)}; }
  std::vector<std::string> Told(size_t count) {
    EXPECT_TRUE(world.RunUntil([&] { return seen_events.size() >= count; }));
    std::vector<std::string> told;
    for (const Json& event : seen_events) {
      const Json& detail = event["detail"];
      told.push_back(detail.StringOr("state", "") + " " + detail.StringOr("severity", "") + " " +
                     detail.StringOr("message", ""));
    }
    return told;
  }

  std::vector<Json> seen_events;
};

TEST_F(GlueTest, ARunWithItsArgumentsAndBothLogs) {
  JobSpec seen;
  program = [&](const JobSpec& spec) {
    seen = spec;
    FakeRun run;
    run.output =
        "\x01oこんにちは\n\x01"
        "ea warning\n\x01o\n";
    return run;
  };
  test::kept().objects["code/helper.py"] = "x = 1";
  Create(Definition("preprocess")
             .With("DefaultArguments", Parsed(R"({"--bucket_name": "default", "--rows": "10",
               "--extra-py-files": "s3://code/helper.py"})"))
             .With("NonOverridableArguments", Parsed(R"({"--rows": "20"})")));
  const std::string id = Start(Parsed(
      R"({"JobName": "preprocess", "Arguments": {"--bucket_name": "mine", "--rows": "30"}})"));
  ASSERT_TRUE(Reaches("preprocess", id, "SUCCEEDED")) << Describe("preprocess", id).Print();
  const Json run = Describe("preprocess", id);
  EXPECT_EQ(id.size(), 67u);
  EXPECT_EQ(run.StringOr("LogGroupName", ""), "/aws-glue/python-jobs");
  EXPECT_EQ(run["MaxCapacity"].AsDouble(), 0.0625);
  EXPECT_EQ(run.IntOr("Timeout", 0), 2880);
  EXPECT_EQ(run.IntOr("Attempt", -1), 0);
  EXPECT_TRUE(run.Has("CompletedOn"));
  EXPECT_EQ(test::kept().logs["/aws-glue/python-jobs/output " + id],
            (std::vector<std::string>{"こんにちは", "\n"}));
  EXPECT_EQ(test::kept().logs["/aws-glue/python-jobs/error " + id],
            std::vector<std::string>{"a warning"});
  EXPECT_EQ(seen.image, "aws/glue/pythonshell:3");
  EXPECT_EQ(seen.role_arn, "arn:aws:iam::000000000000:role/glue-role");
  EXPECT_EQ(seen.memory_mib, 1024);
  std::string orders;
  std::vector<std::string> files;
  for (const JobInput& input : seen.inputs) {
    if (input.path == "/tmp/glue/run.json") orders = input.text;
    if (input.kind == JobInput::Kind::kBlobFile) files.push_back(input.path);
  }
  EXPECT_EQ(files, (std::vector<std::string>{"/tmp/glue/script/preprocess.py",
                                             "/tmp/glue/extra/0/helper.py"}));
  const Json launch = ParseJson(orders).value();
  EXPECT_EQ(launch["archives"], Json(Json::Array{"/tmp/glue/extra/0/helper.py"}));
  const Json& words = launch["args"];
  ASSERT_GE(words.size(), 10u);
  EXPECT_EQ(words.At(0), Json("--bucket_name"));
  EXPECT_EQ(words.At(1), Json("mine"));
  EXPECT_EQ(words.At(3), Json("20"));
  EXPECT_EQ(words.At(9), Json(id));
  EXPECT_EQ(Told(1), std::vector<std::string>{"SUCCEEDED INFO Job run succeeded"});
  EXPECT_TRUE(world.Run(backend.List())->empty());
}

TEST_F(GlueTest, WhyItFailed) {
  program = [](const JobSpec&) {
    FakeRun run;
    run.exit_code = 1;
    run.files = {{"/tmp/glue/result/error", "ValueError: no rows"}};
    return run;
  };
  Create(Definition("fails"));
  const std::string id = Start("fails");
  ASSERT_TRUE(Reaches("fails", id, "FAILED"));
  EXPECT_EQ(Describe("fails", id).StringOr("ErrorMessage", ""), "ValueError: no rows");
  EXPECT_EQ(Told(1), std::vector<std::string>{"FAILED ERROR ValueError: no rows"});
  program = [](const JobSpec&) {
    FakeRun run;
    run.exit_code = 3;
    return run;
  };
  const std::string plain = Start("fails");
  ASSERT_TRUE(Reaches("fails", plain, "FAILED"));
  EXPECT_EQ(Describe("fails", plain).StringOr("ErrorMessage", ""),
            "Command failed with exit code 3");
}

TEST_F(GlueTest, AScriptOrAnImageThatIsNotThere) {
  Create(Definition("lost").With(
      "Command", Parsed(R"({"Name": "pythonshell", "ScriptLocation": "s3://code/none.py"})")));
  const std::string id = Start("lost");
  ASSERT_TRUE(Reaches("lost", id, "FAILED"));
  EXPECT_EQ(Describe("lost", id).StringOr("ErrorMessage", ""),
            "An error occurred (404) when calling the HeadObject operation: Not Found: "
            "s3://code/none.py");
  program = [](const JobSpec& spec) {
    FakeRun run;
    run.start_error = "image '" + spec.image + "' is not there: stepmill images add";
    return run;
  };
  Create(Definition("spark")
             .With("GlueVersion", "4.0")
             .With("Command",
                   Parsed(R"({"Name": "glueetl", "ScriptLocation": "s3://code/preprocess.py"})")));
  const std::string spark = Start("spark");
  ASSERT_TRUE(Reaches("spark", spark, "FAILED"));
  EXPECT_EQ(Describe("spark", spark).StringOr("ErrorMessage", ""),
            "image 'aws/glue/glueetl:4.0' is not there: stepmill images add");
  EXPECT_EQ(Describe("spark", spark).StringOr("LogGroupName", ""), "/aws-glue/jobs");
}

TEST_F(GlueTest, RetriesAreRunsOfTheirOwn) {
  int count = 0;
  program = [&](const JobSpec&) {
    FakeRun run;
    run.exit_code = ++count < 3 ? 1 : 0;
    return run;
  };
  Create(Definition("again").With("MaxRetries", 2));
  const std::string id = Start("again");
  ASSERT_TRUE(Reaches("again", id + "_attempt_2", "SUCCEEDED"));
  EXPECT_EQ(Describe("again", id).StringOr("JobRunState", ""), "FAILED");
  const Json second = Describe("again", id + "_attempt_1");
  EXPECT_EQ(second.StringOr("JobRunState", ""), "FAILED");
  EXPECT_EQ(second.StringOr("PreviousRunId", ""), id);
  EXPECT_EQ(Describe("again", id + "_attempt_2").IntOr("Attempt", 0), 2);
  const Json name = Json::Object{{"JobName", "again"}, {"MaxResults", 2}};
  const Json page = world.Ask("glue", "GetJobRuns", name).value();
  ASSERT_EQ(page["JobRuns"].size(), 2u);
  EXPECT_EQ(page["JobRuns"].At(0).IntOr("Attempt", 0), 2);
  const Json rest =
      world.Ask("glue", "GetJobRuns", name.With("NextToken", page["NextToken"])).value();
  EXPECT_EQ(rest["JobRuns"].size(), 1u);
  EXPECT_FALSE(rest.Has("NextToken"));
}

TEST_F(GlueTest, AtMostSoManyAtOnce) {
  program = [](const JobSpec&) {
    FakeRun run;
    run.is_endless = true;
    return run;
  };
  Create(Definition("one"));
  const std::string first = Start("one");
  EXPECT_EQ(Refused("StartJobRun", Json::Object{{"JobName", "one"}}),
            "ConcurrentRunsExceededException: Concurrent runs exceeded for one");
  const Json queued = Json::Object{{"JobName", "one"}, {"JobRunQueuingEnabled", true}};
  const std::string second = Start(queued), third = Start(queued);
  ASSERT_TRUE(Reaches("one", first, "RUNNING"));
  EXPECT_EQ(Describe("one", second).StringOr("JobRunState", ""), "WAITING");
  backend.End(Sandbox(first), 0);
  ASSERT_TRUE(Reaches("one", first, "SUCCEEDED"));
  ASSERT_TRUE(Reaches("one", second, "RUNNING"));
  EXPECT_EQ(Describe("one", third).StringOr("JobRunState", ""), "WAITING");
  const Json ids =
      Json::Object{{"JobName", "one"}, {"JobRunIds", Json::Array{second, third, "jr_x"}}};
  const Json answer = world.Ask("glue", "BatchStopJobRun", ids).value();
  EXPECT_EQ(answer["SuccessfulSubmissions"].size(), 2u);
  EXPECT_EQ(answer["Errors"].At(0)["ErrorDetail"].StringOr("ErrorCode", ""),
            "EntityNotFoundException");
  ASSERT_TRUE(Reaches("one", second, "STOPPED"));
  ASSERT_TRUE(Reaches("one", third, "STOPPED"));
  EXPECT_EQ(Start("one").size(), 67u);
}

TEST_F(GlueTest, InOrderWithinOneMillisecond) {
  program = [](const JobSpec&) {
    FakeRun run;
    run.is_endless = true;
    return run;
  };
  world.StopClock();
  Create(Definition("one"));
  const Json queued = Json::Object{{"JobName", "one"}, {"JobRunQueuingEnabled", true}};
  std::vector<std::string> runs;
  for (int i = 0; i < 12; ++i) runs.push_back(Start(queued));
  Json::Array newest_first;
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) newest_first.emplace_back(*run);
  Json::Array listed;
  Json page = Json::Object{{"JobName", "one"}, {"MaxResults", 5}};
  for (;;) {
    const Json answer = world.Ask("glue", "GetJobRuns", page).value();
    for (const Json& run : ItemsOf(answer["JobRuns"])) listed.push_back(run["Id"]);
    if (!answer.Has("NextToken")) break;
    page = page.With("NextToken", answer["NextToken"]);
  }
  EXPECT_EQ(Json(listed), Json(newest_first));
  for (const std::string& run : runs) {
    ASSERT_TRUE(Reaches("one", run, "RUNNING")) << run;
    backend.End(Sandbox(run), 0);
    ASSERT_TRUE(Reaches("one", run, "SUCCEEDED"));
  }
}

TEST_F(GlueTest, CreatedTwice) {
  const Json definition = Definition("preprocess").With("Tags", Parsed(R"({"team": "数"})"));
  Create(definition);
  EXPECT_EQ(world.Ask("glue", "CreateJob", definition).value().StringOr("Name", ""), "preprocess");
  Start("preprocess");
  EXPECT_TRUE(world.Ask("glue", "CreateJob", definition));
  EXPECT_EQ(Refused("CreateJob", definition.With("MaxRetries", 1)),
            "IdempotentParameterMismatchException: Job preprocess already submitted with different "
            "configuration");
  const Json name = Json::Object{{"JobName", "preprocess"}};
  const Json job = world.Ask("glue", "GetJob", name).value()["Job"];
  EXPECT_EQ(job["ExecutionProperty"].IntOr("MaxConcurrentRuns", 0), 1);
  EXPECT_FALSE(job.Has("Own"));
  const Json update =
      Json::Object{{"JobName", "preprocess"},
                   {"JobUpdate", definition.Without("Name").Without("Tags").With("Timeout", 5)}};
  EXPECT_EQ(world.Ask("glue", "UpdateJob", update).value().StringOr("JobName", ""), "preprocess");
  EXPECT_EQ(world.Ask("glue", "GetJob", name).value()["Job"].IntOr("Timeout", 0), 5);
  const std::string arn = "arn:aws:glue:us-east-1:000000000000:job/preprocess";
  const Json tags = Json::Object{{"ResourceArn", arn}, {"TagsToAdd", Parsed(R"({"k": "v"})")}};
  EXPECT_TRUE(world.Ask("glue", "TagResource", tags));
  const Json by_tag = Json::Object{{"Tags", Parsed(R"({"k": "v"})")}};
  EXPECT_EQ(world.Ask("glue", "ListJobs", by_tag).value()["JobNames"].size(), 1u);
  EXPECT_EQ(world.Ask("glue", "GetTags", Json::Object{{"ResourceArn", arn}}).value()["Tags"],
            Parsed(R"({"team": "数", "k": "v"})"));
  EXPECT_TRUE(world.Ask("glue", "DeleteJob", name));
  EXPECT_TRUE(world.Ask("glue", "DeleteJob", name));
  EXPECT_EQ(Refused("GetJob", name),
            "EntityNotFoundException: Job with name: preprocess not found.");
  EXPECT_EQ(Refused("StartJobRun", name),
            "EntityNotFoundException: Failed to start job run due to missing metadata");
}

TEST_F(GlueTest, Refusals) {
  const auto refused = [&](const Json& definition) { return Refused("CreateJob", definition); };
  const Json plain = Definition("j");
  EXPECT_EQ(refused(plain.With("WorkerType", "G.1X").With("NumberOfWorkers", 2)),
            "InvalidInputException: Worker Type is not supported for Job Command pythonshell");
  EXPECT_EQ(refused(plain.With("MaxCapacity", 2)),
            "InvalidInputException: Max Capacity of a pythonshell job must be 0.0625 or 1, not 2");
  EXPECT_EQ(refused(plain.With("Command",
                               Parsed(R"({"Name": "glueray", "ScriptLocation": "s3://b/k"})"))),
            "InvalidInputException: The job command glueray is not available here");
  EXPECT_EQ(refused(plain.With("DefaultArguments", Parsed(R"({"--job-language": "scala"})"))),
            "InvalidInputException: --job-language scala is not available here");
  EXPECT_EQ(refused(plain.With("Timeout", 20000)),
            "InvalidInputException: Timeout must be between 1 and 10080 minutes, not 20000");
  const Json spark =
      plain.With("Command", Parsed(R"({"Name": "glueetl", "ScriptLocation": "s3://b/k"})"));
  EXPECT_EQ(refused(spark.With("WorkerType", "G.1X")),
            "InvalidInputException: Please set both Worker Type and Number of Workers.");
  EXPECT_EQ(WithDefaults(spark.With("WorkerType", "G.2X").With("NumberOfWorkers", 3))["MaxCapacity"]
                .AsDouble(),
            6);
}

}  // namespace
}  // namespace stepmill::glue
