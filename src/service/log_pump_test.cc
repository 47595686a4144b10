#include "service/log_pump.h"

#include <gtest/gtest.h>

#include "app/test_backend.h"
#include "app/test_services.h"
#include "app/test_world.h"
#include "blob/memory/memory_blobs.h"

namespace stepmill {
namespace {

int puts_until_failure = -1;  // of the service below; negative: never

Task<Json> PutOrFail(Call& call) {
  if (puts_until_failure == 0)
    co_return Error{Code::kUnavailable, "ServiceUnavailable", "the power went"};
  if (puts_until_failure > 0) --puts_until_failure;
  co_return co_await test::PutLogEvents(call);
}
constexpr Operation kRows[] = {test::Row("CreateLogGroup", test::Nothing),
                               test::Row("CreateLogStream", test::Nothing),
                               test::Row("PutLogEvents", PutOrFail)};
const Service kLogs{.name = "logs", .host = "logs", .operations = kRows};

struct Chance : Random {
  uint64_t Next() override { return ++next; }
  uint64_t next = 0;
};

TEST(LogPump, PutsEachLineOnceWhereverItStops) {
  test::kept() = {};
  std::string pattern = (std::filesystem::temp_directory_path() / "pump-XXXXXX").string();
  const std::string folder = ::mkdtemp(pattern.data());
  LocalSteps steps(folder);
  Chance chance;
  MemoryBlobs blobs(chance);
  TestWorld world(
      {&kLogs}, &blobs, nullptr, [](const Json&, const Json&) { return false; }, &steps);
  ASSERT_TRUE(world.Run(world.engine().Recover()));
  const JobId job{"job"};
  JobSpec spec;
  spec.id = job;
  ASSERT_TRUE(world.Run(steps.Start(spec)));
  const auto say = [&](int64_t sequence, const std::string& script) {
    StepSpec step;
    step.sequence = sequence;
    step.argv = {"/bin/sh", "-c", script};
    step.working_dir = "/";
    ASSERT_TRUE(world.Run(steps.RunStep(job, step)));
  };
  const Asker asker{world.ports(), ServicePrincipal("x", "000000000000"), "000000000000",
                    "us-east-1"};
  std::string earlier;
  const auto pump = [&] {
    LogPump made{"job", "job", [](const std::string& line) -> std::optional<std::string> {
                   if (line == "hidden") return std::nullopt;
                   return line;
                 }};
    made.earlier = [&](const std::string& line) { earlier += line + ";"; };
    return world.Run(RunLogPump(asker, LogTarget{"g", "s"}, made)).has_value();
  };
  say(1, "echo one; echo hidden; printf 'half\\rwhole\\r\\nopen'");
  puts_until_failure = 1;  // the second put fails
  say(2, "echo ' end'; i=0; while [ $i -lt 40000 ]; do echo line $i; i=$((i+1)); done");
  EXPECT_FALSE(pump());
  puts_until_failure = 0;
  EXPECT_FALSE(pump());
  puts_until_failure = 1;
  say(3, "echo last; printf 'no newline'");  // after the range was planned
  EXPECT_FALSE(pump());
  puts_until_failure = -1;
  ASSERT_TRUE(world.Run(steps.Stop(job, std::chrono::seconds(0))));
  EXPECT_TRUE(pump());
  EXPECT_TRUE(pump());  // what the last put said is not said again
  const std::vector<std::string>& lines = test::kept().logs["g s"];
  ASSERT_EQ(lines.size(), 40'005u);
  EXPECT_EQ(lines[0], "one");
  EXPECT_EQ(lines[1], "whole");
  EXPECT_EQ(lines[2], "open end");
  EXPECT_EQ(lines[3], "line 0");
  EXPECT_EQ(lines[40'002], "line 39999");
  EXPECT_EQ(lines[40'003], "last");
  EXPECT_EQ(lines[40'004], "no newline");
  EXPECT_TRUE(earlier.find("line 39000;") != std::string::npos);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace stepmill
