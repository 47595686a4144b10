#include "sandbox/step_runner.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "base/test_paths.h"
#include "io/files.h"
#include "io/process.h"
#include "io/run_on.h"
#include "io/watch.h"
#include "sandbox/steps.h"

namespace stepmill::sandbox {
namespace {

/// A step runner as an ordinary process, and the server's side of its folder.
class StepRunnerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "/steps-" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    ASSERT_TRUE(io::RemoveTree(folder_));
    ASSERT_TRUE(io::MakeFolders(folder_ + "/commands"));
    ASSERT_TRUE(io::MakeFolders(folder_ + "/results"));
    io::ProcessSpec spec;
    spec.argv = {BuildDir() + "/stepmill-sandbox", "step-runner", folder_};
    auto started = io::Process::Start(loop_, spec);
    ASSERT_TRUE(started) << started.error().message;
    runner_ = std::move(*started);
  }

  static void Put(const std::string& folder, const StepCommand& command) {
    const auto written =
        io::WriteFile(CommandPath(folder, command.sequence), CommandToJson(command).Print(), false);
    ASSERT_TRUE(written);
  }
  static Task<StepOutcome> AwaitResult(io::Watcher& watcher, std::string folder, int64_t number) {
    MILL_CO_TRY(const auto watch, watcher.Add(folder + "/results"));
    for (;;) {
      const Result<std::string> text = io::ReadFile(ResultPath(folder, number));
      if (text) {
        MILL_CO_TRY(const Json json, ParseJson(*text));
        co_return OutcomeFromJson(json);
      }
      MILL_CO_CHECK(co_await watch->Next());
    }
  }
  StepOutcome Run(StepCommand command) {
    Put(folder_, command);
    return io::RunOn(loop_, AwaitResult(watcher_, folder_, command.sequence)).value();
  }
  StepOutcome RunShell(int64_t sequence, const std::string& script) {
    StepCommand command;
    command.sequence = sequence;
    command.argv = {"sh", "-c", script};
    return Run(command);
  }
  std::string Log() { return io::ReadFile(LogPath(folder_)).value(); }

  io::Loop loop_{1};
  io::Watcher watcher_{loop_};
  std::string folder_;
  std::unique_ptr<io::Process> runner_;
};

TEST_F(StepRunnerTest, RunsOneAfterTheOtherAndKeepsOrderOfOutput) {
  const StepOutcome first = RunShell(1, "echo one; echo two >&2; echo 三");
  EXPECT_EQ(first.exit_code, 0);
  EXPECT_EQ(first.log_end, Log().size());
  EXPECT_EQ(RunShell(2, "exit 7").exit_code, 7);
  EXPECT_EQ(RunShell(3, "kill -9 $$").exit_code, 137);
  EXPECT_EQ(Log(), "one\ntwo\n三\n");
}

TEST_F(StepRunnerTest, FilesEnvironmentAndFolder) {
  StepCommand command;
  command.sequence = 1;
  command.argv = {"sh", "-e", folder_ + "/made/script.sh"};
  command.env = {{"WORD", "kiwi"}};
  command.working_dir = "/usr";
  command.files = {{folder_ + "/made/script.sh", "echo $WORD; pwd; cat"}};
  EXPECT_EQ(Run(command).exit_code, 0);
  EXPECT_EQ(Log(), "kiwi\n/usr\n");
}

TEST_F(StepRunnerTest, WhatCannotRunSaysSo) {
  StepCommand command;
  command.sequence = 1;
  command.argv = {"no-such-program"};
  EXPECT_EQ(Run(command).exit_code, 127);
  command.sequence = 2;
  command.argv = {"true"};
  command.working_dir = "/no/such/folder";
  EXPECT_EQ(Run(command).exit_code, 126);
  EXPECT_EQ(Log(),
            "stepmill: no-such-program: No such file or directory\n"
            "stepmill: /no/such/folder: No such file or directory\n");
}

TEST_F(StepRunnerTest, TimeLimitEndsTheStepNotTheJob) {
  StepCommand command;
  command.sequence = 1;
  command.argv = {"sh", "-c", "cat /dev/zero | cat > /dev/null"};
  command.timeout_ms = 30;
  const StepOutcome outcome = Run(command);
  EXPECT_TRUE(outcome.is_timed_out);
  EXPECT_EQ(outcome.exit_code, 143);
  EXPECT_EQ(RunShell(2, "true").exit_code, 0);
}

TEST_F(StepRunnerTest, ACommandWithAResultIsNotRunAgain) {
  EXPECT_EQ(RunShell(1, "echo once").exit_code, 0);
  EXPECT_EQ(RunShell(1, "echo once").exit_code, 0);
  EXPECT_EQ(RunShell(2, "true").exit_code, 0);
  EXPECT_EQ(Log(), "once\n");
}

TEST_F(StepRunnerTest, TermEndsItAndWhatRuns) {
  StepCommand command;
  command.sequence = 1;
  command.argv = {"sh", "-c", "echo up; exec sleep 100"};
  Put(folder_, command);
  runner_->Kill(SIGTERM);
  EXPECT_EQ(io::RunOn(loop_, runner_->Wait()).value(), 143);
}

}  // namespace
}  // namespace stepmill::sandbox
