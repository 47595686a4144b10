#include <gtest/gtest.h>

#include <algorithm>

#include "app/test_backend.h"
#include "app/test_services.h"
#include "app/test_world.h"
#include "archive/libarchive/libarchive.h"
#include "blob/memory/memory_blobs.h"
#include "service/codebuild/codebuild.h"
#include "service/codebuild/webhook_filter.h"
#include "service/codecommit/codecommit.h"
#include "store/events.h"

namespace stepmill::codebuild {
namespace {

Json Parsed(const std::string& text) { return ParseJson(text).value(); }

bool Matches(const Json& pattern, const Json& event) {
  bool has_type = false;
  for (const Json& type : ItemsOf(pattern["detail-type"]))
    has_type = has_type || type == event["detail-type"];
  const Json& project = pattern["detail"]["project-name"];
  const Json& execution_arn = pattern["detail"]["executionArn"];
  if (execution_arn.is_array() && execution_arn.At(0) != event["detail"]["executionArn"])
    return false;
  return has_type && pattern["source"].At(0) == event["source"] &&
         (!project.is_array() || project.At(0) == event["detail"]["project-name"]);
}

Json& execution() {
  static Json value;
  return value;
}
Task<Json> DescribeExecution(Call&) { co_return execution(); }
constexpr Operation kStatesRows[] = {{.name = "DescribeExecution",
                                      .handler = DescribeExecution,
                                      .action = "test:Any",
                                      .is_internal = true}};
const Service kStates{.name = "states", .host = "states", .operations = kStatesRows};

class WebhookTest : public testing::Test {
 protected:
  WebhookTest()
      : folder(Folder()),
        steps(folder + "/jobs"),
        archive(pool),
        world({&kService, &codecommit::kService, &kStates, &test::kLogs, &test::kSsm, &test::kS3},
              &blobs, &archive, Matches, &steps) {
    test::kept() = {};
    EXPECT_TRUE(world.Run(world.engine().Recover()));
  }
  ~WebhookTest() override { std::filesystem::remove_all(folder); }
  static std::string Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "webhook-XXXXXX").string();
    return ::mkdtemp(pattern.data());
  }

  Json Ask(const char* service, const char* operation, Json input, bool is_internal = false) {
    const Result<Json> answer = world.Ask(service, operation, std::move(input), is_internal);
    EXPECT_TRUE(answer.has_value()) << operation << ": " << answer.error().message;
    return answer ? *answer : Json();
  }
  std::string Refused(const char* operation, const char* input) {
    const Result<Json> answer = world.Ask("codebuild", operation, Parsed(input));
    return answer ? "accepted" : answer.error().name + ": " + answer.error().message;
  }
  /// A repository with main and feature, and a project over it.
  void Prepare(const std::string& more = "") {
    Ask("codecommit", "CreateRepository", Json::Object{{"repositoryName", "demo"}});
    const Json path = Ask("codecommit", "GitPush", Json::Object{{"repositoryName", "demo"}}, true);
    bare = path.StringOr("path", "");
    feature =
        world.Shell("git clone -q '" + bare +
                    "' work; cd work; git checkout -q -b main; printf 'version: "
                    "0.2\\nphases: {build: {commands: [\"env | grep CODEBUILD_WEBHOOK | "
                    "sort\", \"cat y; sh ./more.sh\"]}}\\n' > buildspec.yml; echo : > more.sh; git "
                    "add .; git commit -q "
                    "-m first; git push -q origin main; git checkout -q -b feature; echo 2 > "
                    "y; git add .; git commit -q -m 'the change'; git push -q origin feature; "
                    "git rev-parse HEAD");
    ASSERT_EQ(feature.size(), 40u);
    Publish();
    Ask("codebuild", "CreateProject",
        Parsed(R"({"name": "demo", "artifacts": {"type": "NO_ARTIFACTS"},
          "source": {"type": "GITHUB", "location": "https://github.com/local/demo.git"},
          "environment": {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0",
                          "computeType": "BUILD_GENERAL1_SMALL"},
          "serviceRole": "arn:aws:iam::000000000000:role/build")" +
               more + "}"));
  }
  void Publish() {
    Ask("codecommit", "PublishRefs", Json::Object{{"repositoryName", "demo"}}, true);
  }
  void OpenPull() {
    Ask("codecommit", "CreatePullRequest", Parsed(R"({"title": "機能", "targets":
      [{"repositoryName": "demo", "sourceReference": "feature", "destinationReference": "main"}]})"));
  }
  Json Builds() {
    const Json ids = Ask("codebuild", "ListBuilds", Parsed(R"({"sortOrder": "ASCENDING"})"))["ids"];
    if (ids.size() == 0) return Json(Json::Array());
    return Ask("codebuild", "BatchGetBuilds", Json::Object{{"ids", ids}})["builds"];
  }
  /// The builds once there are `count` and all have ended.
  Json Ended(size_t count) {
    Json builds;
    EXPECT_TRUE(world.RunUntil([&] {
      builds = Builds();
      return builds.size() >= count &&
             std::all_of(builds.items().begin(), builds.items().end(),
                         [](const Json& build) { return build.BoolOr("buildComplete", false); });
    }));
    return builds;
  }
  std::string Log(const Json& build) {
    const Json& logs = build["logs"];
    std::string out;
    for (const std::string& line :
         test::kept().logs[logs.StringOr("groupName", "") + " " + logs.StringOr("streamName", "")])
      out += line + "\n";
    return out;
  }
  Json Status(const std::string& commit, const char* context) {
    const Json answer = Ask("codecommit", "ListCommitStatuses",
                            Json::Object{{"repositoryName", "demo"}, {"commitId", commit}});
    for (const Json& status : ItemsOf(answer["statuses"]))
      if (status.StringOr("context", "") == context) return status;
    return Json();
  }

  std::string folder, bare, feature;
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

TEST_F(WebhookTest, APullRequestBuilds) {
  Prepare();
  const Json webhook = Ask("codebuild", "CreateWebhook", Parsed(R"({"projectName": "demo",
    "filterGroups": [[{"type": "EVENT", "pattern": "PULL_REQUEST_CREATED, PULL_REQUEST_UPDATED"},
                      {"type": "BASE_REF", "pattern": "^refs/heads/main$"}]]})"))["webhook"];
  EXPECT_EQ(webhook.StringOr("buildType", ""), "BUILD");
  EXPECT_TRUE(webhook.Has("payloadUrl"));
  EXPECT_EQ(Refused("CreateWebhook", R"({"projectName": "demo"})"),
            "ResourceAlreadyExistsException: Webhook already exists for project demo");
  OpenPull();
  Json build = Ended(1).At(0);
  EXPECT_EQ(build.StringOr("buildStatus", ""), "SUCCEEDED") << Log(build);
  EXPECT_EQ(build.StringOr("sourceVersion", ""), "pr/1");
  EXPECT_EQ(build.StringOr("resolvedSourceVersion", ""), feature);
  EXPECT_TRUE(build.StringOr("initiator", "").starts_with("GitHub-Hookshot/"));
  EXPECT_FALSE(build.Has("own"));
  const std::string log = Log(build);
  for (const char* line :
       {"CODEBUILD_WEBHOOK_ACTOR_ACCOUNT_ID=alice\n",
        "CODEBUILD_WEBHOOK_BASE_REF=refs/heads/main\n",
        "CODEBUILD_WEBHOOK_EVENT=PULL_REQUEST_CREATED\n",
        "CODEBUILD_WEBHOOK_HEAD_REF=refs/heads/feature\n", "CODEBUILD_WEBHOOK_TRIGGER=pr/1\n"})
    EXPECT_NE(log.find(line), std::string::npos) << line << log;
  const Json status = Status(feature, "AWS CodeBuild us-east-1 (demo)");
  EXPECT_EQ(status.StringOr("state", ""), "success");
  EXPECT_EQ(status.StringOr("description", ""), "Build succeeded for project demo");

  const std::string newer = world.Shell(
      "cd work; echo 'exit 3' > more.sh; git commit -q -a -m broken; "
      "git push -q origin feature; git rev-parse HEAD");
  Publish();
  build = Ended(2).At(1);
  EXPECT_EQ(build.StringOr("buildStatus", ""), "FAILED");
  EXPECT_EQ(build.StringOr("resolvedSourceVersion", ""), newer);
  EXPECT_EQ(Status(newer, "AWS CodeBuild us-east-1 (demo)").StringOr("description", ""),
            "Build failed for project demo");
  Ask("codebuild", "DeleteWebhook", Parsed(R"({"projectName": "demo"})"));
  EXPECT_EQ(Refused("DeleteWebhook", R"({"projectName": "demo"})"),
            "ResourceNotFoundException: Webhook does not exist for project demo");
}

TEST_F(WebhookTest, WhatABuildStartsIsFollowed) {
  Prepare();
  Ask("codebuild", "CreateWebhook", Parsed(R"({"projectName": "demo"})"));
  OpenPull();
  const Json build = Ended(1).At(0);
  const std::string id = build.StringOr("id", "");
  const std::string arn = "arn:aws:states:us-east-1:000000000000:execution:flow:e1";
  const std::string context = "AWS Step Functions us-east-1 (flow) e1";
  const Json caller = Json::Object{
      {"arn", "arn:aws:sts::000000000000:assumed-role/build/build-" + id.substr(id.find(':') + 1)}};
  const auto started = [&](const Json& identity) {
    const Json detail = Json::Object{{"eventName", "StartExecution"},
                                     {"userIdentity", identity},
                                     {"responseElements", Json::Object{{"executionArn", arn}}}};
    return Ask("codebuild", "OnExecutionStarted",
               Json::Object{{"event", Json::Object{{"detail", detail}}}}, true);
  };
  execution() = Parsed(R"({"status": "RUNNING"})");
  EXPECT_EQ(started(Json::Object{{"arn", "arn:aws:sts::000000000000:assumed-role/x/me"}}).size(),
            0u);
  EXPECT_EQ(started(caller).size(), 1u);
  EXPECT_EQ(started(caller).size(), 0u);
  EXPECT_TRUE(world.RunUntil(
      [&] { return Status(feature, context.c_str()).StringOr("state", "") == "pending"; }));
  Batch batch;
  batch.events.push_back(MakeEvent("aws.states", "Step Functions Execution Status Change",
                                   "000000000000", "us-east-1", {},
                                   Parsed(R"({"status": "FAILED", "error": "States.TaskFailed",
                 "cause": "{\"JobRunState\": \"FAILED\", \"ErrorMessage\": \"ValueError: no\"}"})")
                                       .With("executionArn", arn)));
  EXPECT_TRUE(world.Run(world.engine().Commit(std::move(batch))));
  EXPECT_TRUE(world.RunUntil(
      [&] { return Status(feature, context.c_str()).StringOr("state", "") == "failure"; }));
  EXPECT_EQ(Status(feature, context.c_str()).StringOr("description", ""),
            "Execution failed: States.TaskFailed: ValueError: no");
}

TEST_F(WebhookTest, SourceVersionsAndReportedStatus) {
  Prepare();
  OpenPull();
  world.Shell("cd work; git tag v1 main; git push -q origin v1");
  Ask("codebuild", "UpdateProject", Parsed(R"({"name": "demo", "source": {"type": "GITHUB",
    "location": "https://github.com/local/demo.git", "reportBuildStatus": true, "buildStatusConfig":
    {"context": "built ${CODEBUILD_INITIATOR} $CODEBUILD_BUILD_NUMBER $OTHER",
     "targetUrl": "https://example.com/$CODEBUILD_BUILD_NUMBER"}}})"));
  const std::string main = world.Shell("git -C '" + bare + "' rev-parse main");
  const std::pair<std::string, std::string> kVersions[] = {
      {"feature", feature},
      {"v1", main},
      {feature, feature},
      {"pr/1", feature},
      {"refs/pull/1/head", feature},
      {"refs/heads/feature^{" + main + "}", main}};
  for (const auto& [version, commit] : kVersions) {
    const Json started = Ask("codebuild", "StartBuild",
                             Json::Object{{"projectName", "demo"}, {"sourceVersion", version}});
    EXPECT_FALSE(started["build"].Has("resolvedSourceVersion"));
  }
  const Json builds = Ended(std::size(kVersions));
  for (const Json& build : builds.items()) {
    for (const auto& [version, commit] : kVersions) {
      if (build.StringOr("sourceVersion", "") != version) continue;
      EXPECT_EQ(build.StringOr("resolvedSourceVersion", ""), commit) << version;
    }
  }
  const Json status = Status(feature, "built alice 1 $OTHER");
  EXPECT_EQ(status.StringOr("state", ""), "success");
  EXPECT_EQ(status.StringOr("targetUrl", ""), "https://example.com/1");
}

TEST_F(WebhookTest, SourcesAreClones) {
  Prepare();
  world.Shell("cd work; git tag v1 main; git push -q origin v1");
  const std::string spec =
      "version: 0.2\nphases: {build: {commands: ['git rev-parse HEAD', 'git rev-list --count "
      "HEAD', "
      "'git tag', 'git config remote.origin.url', 'git status --porcelain']}}\n";
  const Json full = Json::Object{
      {"projectName", "demo"}, {"sourceVersion", "feature"}, {"buildspecOverride", spec}};
  Ask("codebuild", "StartBuild", full);
  Ask("codebuild", "StartBuild", full.With("gitCloneDepthOverride", 1));
  const Json builds = Ended(2);
  const auto output = [&](const Json& build) {
    std::string lines;
    const std::string log = Log(build);
    for (const std::string_view line : Split(log, '\n'))
      if (!line.starts_with("[Container]") && !line.empty()) lines += std::string(line) + "\n";
    return lines;
  };
  const std::string url = "https://github.com/local/demo.git\n";
  EXPECT_EQ(output(builds.At(0)), feature + "\n2\nv1\n" + url);
  EXPECT_EQ(output(builds.At(1)), feature + "\n1\n" + url);
}

TEST_F(WebhookTest, OneAtATime) {
  Prepare(R"(, "concurrentBuildLimit": 1)");
  const Json input = Parsed(R"({"projectName": "demo", "sourceVersion": "feature"})");
  Ask("codebuild", "StartBuild", input);
  const Json second = Ask("codebuild", "StartBuild", input)["build"];
  const Json third = Ask("codebuild", "StartBuild", input)["build"];
  EXPECT_EQ(second.StringOr("currentPhase", ""), "QUEUED");
  const Json stopped = Ask("codebuild", "StopBuild", Json::Object{{"id", third["id"]}});
  const Json builds = Ended(3);
  EXPECT_EQ(builds.At(1).StringOr("buildStatus", ""), "SUCCEEDED");
  EXPECT_EQ(builds.At(2).StringOr("buildStatus", ""), "STOPPED");
  EXPECT_EQ(builds.At(2)["phases"].At(1).StringOr("phaseStatus", ""), "STOPPED");
  EXPECT_GE(builds.At(1)["phases"].At(1)["endTime"].AsDouble(), builds.At(0)["endTime"].AsDouble());
  Batch queue;
  for (int i = 0; i < 5; ++i) {
    const std::string id = "demo:" + std::to_string(i);
    queue.PutDocument(
        MakeKey({"000000000000", "us-east-1", "codebuild", "waiting", "demo", "1", id}),
        Json::Object{{"id", id}});
  }
  EXPECT_TRUE(world.Run(world.ports().store.Commit(std::move(queue))));
  EXPECT_EQ(
      Refused("StartBuild", R"({"projectName": "demo"})"),
      "AccountLimitExceededException: Cannot have more than 5 builds in queue for the account");
  const Json deleted = Ask("codebuild", "BatchDeleteBuilds",
                           Json::Object{{"ids", Json::Array{third["id"], "demo:none"}}});
  EXPECT_EQ(deleted["buildsDeleted"].size(), 1u);
  EXPECT_EQ(deleted["buildsNotDeleted"].At(0).StringOr("statusCode", ""), "BUILD_NOT_FOUND");
}

TEST_F(WebhookTest, InOrderWithinOneMillisecond) {
  Prepare(R"(, "concurrentBuildLimit": 1)");
  world.StopClock();
  Json::Array started;
  for (int i = 0; i < 6; ++i)
    started.push_back(
        Ask("codebuild", "StartBuild", Json::Object{{"projectName", "demo"}})["build"]["id"]);
  const Json up = Parsed(R"({"sortOrder": "ASCENDING"})");
  EXPECT_EQ(Ask("codebuild", "ListBuilds", up)["ids"], Json(started));
  const Json project = up.With("projectName", "demo");
  EXPECT_EQ(Ask("codebuild", "ListBuildsForProject", project)["ids"], Json(started));
  const Json builds = Ended(started.size());
  ASSERT_EQ(steps.specs.size(), started.size());  // in the order in which they got their place
  for (size_t i = 0; i < builds.size(); ++i) {
    const std::string id = started[i].AsString();
    EXPECT_EQ(steps.specs[i].id.value, "build-" + id.substr(id.rfind(':') + 1));
    EXPECT_EQ(builds.At(i).IntOr("buildNumber", 0), static_cast<int64_t>(i) + 1);
  }
}

TEST(WebhookFilter, Groups) {
  Happening push;
  push.event = "PUSH";
  push.actor = "alice";
  push.head_ref = "refs/heads/dev";
  push.paths = {"src/a.py", "README.md"};
  push.commit_message = "fix [build] it";
  Happening pull;
  pull.event = "PULL_REQUEST_UPDATED";
  pull.actor = "bob";
  pull.head_ref = "refs/heads/x";
  pull.base_ref = "refs/heads/dev";
  pull.pull_request_number = "7";
  const auto wants = [](const std::string& groups, const Happening& happening) {
    return Wants(Parsed(groups), "", happening);
  };
  const auto filter = [](const char* type, const char* pattern, bool is_excluded = false) {
    return std::string(R"({"type": ")") + type + R"(", "pattern": ")" + pattern +
           R"(", "excludeMatchedPattern": )" + (is_excluded ? "true}" : "false}");
  };
  const std::string pushes = filter("EVENT", "PUSH");
  EXPECT_TRUE(wants("[]", push));
  EXPECT_TRUE(wants("[]", pull));
  EXPECT_TRUE(wants("[[" + pushes + "]]", push));
  EXPECT_FALSE(wants("[[" + pushes + "]]", pull));
  EXPECT_TRUE(wants("[[" + pushes + "," + filter("HEAD_REF", "heads/dev$") + "]]", push));
  EXPECT_FALSE(wants("[[" + pushes + "," + filter("HEAD_REF", "heads/dev$", true) + "]]", push));
  EXPECT_TRUE(wants("[[" + pushes + "," + filter("FILE_PATH", "^src/") + "]]", push));
  EXPECT_FALSE(wants("[[" + pushes + "," + filter("FILE_PATH", "^docs/") + "]]", push));
  EXPECT_FALSE(wants("[[" + pushes + "," + filter("FILE_PATH", "README", true) + "]]", push));
  EXPECT_TRUE(
      wants("[[" + pushes + "," + filter("COMMIT_MESSAGE", "\\\\[build\\\\]") + "]]", push));
  EXPECT_FALSE(wants("[[" + pushes + "," + filter("ACTOR_ACCOUNT_ID", "^bob$") + "]]", push));
  EXPECT_FALSE(wants("[[" + pushes + "," + filter("BASE_REF", "x", true) + "]]", push));
  const std::string pulls = filter("EVENT", "PULL_REQUEST_CREATED,PULL_REQUEST_UPDATED");
  EXPECT_TRUE(wants("[[" + pushes + "],[" + pulls + "," + filter("BASE_REF", "dev") + "]]", pull));
  EXPECT_EQ(CheckFilterGroups(Parsed("[[" + filter("HEAD_REF", "x") + "]]")).error().message,
            "Each webhook filter group must contain at least one EVENT filter");
  EXPECT_EQ(CheckFilterGroups(Parsed("[[" + filter("EVENT", "PULLED") + "]]")).error().message,
            "Invalid event type in webhook filter: PULLED");
  EXPECT_FALSE(CheckFilterGroups(Parsed("[[" + pushes + "," + filter("HEAD_REF", "(") + "]]")));
}

}  // namespace
}  // namespace stepmill::codebuild
