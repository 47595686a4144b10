#include "app/test_codebuild.h"

namespace stepmill::codebuild {
namespace {

TEST_F(CodeBuildTest, KeepsProjects) {
  const Json made = Ask("CreateProject", Project("demo", Inline("version: 0.2\n"), NoArtifacts()));
  EXPECT_EQ(made["project"].StringOr("arn", ""),
            "arn:aws:codebuild:us-east-1:000000000000:project/demo");
  EXPECT_EQ(made["project"].IntOr("timeoutInMinutes", 0), 60);
  EXPECT_EQ(Refused("CreateProject", Project("demo", Inline("x\n"), NoArtifacts())),
            "ResourceAlreadyExistsException: Project already exists: "
            "arn:aws:codebuild:us-east-1:000000000000:project/demo");
  EXPECT_TRUE(
      Refused("CreateProject", Project("d2", Json::Object{{"type", "GITHUB"}}, NoArtifacts()))
          .starts_with("InvalidInputException: Location is required"));
  Ask("UpdateProject", Json::Object{{"name", "demo"}, {"timeoutInMinutes", 5}});
  const Json got =
      Ask("BatchGetProjects", Json::Object{{"names", Json(Json::Array{"demo", "none"})}});
  EXPECT_EQ(got["projects"].At(0).IntOr("timeoutInMinutes", 0), 5);
  EXPECT_EQ(got["projectsNotFound"].Print(), "[\"none\"]");
  EXPECT_EQ(Ask("ListProjects", Json::Object{})["projects"].Print(), "[\"demo\"]");
  EXPECT_TRUE(Refused("StartBuild", Json::Object{{"projectName", "none"}})
                  .starts_with("ResourceNotFoundException: Project cannot be found"));
  Ask("DeleteProject", Json::Object{{"name", "demo"}});
  EXPECT_EQ(Ask("ListProjects", Json::Object{})["projects"].size(), 0u);
}

TEST_F(CodeBuildTest, RunsPhasesAndMasksSecrets) {
  test::kept().parameters["/common/key"] = "tr0ub4dor";
  Ask("CreateProject", Project("demo", Inline(R"(version: 0.2
env:
  variables: {FROM_SPEC: s, FROM_PROJECT: hidden-by-the-project}
  parameter-store: {KEY: /common/key}
  exported-variables: [TAG, KEY]
phases:
  pre_build:
    commands:
      - TAG=v1; cd /
      - echo "こんにちは $FROM_SPEC $FROM_PROJECT $KEY"
  build:
    commands:
      - sh -c 'echo tag $TAG in $PWD number $CODEBUILD_BUILD_NUMBER'
)"),
                               NoArtifacts()));
  const Json build = Finish(Ask("StartBuild", Json::Object{{"projectName", "demo"}}));
  EXPECT_EQ(build.StringOr("buildStatus", ""), "SUCCEEDED");
  EXPECT_EQ(Phases(build),
            "SUBMITTED=SUCCEEDED QUEUED=SUCCEEDED PROVISIONING=SUCCEEDED DOWNLOAD_SOURCE=SUCCEEDED "
            "INSTALL=SUCCEEDED PRE_BUILD=SUCCEEDED BUILD=SUCCEEDED POST_BUILD=SUCCEEDED "
            "UPLOAD_ARTIFACTS=SUCCEEDED FINALIZING=SUCCEEDED COMPLETED= ");
  EXPECT_EQ(build["exportedEnvironmentVariables"].Print(), R"([{"name":"TAG","value":"v1"}])");
  const std::string log = Log(build);
  EXPECT_NE(log.find("> Running command echo \"こんにちは $FROM_SPEC $FROM_PROJECT $KEY\"\n"
                     "こんにちは s p ***\n"
                     "> Phase complete: PRE_BUILD State: SUCCEEDED\n"),
            std::string::npos)
      << log;
  EXPECT_NE(log.find("\ntag v1 in / number 1\n"), std::string::npos) << log;
  EXPECT_EQ(log.find("tr0ub4dor"), std::string::npos);
  EXPECT_NE(log.find("> Phase complete: UPLOAD_ARTIFACTS State: SUCCEEDED"), std::string::npos);
  EXPECT_EQ(steps.removed.size(), 1u);
  EXPECT_EQ(steps.specs[0].role_arn, kRole);
  EXPECT_EQ(Ask("ListBuildsForProject", Json::Object{{"projectName", "demo"}})["ids"].At(0),
            build["id"]);
}

TEST_F(CodeBuildTest, FailsAsCodeBuildDoes) {
  Ask("CreateProject", Project("demo",
                               Inline("version: 0.2\nphases:\n  build:\n    commands: ["
                                      "'exit 7', never]\n  post_build:\n    commands: "
                                      "['echo ok=$CODEBUILD_BUILD_SUCCEEDING']\n"),
                               NoArtifacts()));
  const Json build = Finish(Ask("StartBuild", Json::Object{{"projectName", "demo"}}));
  EXPECT_EQ(build.StringOr("buildStatus", ""), "FAILED");
  EXPECT_NE(Phases(build).find("BUILD=FAILED POST_BUILD=SUCCEEDED UPLOAD_ARTIFACTS=SUCCEEDED"),
            std::string::npos);
  EXPECT_EQ(build["phases"].At(6)["contexts"].At(0).StringOr("message", ""),
            "Error while executing command: exit 7. Reason: exit status 7");
  const std::string log = Log(build);
  EXPECT_NE(log.find("> Command did not exit successfully exit 7 exit status 7\n"),
            std::string::npos)
      << log;
  EXPECT_NE(log.find("\nok=0\n"), std::string::npos) << log;
  const Json retried = Finish(Ask("RetryBuild", Json::Object{{"id", build["id"]}}));
  EXPECT_EQ(retried.IntOr("buildNumber", 0), 2);
}

TEST_F(CodeBuildTest, SaysWhyItCannotBegin) {
  steps.images_missing["nowhere:1"] = "image 'nowhere:1' is not there: stepmill images add";
  Ask("CreateProject",
      Project("demo", Inline("version: 0.2\nphases: {biuld: {}}\n"), NoArtifacts()));
  Json build = Finish(Ask("StartBuild", Json::Object{{"projectName", "demo"}}));
  EXPECT_EQ(build.StringOr("buildStatus", ""), "FAILED");
  EXPECT_EQ(build["phases"].At(3)["contexts"].At(0)["statusCode"], Json("YAML_FILE_ERROR"));
  build = Finish(
      Ask("StartBuild", Json::Object{{"projectName", "demo"}, {"imageOverride", "nowhere:1"}}));
  EXPECT_EQ(build["phases"].At(2)["contexts"].At(0).StringOr("message", ""),
            "image 'nowhere:1' is not there: stepmill images add");
  EXPECT_NE(Log(build).find("nowhere:1"), std::string::npos) << Log(build);
  build = Finish(Ask("StartBuild", Json::Object{{"projectName", "demo"},
                                                {"buildspecOverride",
                                                 "version: 0.2\nenv: {parameter-store: {A: /no}}\n"
                                                 "phases: {build: {commands: [a]}}\n"}}));
  EXPECT_EQ(build["phases"].At(3)["contexts"].At(0).StringOr("message", ""),
            "parameter does not exist: /no");
}

TEST_F(CodeBuildTest, TakesAndGivesArtifactsOfAPipeline) {
  const std::string source = world.Shell(
      "mkdir src && cd src && mkdir out && printf 'version: 0.2\\nphases:\\n  build:\\n    "
      "commands:\\n      - cat README\\n      - echo made > out/made.txt\\nartifacts:\\n  "
      "base-directory: out\\n  files: [\"**/*\"]\\n' > buildspec.yml && echo words > README && "
      "python3 -m zipfile -c ../src.zip . >/dev/null && cat ../src.zip | base64 -w0");
  ASSERT_FALSE(source.empty());
  test::kept().objects["bucket/in.zip"] = *Unbase64(source);
  Ask("CreateProject", Project("piped", Json::Object{{"type", "CODEPIPELINE"}},
                               Json::Object{{"type", "CODEPIPELINE"}}));
  EXPECT_TRUE(Refused("StartBuild", Json::Object{{"projectName", "piped"}})
                  .starts_with("InvalidInputException: Build with source type CODEPIPELINE"));
  const Json in = Json::Object{{"name", "Source"}, {"bucket", "bucket"}, {"key", "in.zip"}};
  const Json out = Json::Object{{"name", "Built"}, {"bucket", "bucket"}, {"key", "out.zip"}};
  const Json build = Finish(Ask("StartBuildForPipeline",
                                Json::Object{{"projectName", "piped"},
                                             {"initiator", "codepipeline/p"},
                                             {"inputArtifacts", Json(Json::Array{in})},
                                             {"primarySource", "Source"},
                                             {"outputArtifacts", Json(Json::Array{out})},
                                             {"sourceVersion", "arn:aws:s3:::bucket/in.zip"},
                                             {"resolvedSourceVersion", "abc"}},
                                true));
  EXPECT_EQ(build.StringOr("buildStatus", ""), "SUCCEEDED") << Log(build);
  EXPECT_EQ(build.StringOr("initiator", ""), "codepipeline/p");
  EXPECT_EQ(build.StringOr("resolvedSourceVersion", ""), "abc");
  EXPECT_NE(Log(build).find("\nwords\n"), std::string::npos) << Log(build);
  EXPECT_NE(Log(build).find("> Found 1 file(s)"), std::string::npos) << Log(build);
  EXPECT_NE(test::kept().objects["bucket/out.zip"].find("made.txt"), std::string::npos);
}

}  // namespace
}  // namespace stepmill::codebuild
