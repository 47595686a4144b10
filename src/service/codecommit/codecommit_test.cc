#include "service/codecommit/codecommit.h"

#include <gtest/gtest.h>

#include "app/test_blobs.h"
#include "app/test_world.h"
#include "service/codeconnections/codeconnections.h"

namespace stepmill::codecommit {
namespace {

class CodeCommitTest : public testing::Test {
 protected:
  CodeCommitTest()
      : world({&kService, &codeconnections::kService, &codeconnections::kOlderService}, &blobs,
              nullptr, [](const Json&, const Json&) { return false; }) {}

  Json Ask(const char* operation, Json input, bool is_internal = false) {
    const Result<Json> answer = world.Ask("codecommit", operation, std::move(input), is_internal);
    EXPECT_TRUE(answer.has_value()) << operation << ": " << answer.error().message;
    return answer ? *answer : Json();
  }
  std::string Refused(const char* operation, Json input) {
    const Result<Json> answer = world.Ask("codecommit", operation, std::move(input));
    return answer ? "accepted" : answer.error().name;
  }
  /// A repository with dev (one file) and feature (one more), pushed and published.
  void Push() {
    Ask("CreateRepository", Json::Object{{"repositoryName", "demo"}});
    const Json path = Ask("GitPush", Json::Object{{"repositoryName", "demo"}}, true);
    bare = path.StringOr("path", "");
    feature =
        world.Shell("git clone -q '" + bare + "' work; cd work; git checkout -q -b dev; " +
                    "echo 1 > x; git add .; git commit -q -m first; git push -q origin dev; " +
                    "git checkout -q -b feature; echo 2 > y; git add .; git commit -q -m " +
                    "second; git push -q origin feature; git rev-parse HEAD");
    ASSERT_EQ(feature.size(), 40u);
    Publish();
  }
  void Publish() { Ask("PublishRefs", Json::Object{{"repositoryName", "demo"}}, true); }
  Json CreatePull() {
    const Json target = Json::Object{{"repositoryName", "demo"},
                                     {"sourceReference", "feature"},
                                     {"destinationReference", "dev"}};
    return Ask(
        "CreatePullRequest",
        Json::Object{{"title", "機能"}, {"targets", Json(Json::Array{target})}})["pullRequest"];
  }
  std::vector<std::string> Events() {
    std::vector<std::string> names;
    for (const Json& event : world.events)
      names.push_back(event["detail"].StringOr("event", "") + " " +
                      event["detail"].StringOr("referenceName", ""));
    world.events.clear();
    return names;
  }

  NoBlobs blobs;
  TestWorld world;
  std::string bare, feature;
};

TEST_F(CodeCommitTest, PublishesEachPushOnce) {
  Push();
  EXPECT_EQ(Events(),
            (std::vector<std::string>{"referenceCreated dev", "referenceCreated feature"}));
  Publish();
  EXPECT_TRUE(Events().empty());
  world.Shell("cd work; git commit -q --allow-empty -m 3; git push -q origin HEAD:dev");
  Publish();
  ASSERT_EQ(world.events.size(), 1u);
  const Json detail = world.events[0]["detail"];
  EXPECT_EQ(detail.StringOr("event", ""), "referenceUpdated");
  EXPECT_EQ(detail.StringOr("callerUserArn", ""), "arn:aws:iam::000000000000:user/alice");
  EXPECT_EQ(detail.StringOr("oldCommitId", "").size(), 40u);
  EXPECT_EQ(Refused("CreateRepository", Json::Object{{"repositoryName", "demo"}}),
            "RepositoryNameExistsException");
  EXPECT_EQ(Refused("GetBranch", Json::Object{{"repositoryName", "demo"}, {"branchName", "none"}}),
            "BranchDoesNotExistException");
  const Json file = Ask(
      "GetFile",
      Json::Object{{"repositoryName", "demo"}, {"commitSpecifier", "feature"}, {"filePath", "y"}});
  EXPECT_EQ(file.StringOr("fileContent", ""), "Mgo=");
}

TEST_F(CodeCommitTest, FollowsAndMergesAPullRequest) {
  Push();
  const Json pull = CreatePull();
  EXPECT_EQ(pull.StringOr("pullRequestId", ""), "1");
  EXPECT_EQ(world.events.back()["detail"].StringOr("event", ""), "pullRequestCreated");
  EXPECT_EQ(world.Shell("git -C '" + bare + "' rev-parse refs/pull/1/head"), feature);
  EXPECT_EQ(world.Shell("git -C '" + bare + "' rev-parse refs/pull/1/merge^2"), feature);
  Events();

  const std::string newer = world.Shell(
      "cd work; git commit -q --allow-empty -m 3; git push -q origin feature; git rev-parse HEAD");
  Publish();
  EXPECT_EQ(Events(), (std::vector<std::string>{"referenceUpdated feature",
                                                "pullRequestSourceBranchUpdated "}));
  EXPECT_EQ(world.Shell("git -C '" + bare + "' rev-parse refs/pull/1/head"), newer);

  const Json merge = Json::Object{{"pullRequestId", "1"}, {"repositoryName", "demo"}};
  EXPECT_EQ(Refused("MergePullRequestByThreeWay", merge.With("sourceCommitId", feature)),
            "TipOfSourceReferenceIsDifferentException");
  const Json merged = Ask("MergePullRequestByThreeWay", merge)["pullRequest"];
  EXPECT_EQ(merged.StringOr("pullRequestStatus", ""), "CLOSED");
  const Json metadata = merged["pullRequestTargets"].At(0)["mergeMetadata"];
  EXPECT_EQ(metadata.StringOr("mergeCommitId", ""),
            world.Shell("git -C '" + bare + "' rev-parse dev"));
  EXPECT_EQ(Events(),
            (std::vector<std::string>{"referenceUpdated dev", "pullRequestMergeStatusUpdated "}));
  EXPECT_EQ(Refused("MergePullRequestByThreeWay", merge), "PullRequestAlreadyClosedException");
  EXPECT_EQ(Ask("ListPullRequests", Json::Object{{"repositoryName", "demo"},
                                                 {"pullRequestStatus", "CLOSED"}})["pullRequestIds"]
                .size(),
            1u);
}

TEST_F(CodeCommitTest, ClosesAPullRequestThatGitMergedAndAMergeThatNobodyWasToldOf) {
  Push();
  CreatePull();
  Events();
  world.Shell("cd work; git push -q origin feature:dev");
  Publish();
  EXPECT_EQ(Events(),
            (std::vector<std::string>{"referenceUpdated dev", "pullRequestMergeStatusUpdated "}));
}

TEST_F(CodeCommitTest, KeepsTheNewestStatusOfEachContext) {
  Push();
  const Json status = Json::Object{{"repositoryName", "demo"},
                                   {"commitId", feature},
                                   {"context", "pipeline/demo"},
                                   {"state", "pending"}};
  Ask("PutCommitStatus", status);
  Ask("PutCommitStatus", status.With("state", "success").With("description", "Build succeeded"));
  const Json listed =
      Ask("ListCommitStatuses", Json::Object{{"repositoryName", "demo"}, {"commitId", "feature"}});
  ASSERT_EQ(listed["statuses"].size(), 1u);
  EXPECT_EQ(listed["statuses"].At(0).StringOr("state", ""), "success");
  EXPECT_EQ(Refused("PutCommitStatus", status.With("state", "green")), "ValidationException");
}

TEST_F(CodeCommitTest, ConnectionsAreFoundUnderBothNames) {
  const Json input = Json::Object{{"ConnectionName", "host"}, {"ProviderType", "GitHub"}};
  const Json made = world.Ask("codestar-connections", "CreateConnection", input).value();
  const std::string arn = made.StringOr("ConnectionArn", "");
  EXPECT_TRUE(arn.starts_with("arn:aws:codestar-connections:us-east-1:000000000000:connection/"));
  const Json got =
      world.Ask("codeconnections", "GetConnection", Json::Object{{"ConnectionArn", arn}}).value();
  EXPECT_EQ(got["Connection"].StringOr("ConnectionStatus", ""), "AVAILABLE");
}

}  // namespace
}  // namespace stepmill::codecommit
