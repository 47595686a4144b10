#include "io/process.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "io/run_on.h"

namespace stepmill::io {
namespace {

ProcessSpec Shell(const std::string& script) {
  ProcessSpec spec;
  spec.argv = {"sh", "-c", script};
  return spec;
}

TEST(Process, OutputErrorsInputAndExitCode) {
  Loop loop(1);
  const auto result =
      RunOn(loop, RunProcess(loop, Shell("cat; echo oops >&2; exit 3"), "日本語\n"));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->exit_code, 3);
  EXPECT_EQ(result->output, "日本語\n");
  EXPECT_EQ(result->errors, "oops\n");
}

TEST(Process, LargeInputAndOutputDoNotBlockEachOther) {
  Loop loop(1);
  const std::string bytes(5 << 20, 'x');
  const auto result = RunOn(loop, RunProcess(loop, Shell("cat"), bytes));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->output.size(), bytes.size());
}

TEST(Process, MissingProgramIsNotFound) {
  Loop loop(1);
  ProcessSpec spec;
  spec.argv = {"no-such-program-at-all"};
  const auto result = RunOn(loop, RunProcess(loop, spec));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kNotFound);
}

TEST(Process, TooMuchOutputIsRefused) {
  Loop loop(1);
  ProcessLimits limits;
  limits.output_max = 1000;
  const auto result = RunOn(loop, RunProcess(loop, Shell("yes"), "", limits));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kLimit);
}

TEST(Process, TimeoutEndsTheWholeGroup) {
  Loop loop(1);
  ProcessLimits limits;
  limits.timeout = std::chrono::milliseconds(50);
  const auto result = RunOn(loop, RunProcess(loop, Shell("cat /dev/zero | wc -c"), "", limits));
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->is_timed_out);
  EXPECT_EQ(result->exit_code, 128 + 9);
}

TEST(Process, EnvironmentAndFolder) {
  Loop loop(1);
  ProcessSpec spec = Shell("echo $X; pwd");
  spec.inherits_env = false;
  spec.env = {{"X", "1"}, {"PATH", "/usr/bin:/bin"}};
  spec.working_dir = "/usr";
  const auto result = RunOn(loop, RunChecked(loop, spec));
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, "1\n/usr\n");
}

Task<std::string> ReadWhole(Loop& loop, ProcessSpec spec) {
  MILL_CO_TRY(const auto source, StreamProcess(loop, std::move(spec)));
  std::string all;
  for (;;) {
    MILL_CO_TRY(const std::string chunk, co_await source->Read());
    if (chunk.empty()) co_return all;
    all += chunk;
  }
}

TEST(Process, StreamEndsWithTheProgramsError) {
  Loop loop(1);
  EXPECT_EQ(RunOn(loop, ReadWhole(loop, Shell("echo one; echo two"))).value(), "one\ntwo\n");
  const auto failed = RunOn(loop, ReadWhole(loop, Shell("echo one; echo bad >&2; exit 4")));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "sh exit status 4: bad");
}

Task<std::string> DetachedLine(Loop& loop, std::string log_path) {
  MILL_CO_TRY(const Detached detached,
              co_await StartDetached(loop, Shell("echo here >&3; exec sleep 100"), log_path, true));
  MILL_CO_TRY(const auto watch, ProcessWatch::Open(loop, detached.pid));
  MILL_ASSERT(ProcessStartTicks(detached.pid) != 0);
  ::kill(detached.pid, SIGTERM);
  MILL_CO_CHECK(co_await watch->Wait());
  co_return detached.ready_line;
}

TEST(Process, DetachedSaysWhenItIsReady) {
  Loop loop(1);
  const std::string path = ::testing::TempDir() + "/detached.log";
  EXPECT_EQ(RunOn(loop, DetachedLine(loop, path)).value(), "here");
}

}  // namespace
}  // namespace stepmill::io
