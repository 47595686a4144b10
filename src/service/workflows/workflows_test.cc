#include "service/workflows/workflows.h"

#include <gtest/gtest.h>

#include "app/test_backend.h"
#include "app/test_services.h"
#include "app/test_world.h"
#include "blob/memory/memory_blobs.h"
#include "service/codecommit/codecommit.h"
#include "service/workflows/actions.h"

namespace stepmill::workflows {
namespace {

class WorkflowsTest : public testing::Test {
 protected:
  WorkflowsTest()
      : folder(Folder()),
        steps(folder + "/jobs"),
        world(
            {&kService, &codecommit::kService, &test::kLogs, &test::kSsm, &test::kSts}, &blobs,
            nullptr, [](const Json&, const Json&) { return false; }, &steps) {
    test::kept() = {};
    EXPECT_TRUE(world.Run(world.engine().Recover()));
    const Json made = Ask("codecommit", "CreateRepository", Name());
    bare = Ask("codecommit", "GitPush", Name(), true).StringOr("path", "");
  }
  ~WorkflowsTest() override { std::filesystem::remove_all(folder); }
  static std::string Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "workflows-XXXXXX").string();
    return ::mkdtemp(pattern.data());
  }
  static Json Name() { return Json::Object{{"repositoryName", "demo"}}; }

  Json Ask(const char* service, const char* operation, Json input, bool is_internal = false) {
    const Result<Json> answer = world.Ask(service, operation, std::move(input), is_internal);
    EXPECT_TRUE(answer.has_value()) << operation << ": " << answer.error().message;
    return answer ? *answer : Json();
  }
  /// Pushes one workflow file to `branch` and publishes; the commit.
  std::string Push(const std::string& branch, const std::string& text) {
    const std::string commit = world.Shell(
        "rm -rf work; git clone -q '" + bare + "' work; cd work; git checkout -q " + branch +
        " 2>/dev/null || git checkout -q -b " + branch +
        " origin/dev 2>/dev/null || git checkout -q -b " + branch +
        "; mkdir -p .github/workflows; printf %s " + Quote(text) +
        " > .github/workflows/w.yaml; date +%N > stamp; git add .; git commit -q -m change; "
        "git push -q origin " +
        branch + "; git rev-parse HEAD");
    EXPECT_EQ(commit.size(), 40u);
    Ask("codecommit", "PublishRefs", Name(), true);
    return commit;
  }
  static std::string Quote(const std::string& text) {
    return "'" + ReplaceAll(text, "'", "'\\''") + "'";
  }
  /// Hands the newest event of the host to the service; the ids of the runs.
  Json Deliver() {
    EXPECT_FALSE(world.events.empty());
    return Ask("workflows", "OnRepositoryEvent", Json::Object{{"event", world.events.back()}},
               true)["runs"];
  }
  Json Finish(const Json& id) {
    const Json input = Name().With("runId", id);
    Json run;
    EXPECT_TRUE(world.RunUntil([&] {
      run = Ask("workflows", "GetWorkflowRun", input)["workflowRun"];
      return run.StringOr("status", "") == "completed";
    }));
    // Statuses and the taking away of sandboxes follow.
    const std::string instance = "workflows/000000000000/us-east-1/demo/" + id.AsString();
    const Key key = MakeKey({"engine", "instance", instance});
    EXPECT_TRUE(world.RunUntil([&] {
      const auto document = world.Run(world.ports().store.Get(key));
      return document && *document && (*document)->body.BoolOr("is_finished", false);
    }));
    return run;
  }
  Json Statuses(const std::string& commit) {
    return Ask("codecommit", "ListCommitStatuses", Name().With("commitId", commit))["statuses"];
  }
  std::string Log(const std::string& stream) {
    std::string out;
    for (const std::string& line : test::kept().logs["/stepmill/workflows/demo " + stream])
      out += line + "\n";
    return out;
  }

  std::string folder, bare;
  struct Chance : Random {
    uint64_t Next() override { return ++next; }
    uint64_t next = 0;
  } chance;
  MemoryBlobs blobs{chance};
  LocalSteps steps;
  TestWorld world;
};

TEST_F(WorkflowsTest, RunsJobsOfAPush) {
  test::kept().parameters["/stepmill/workflows/demo/secrets/TOKEN"] = "s3cret-word";
  const std::string commit = Push("dev", R"(name: 検査
on: push
env: {TOP: "${{ secrets.TOKEN }}"}
jobs:
  one:
    runs-on: ubuntu-latest
    outputs: {tag: "${{ steps.make.outputs.tag }}"}
    steps:
      - id: make
        run: |
          echo "tag=v7" >> "$GITHUB_OUTPUT"
          echo "FROM=one $TOP" >> "$GITHUB_ENV"
          echo "$RUNNER_TEMP/bin" >> "$GITHUB_PATH"
          echo "::add-mask::dynamic"
          echo "## 結果" >> "$GITHUB_STEP_SUMMARY"
      - run: echo "$FROM dynamic $GITHUB_SHA ${{ github.ref_name }} $PATH"
  two:
    name: 第二
    needs: one
    runs-on: ubuntu-latest
    steps:
      - run: echo "got ${{ needs.one.outputs.tag }}"
)");
  const Json runs = Deliver();
  ASSERT_EQ(runs.size(), 1u);
  const Json run = Finish(runs.At(0));
  EXPECT_EQ(run.StringOr("conclusion", ""), "success") << run.PrintPretty();
  const std::string log = Log("1/one");
  EXPECT_NE(log.find("\none *** *** " + commit + " dev "), std::string::npos) << log;
  EXPECT_NE(log.find("/_temp/bin:"), std::string::npos) << log;
  EXPECT_EQ(log.find("s3cret"), std::string::npos);
  EXPECT_NE(Log("1/two").find("\ngot v7\n"), std::string::npos) << Log("1/two");
  EXPECT_EQ(run["jobs"].At(0)["steps"].At(0).StringOr("summary", ""), "## 結果\n");
  const Json statuses = Statuses(commit);
  ASSERT_EQ(statuses.size(), 2u);
  EXPECT_EQ(statuses.At(0).StringOr("context", ""), "検査 / one");
  EXPECT_EQ(statuses.At(1).StringOr("context", ""), "検査 / 第二");
  EXPECT_EQ(statuses.At(1).StringOr("state", ""), "success");
  // Nothing that is stored holds the secret.
  const auto all = world.Run(world.ports().store.Range("", "\xff", Direction::kForward, 10'000));
  for (const Document& document : *all)
    EXPECT_EQ(document.body.Print().find("s3cret"), std::string::npos) << document.key;
  const auto records = world.Run(world.ports().store.Read(
      "i/workflows/000000000000/us-east-1/demo/1", 1, Direction::kForward, 1000));
  EXPECT_GT(records->size(), 5u);
  for (const Record& record : *records)
    EXPECT_EQ(record.body.Print().find("s3cret"), std::string::npos);
}

TEST_F(WorkflowsTest, ShowsWhatFailed) {
  const std::string commit = Push("dev", R"(on: [push]
jobs:
  bad:
    runs-on: ubuntu-latest
    steps:
      - run: |
          false
          echo never
      - if: failure()
        run: echo "after ${{ job.status }}"
  away:
    runs-on: ubuntu-latest
    steps: [{uses: someone/action@v3}]
  mac:
    runs-on: macos-latest
    steps: [{run: x}]
)");
  const Json run = Finish(Deliver().At(0));
  EXPECT_EQ(run.StringOr("conclusion", ""), "failure");
  EXPECT_NE(Log("1/bad").find("##[error]Process completed with exit code 1.\n"), std::string::npos);
  EXPECT_NE(Log("1/bad").find("\nafter failure\n"), std::string::npos) << Log("1/bad");
  EXPECT_NE(Log("1/away").find("##[error]The action 'someone/action@v3' is not available here."),
            std::string::npos)
      << Log("1/away");
  const Json statuses = Statuses(commit);
  ASSERT_EQ(statuses.size(), 3u);
  for (const Json& status : statuses.items())
    EXPECT_EQ(status.StringOr("state", ""), "failure") << status.Print();
  EXPECT_NE(statuses.Print().find("No runner matches 'macos-latest'"), std::string::npos);
}

TEST_F(WorkflowsTest, PullRequestsRunOnTheirMergeAndReportOnTheirHead) {
  Push("dev", "on: {push: {branches: [none]}}\njobs: {a: {runs-on: x, steps: [{run: x}]}}\n");
  EXPECT_EQ(Deliver().size(), 0u);
  const std::string head = Push("feature", R"(name: pr
on: {pull_request: {branches: [dev], types: [opened]}}
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - run: echo "$GITHUB_REF ${{ github.base_ref == 'dev' }} ${{ github.event.pull_request.title }}"
)");
  EXPECT_EQ(Deliver().size(), 0u);
  const Json target = Json::Object{
      {"repositoryName", "demo"}, {"sourceReference", "feature"}, {"destinationReference", "dev"}};
  Ask("codecommit", "CreatePullRequest",
      Json::Object{{"title", "機能"}, {"targets", Json(Json::Array{target})}});
  const Json run = Finish(Deliver().At(0));
  EXPECT_EQ(run.StringOr("conclusion", ""), "success") << run.PrintPretty();
  EXPECT_NE(run.StringOr("commitId", ""), head);
  EXPECT_EQ(run.StringOr("headCommitId", ""), head);
  EXPECT_NE(Log("1/a").find("refs/pull/1/merge true 機能"), std::string::npos) << Log("1/a");
  EXPECT_EQ(Statuses(head).At(0).StringOr("context", ""), "pr / a");
}

TEST_F(WorkflowsTest, DispatchChecksInputsAndBadFilesFailVisibly) {
  Push(
      "dev",
      R"(on: {workflow_dispatch: {inputs: {level: {type: choice, options: [low, high], default: low}}}}
jobs: {a: {runs-on: ubuntu-latest, steps: [{run: "echo level ${{ inputs.level }}"}]}}
)");
  const Json start = Name().With("workflow", "w.yaml").With("ref", "dev");
  const auto refused = world.Ask("workflows", "StartWorkflowRun",
                                 start.With("inputs", Json::Object{{"level", "none"}}));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("not in the list of allowed values"), std::string::npos);
  const Json started = Ask("workflows", "StartWorkflowRun", start);
  Finish(started["workflowRun"]["runId"]);
  EXPECT_NE(Log("1/a").find("\nlevel low\n"), std::string::npos) << Log("1/a");
  const std::string commit = Push("dev", "on: push\njobs: {a: {runs-on: x}}\n");
  const Json run = Finish(Deliver().At(0));
  EXPECT_EQ(run.StringOr("message", ""),
            "Invalid workflow file: .github/workflows/w.yaml:2:11: Required property is missing: "
            "steps");
  EXPECT_EQ(Statuses(commit).At(0).StringOr("state", ""), "failure");
  const Json listed = Ask("workflows", "ListWorkflowRuns", Name())["workflowRuns"];
  EXPECT_EQ(listed.size(), 2u);
}

constexpr const char* kGrouped = R"(name: grouped
on: push
concurrency: {group: "G-${{ github.ref_name }}", cancel-in-progress: true}
jobs:
  one:
    runs-on: ubuntu-latest
    concurrency: deploy
    environment: {name: staging, url: "https://example.com"}
    steps: [{run: echo deployed}]
)";

TEST_F(WorkflowsTest, OfAConcurrencyGroupOneRunsAndOneWaits) {
  // Another run, number 900, has the group of the runs.
  const Json held = Name().With("group", "g-dev").With("holder", "900");
  Ask("workflows", "EnterGroup", held, true);
  const auto status = [&](const Json& id) {
    return Ask("workflows", "GetWorkflowRun", Name().With("runId", id))["workflowRun"].StringOr(
        "status", "");
  };
  const std::string text = ReplaceAll(kGrouped, "in-progress: true", "in-progress: false");
  Push("dev", text);
  const Json second = Deliver().At(0);
  ASSERT_TRUE(world.RunUntil([&] { return status(second) == "pending"; }));
  Push("dev", text);
  const Json third = Deliver().At(0);
  const Json displaced = Finish(second);
  EXPECT_EQ(displaced.StringOr("conclusion", ""), "cancelled");
  EXPECT_EQ(displaced.StringOr("message", ""),
            "Canceling since a higher priority waiting request for 'g-dev' exists");
  EXPECT_EQ(status(third), "pending");
  Ask("workflows", "LeaveGroup", held, true);
  const Json done = Finish(third);
  EXPECT_EQ(done.StringOr("conclusion", ""), "success");
  EXPECT_EQ(done.StringOr("concurrencyGroup", ""), "g-dev");
  EXPECT_EQ(done["jobs"].At(0).StringOr("environment", ""), "staging");
  const Key key = MakeKey({"000000000000", "us-east-1", "workflows", "group", "demo", "g-dev"});
  EXPECT_FALSE(*world.Run(world.ports().store.Get(key)));
}

TEST_F(WorkflowsTest, CancelInProgressEndsTheRunThatRuns) {
  // A job of run 900 has the group of the jobs, so that the first run stays in progress.
  const Json held = Name().With("group", "deploy").With("holder", "900/one");
  Ask("workflows", "EnterGroup", held, true);
  const auto job = [&](const Json& id) {
    const Json run = Ask("workflows", "GetWorkflowRun", Name().With("runId", id))["workflowRun"];
    return run.StringOr("status", "") + " " + run["jobs"].At(0).StringOr("status", "");
  };
  Push("dev", kGrouped);
  const Json first = Deliver().At(0);
  ASSERT_TRUE(world.RunUntil([&] { return job(first) == "in_progress queued"; }));
  Push("dev", kGrouped);
  const Json second = Deliver().At(0);
  EXPECT_EQ(Finish(first).StringOr("conclusion", ""), "cancelled");
  ASSERT_TRUE(world.RunUntil([&] { return job(second) == "in_progress queued"; }));
  Ask("workflows", "LeaveGroup", held, true);
  EXPECT_EQ(Finish(second).StringOr("conclusion", ""), "success");
}

TEST_F(WorkflowsTest, SchedulesOfTheDefaultBranchFire) {
  Push("dev", R"(name: nightly
on:
  schedule: [{cron: '0 3 * * *'}]
jobs:
  one: {runs-on: ubuntu-latest, steps: [{run: "echo ${{ github.event.schedule }}"}]}
)");
  EXPECT_EQ(Deliver().size(), 0U);  // a push does not start it
  const Key key = MakeKey({"000000000000", "us-east-1", "workflows", "schedule", "demo"});
  const auto kept = world.Run(world.ports().store.Get(key));
  ASSERT_TRUE(kept && *kept);
  const Json tick = (*kept)->body["tick"];
  const Json at = MillisSinceEpoch(*ParseIso("2031-05-06T03:00:00Z"));
  const Json fire = Name().With("tick", tick);
  EXPECT_EQ(
      Ask("workflows", "FireSchedule", fire.With("at", at).With("tick", "other"), true)["runs"]
          .size(),
      0U);
  const Json runs = Ask("workflows", "FireSchedule", fire.With("at", at), true)["runs"];
  ASSERT_EQ(runs.size(), 1U);
  const Json run = Finish(runs.At(0));
  EXPECT_EQ(run.StringOr("event", ""), "schedule");
  EXPECT_EQ(run.StringOr("conclusion", ""), "success");
  const auto next = world.Run(world.ports().store.Get(key));
  ASSERT_TRUE(next && *next);
  EXPECT_NE((*next)->body["tick"], tick);
  // The branch's files no longer ask for it.
  Push("dev", "on: push\njobs: {one: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n");
  Finish(Deliver().At(0));
  EXPECT_FALSE(*world.Run(world.ports().store.Get(key)));
}

TEST(WorkflowActions, CheckoutNamesCommitAndCredentials) {
  workflow::ResolvedStep step;
  step.uses = "actions/checkout@v2";
  const ActionFacts facts{"demo", "refs/pull/3/merge", std::string(40, 'a'),
                          "http://127.0.0.1:4566", "dG9r"};
  const auto script = ActionScript(step, facts);
  ASSERT_TRUE(script);
  EXPECT_NE(script->find("'+" + std::string(40, 'a') + ":refs/remotes/pull/3/merge'"),
            std::string::npos)
      << *script;
  step.uses = "aws-actions/configure-aws-credentials@v1";
  EXPECT_EQ(ActionScript(step, facts).error().message,
            "Input required and not supplied: aws-region");
}

}  // namespace
}  // namespace stepmill::workflows
