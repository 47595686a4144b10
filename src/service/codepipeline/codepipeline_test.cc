#include "service/codepipeline/codepipeline.h"

#include <gtest/gtest.h>

#include "app/test_world.h"
#include "archive/libarchive/libarchive.h"
#include "base/strings.h"
#include "blob/memory/memory_blobs.h"
#include "gate/model.h"
#include "json/each.h"
#include "lang/pattern/pattern.h"
#include "service/codecommit/codecommit.h"
#include "service/codeconnections/codeconnections.h"
#include "service/codepipeline/declaration.h"

namespace stepmill::codepipeline {
namespace {

/// What the stand-ins for other services were asked, and how they answer.
struct Theatre {
  std::vector<Json> builds, executions;
  std::vector<std::string> objects, stopped_builds;
  std::string build_status = "SUCCEEDED";
};
Theatre* theatre = nullptr;

Task<Json> StartBuildForPipeline(Call& call) {
  theatre->builds.push_back(call.input);
  const std::string id = "p:" + std::to_string(theatre->builds.size());
  const std::string arn = call.Arn("codebuild", "build/" + id);
  call.batch.events.push_back(MakeEvent("aws.codebuild", "CodeBuild Build State Change",
                                        call.account, call.region, {},
                                        Json::Object{{"project-name", call.input["projectName"]},
                                                     {"build-id", arn},
                                                     {"build-status", theatre->build_status}}));
  co_return Json::Object{{"build", Json::Object{{"id", id}, {"arn", arn}}}};
}
Task<Json> BatchGetBuilds(Call& call) {
  const Json variable = Json::Object{{"name", "IMAGE"}, {"value", "repo:1"}};
  co_return Json::Object{
      {"builds", Json(Json::Array{Json::Object{
                     {"id", call.input["ids"].At(0)},
                     {"buildStatus", theatre->build_status},
                     {"exportedEnvironmentVariables", Json(Json::Array{variable})}}})}};
}
Task<Json> StopBuild(Call& call) {
  theatre->stopped_builds.push_back(call.input.StringOr("id", "") + " as " + call.principal.arn);
  co_return Json::Object{};
}
Task<Json> StartExecution(Call& call) {
  theatre->executions.push_back(call.input);
  co_return Json::Object{{"executionArn", "x"}};
}
Task<Json> DescribeExecution(Call& call) {
  co_return Json::Object{{"executionArn", call.input["executionArn"]},
                         {"status", "SUCCEEDED"},
                         {"output", "{\"done\":true}"}};
}
Task<Json> PutObject(Call& call) {
  MILL_CO_TRY(const std::string bytes, co_await ReadAll(*call.body, 1 << 20));
  theatre->objects.push_back(call.input.StringOr("Key", "") + " " + bytes.substr(0, 2));
  call.batch.PutDocument(call.KeyFor({"s3", call.input.StringOr("Key", "")}), Json::Object{});
  co_return Json::Object{};
}

constexpr Operation kBuildRows[] = {
    {.name = "StartBuildForPipeline",
     .handler = StartBuildForPipeline,
     .action = "codebuild:StartBuild",
     .is_internal = true},
    {.name = "StopBuild", .handler = StopBuild, .action = "codebuild:StopBuild"},
    {.name = "BatchGetBuilds", .handler = BatchGetBuilds, .action = "codebuild:BatchGetBuilds"}};
constexpr Operation kStatesRows[] = {
    {.name = "StartExecution", .handler = StartExecution, .action = "states:StartExecution"},
    {.name = "DescribeExecution",
     .handler = DescribeExecution,
     .action = "states:DescribeExecution"}};
constexpr Operation kObjectRows[] = {
    {.name = "PutObject", .handler = PutObject, .action = "s3:PutObject", .is_internal = true}};
const Service kBuilds{.name = "codebuild",
                      .host = "codebuild.amazonaws.com",
                      .model = &models::kCodebuild,
                      .operations = kBuildRows};
const Service kStates{.name = "states",
                      .host = "states.amazonaws.com",
                      .model = &models::kStepfunctions,
                      .operations = kStatesRows};
const Service kObjects{.name = "s3", .host = "s3.amazonaws.com", .operations = kObjectRows};

bool Matches(const Json& pattern, const Json& event) {
  const auto compiled = pattern::Compile(pattern.Print());
  return compiled && compiled->Matches(event);
}

constexpr const char* kPipeline = R"({
  "name": "demo", "roleArn": "arn:aws:iam::000000000000:role/pipeline",
  "artifactStore": {"type": "S3", "location": "artifacts"},
  "pipelineType": "V2",
  "stages": [
    {"name": "Source", "actions": [{"name": "Checkout", "namespace": "Src",
      "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "CodeStarSourceConnection", "version": "1"},
      "configuration": {"ConnectionArn": "CONNECTION", "FullRepositoryId": "local/demo",
                        "BranchName": "dev", "OutputArtifactFormat": "CODE_ZIP"},
      "outputArtifacts": [{"name": "SourceArtifact"}]}]},
    {"name": "Build", "actions": [{"name": "Image", "namespace": "BuildVariables",
      "actionTypeId": {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"},
      "configuration": {"ProjectName": "p",
        "EnvironmentVariables": "[{\"name\":\"COMMIT\",\"value\":\"#{Src.CommitId}\",\"type\":\"PLAINTEXT\"}]"},
      "inputArtifacts": [{"name": "SourceArtifact"}], "outputArtifacts": [{"name": "BuildArtifact"}]}]},
    {"name": "Execute", "actions": [{"name": "Run",
      "actionTypeId": {"category": "Invoke", "owner": "AWS", "provider": "StepFunctions", "version": "1"},
      "configuration": {"StateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:sm",
                        "Input": "{\"image\":\"#{BuildVariables.IMAGE}\"}"},
      "inputArtifacts": [{"name": "SourceArtifact"}], "outputArtifacts": [{"name": "Result"}]}]}]})";

class CodePipelineTest : public testing::Test {
 protected:
  CodePipelineTest()
      : blobs(pool_holder.loop.random()),
        archive(pool_holder.pool()),
        world({&kService, &codecommit::kService, &codeconnections::kService, &kBuilds, &kStates,
               &kObjects},
              &blobs, &archive, Matches) {
    theatre = &stage;
    EXPECT_TRUE(world.Run(world.engine().Recover()).has_value());
  }

  Json Ask(const char* service, const char* operation, Json input, bool is_internal = false) {
    const Result<Json> answer = world.Ask(service, operation, std::move(input), is_internal);
    EXPECT_TRUE(answer.has_value())
        << operation << ": " << answer.error().name << " " << answer.error().message;
    return answer ? *answer : Json();
  }
  std::string Refused(const char* operation, Json input) {
    const Result<Json> answer = world.Ask("codepipeline", operation, std::move(input));
    return answer ? "accepted" : answer.error().name;
  }
  /// A repository with dev, a connection, and the declaration that follows them.
  Json Prepare() {
    Ask("codecommit", "CreateRepository", Json::Object{{"repositoryName", "demo"}});
    const std::string bare =
        Ask("codecommit", "GitPush", Json::Object{{"repositoryName", "demo"}}, true)
            .StringOr("path", "");
    world.Shell("git clone -q '" + bare + "' work");
    Push("first");
    const Json made = Ask("codeconnections", "CreateConnection",
                          Json::Object{{"ConnectionName", "c"}, {"ProviderType", "GitHub"}});
    return ParseJson(ReplaceAll(kPipeline, "CONNECTION", made.StringOr("ConnectionArn", "")))
        .value();
  }
  void Push(const std::string& message) {
    commit = world.Shell("cd work; git checkout -q -B dev; echo " + message + " > x; git add .; " +
                         "git commit -q -m " + message + "; git push -q origin dev; " +
                         "git rev-parse HEAD");
    Ask("codecommit", "PublishRefs", Json::Object{{"repositoryName", "demo"}}, true);
  }
  Json Newest() {
    return Ask("codepipeline", "ListPipelineExecutions",
               Json::Object{{"pipelineName", "demo"}})["pipelineExecutionSummaries"];
  }
  /// Waits until `count` executions are there and the newest has this status.
  bool Reaches(size_t count, const std::string& status) {
    return world.RunUntil([&] {
      const Json all = Newest();
      return all.size() == count && all.At(0).StringOr("status", "") == status;
    });
  }

  struct PoolHolder {
    io::Loop loop{1};
    asio::thread_pool& pool() { return loop.pool(); }
  } pool_holder;
  Theatre stage;
  MemoryBlobs blobs;
  Libarchive archive;
  TestWorld world;
  std::string commit;
};

TEST_F(CodePipelineTest, RunsTheChainAtCreationAndAtEachPush) {
  const Json declaration = Prepare();
  const Json made = Ask("codepipeline", "CreatePipeline", Json::Object{{"pipeline", declaration}});
  EXPECT_EQ(made["pipeline"].IntOr("version", 0), 1);
  ASSERT_TRUE(Reaches(1, "Succeeded")) << Newest().PrintPretty();
  ASSERT_EQ(stage.builds.size(), 1u);
  EXPECT_EQ(stage.builds[0]["environmentVariables"].At(0).StringOr("value", ""), commit);
  EXPECT_EQ(stage.builds[0].StringOr("resolvedSourceVersion", ""), commit);
  ASSERT_EQ(stage.executions.size(), 1u);
  EXPECT_EQ(stage.executions[0].StringOr("input", ""), "{\"image\":\"repo:1\"}");
  ASSERT_EQ(stage.objects.size(), 2u);  // the source and the execution's output, as zips
  EXPECT_TRUE(stage.objects[0].starts_with("demo/SourceArti/"));
  EXPECT_TRUE(stage.objects[0].ends_with(" PK"));
  const Json statuses =
      Ask("codecommit", "ListCommitStatuses",
          Json::Object{{"repositoryName", "demo"}, {"commitId", commit}})["statuses"];
  ASSERT_EQ(statuses.size(), 1u);
  EXPECT_EQ(statuses.At(0).StringOr("state", ""), "success");

  Push("second");
  ASSERT_TRUE(Reaches(2, "Succeeded")) << Newest().PrintPretty();
  EXPECT_EQ(Newest().At(0)["trigger"].StringOr("triggerType", ""), "WebhookV2");
  EXPECT_EQ(Newest().At(0)["sourceRevisions"].At(0).StringOr("revisionId", ""), commit);
  const Json state =
      Ask("codepipeline", "GetPipelineState", Json::Object{{"name", "demo"}})["stageStates"];
  ASSERT_EQ(state.size(), 3u);
  for (const Json& one : state.items())
    EXPECT_EQ(one["latestExecution"].StringOr("status", ""), "Succeeded");
  EXPECT_EQ(
      state.At(1)["actionStates"].At(0)["latestExecution"].StringOr("externalExecutionId", ""),
      "p:2");
  EXPECT_EQ(Ask("codepipeline", "ListActionExecutions",
                Json::Object{{"pipelineName", "demo"}})["actionExecutionDetails"]
                .size(),
            6u);
}

TEST_F(CodePipelineTest, AFailedBuildStopsItAndARetryGoesOn) {
  const Json declaration = Prepare();
  stage.build_status = "FAILED";
  Ask("codepipeline", "CreatePipeline", Json::Object{{"pipeline", declaration}});
  ASSERT_TRUE(Reaches(1, "Failed"));
  EXPECT_TRUE(stage.executions.empty());
  const std::string id = Newest().At(0).StringOr("pipelineExecutionId", "");
  const Json action = Ask("codepipeline", "ListActionExecutions",
                          Json::Object{{"pipelineName", "demo"}})["actionExecutionDetails"]
                          .At(0);
  EXPECT_EQ(action["output"]["executionResult"]["errorDetails"].StringOr("message", ""),
            "Build terminated with state: FAILED");
  const Json retry = Json::Object{{"pipelineName", "demo"},
                                  {"stageName", "Build"},
                                  {"pipelineExecutionId", id},
                                  {"retryMode", "FAILED_ACTIONS"}};
  EXPECT_EQ(Refused("RetryStageExecution", retry.With("stageName", "Execute")),
            "NotLatestPipelineExecutionException");
  stage.build_status = "SUCCEEDED";
  Ask("codepipeline", "RetryStageExecution", retry);
  ASSERT_TRUE(Reaches(1, "Succeeded")) << Newest().PrintPretty();
  EXPECT_EQ(stage.builds.size(), 2u);
  EXPECT_EQ(stage.objects.size(), 2u);  // the source was not read again
}

TEST_F(CodePipelineTest, ApprovalTransitionsAndStop) {
  Json declaration = Prepare();
  Json approval = ParseJson(R"({"name": "Ask", "actions": [{"name": "Human",
    "actionTypeId": {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"}}]})")
                      .value();
  Json::Array stages{declaration["stages"].At(0), approval};
  declaration = declaration.With("stages", stages);
  Ask("codepipeline", "CreatePipeline", Json::Object{{"pipeline", declaration}});
  const auto human = [&] {
    return Ask("codepipeline", "GetPipelineState", Json::Object{{"name", "demo"}})["stageStates"]
        .At(1)["actionStates"]
        .At(0)["latestExecution"];
  };
  ASSERT_TRUE(world.RunUntil([&] { return human().Has("token"); }));
  const std::string first = Newest().At(0).StringOr("pipelineExecutionId", "");
  // Two more: the second waits in front of the stage until the third supersedes it.
  Push("b");
  ASSERT_TRUE(world.RunUntil([&] {
    return Ask("codepipeline", "GetPipelineState", Json::Object{{"name", "demo"}})["stageStates"]
        .At(1)
        .Has("inboundExecution");
  }));
  Push("c");
  ASSERT_TRUE(world.RunUntil([&] {
    const Json all = Newest();
    return all.size() == 3 && all.At(1).StringOr("status", "") == "Superseded";
  })) << Newest().PrintPretty();
  const Json result = Json::Object{{"status", "Approved"}, {"summary", "よし"}};
  const Json put = Json::Object{
      {"pipelineName", "demo"}, {"stageName", "Ask"}, {"actionName", "Human"}, {"result", result}};
  EXPECT_EQ(Refused("PutApprovalResult", put.With("token", "00000000-0000-4000-8000-000000000000")),
            "InvalidApprovalTokenException");
  Ask("codepipeline", "DisableStageTransition",
      Json::Object{{"pipelineName", "demo"},
                   {"stageName", "Ask"},
                   {"transitionType", "Inbound"},
                   {"reason", "hold"}});
  Ask("codepipeline", "PutApprovalResult", put.With("token", human()["token"]));
  ASSERT_TRUE(world.RunUntil([&] { return Newest().At(2).StringOr("status", "") == "Succeeded"; }));
  EXPECT_EQ(human().StringOr("actionExecutionId", "").size(), 36u);
  EXPECT_FALSE(human().Has("token"));  // held in front of the stage
  Ask("codepipeline", "EnableStageTransition",
      Json::Object{{"pipelineName", "demo"}, {"stageName", "Ask"}, {"transitionType", "Inbound"}});
  ASSERT_TRUE(world.RunUntil([&] { return human().Has("token"); }));
  const std::string third = Newest().At(0).StringOr("pipelineExecutionId", "");
  Ask("codepipeline", "StopPipelineExecution",
      Json::Object{{"pipelineName", "demo"}, {"pipelineExecutionId", third}, {"abandon", true}});
  ASSERT_TRUE(Reaches(3, "Stopped"));
  EXPECT_EQ(Refused("StopPipelineExecution",
                    Json::Object{{"pipelineName", "demo"}, {"pipelineExecutionId", first}}),
            "PipelineExecutionNotStoppableException");
}

TEST_F(CodePipelineTest, AnAbandonedActionStopsItsBuild) {
  const Json declaration = Prepare();
  stage.build_status = "IN_PROGRESS";
  Ask("codepipeline", "CreatePipeline", Json::Object{{"pipeline", declaration}});
  ASSERT_TRUE(world.RunUntil([&] { return stage.builds.size() == 1; }));
  const std::string id = Newest().At(0).StringOr("pipelineExecutionId", "");
  Ask("codepipeline", "StopPipelineExecution",
      Json::Object{{"pipelineName", "demo"}, {"pipelineExecutionId", id}, {"abandon", true}});
  ASSERT_TRUE(Reaches(1, "Stopped"));
  ASSERT_TRUE(world.RunUntil([&] { return !stage.stopped_builds.empty(); }));
  EXPECT_EQ(stage.stopped_builds,
            std::vector<std::string>(
                {"p:1 as arn:aws:sts::000000000000:assumed-role/pipeline/codepipeline-demo"}));
}

TEST_F(CodePipelineTest, UpdatesGrowTheVersionAndBadStructuresAreRefused) {
  const Json declaration = Prepare();
  Ask("codepipeline", "CreatePipeline", Json::Object{{"pipeline", declaration}});
  EXPECT_EQ(Refused("CreatePipeline", Json::Object{{"pipeline", declaration}}),
            "PipelineNameInUseException");
  const Json updated = Ask("codepipeline", "UpdatePipeline",
                           Json::Object{{"pipeline", declaration.With("version", 17)}});
  EXPECT_EQ(updated["pipeline"].IntOr("version", 0), 2);
  EXPECT_EQ(
      Ask("codepipeline", "GetPipeline", Json::Object{{"name", "demo"}, {"version", 1}})["pipeline"]
          .IntOr("version", 0),
      1);
  const auto refused = [&](const char* from, const char* to) {
    const Json changed = ParseJson(ReplaceAll(declaration.Print(), from, to)).value();
    return Refused("UpdatePipeline", Json::Object{{"pipeline", changed}});
  };
  EXPECT_EQ(refused("\"ProjectName\"", "\"Project\""), "InvalidActionDeclarationException");
  EXPECT_EQ(refused("\"provider\":\"CodeBuild\"", "\"provider\":\"Jenkins\""),
            "InvalidActionDeclarationException");
  EXPECT_EQ(refused("\"name\":\"Build\"", "\"name\":\"Source\""), "InvalidStructureException");
  EXPECT_EQ(refused("arn:aws:iam::000000000000:role/pipeline", "ROLE"), "ValidationException");
  Ask("codepipeline", "DeletePipeline", Json::Object{{"name", "demo"}});
  EXPECT_EQ(Refused("GetPipeline", Json::Object{{"name", "demo"}}), "PipelineNotFoundException");
}

}  // namespace
}  // namespace stepmill::codepipeline
