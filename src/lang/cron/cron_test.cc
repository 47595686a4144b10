#include "lang/cron/cron.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/test_paths.h"

namespace stepmill::cron {
namespace {

// A case: "expression | after | the next times, comma separated (or never)"; or "expression |
// invalid".
TEST(Cron, FiresAsTheCasesSay) {
  std::ifstream file(SourceDir() + "/src/lang/cron/cases/next.case");
  ASSERT_TRUE(file.is_open());
  int count = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    ++count;
    const size_t bar = line.find(" | ");
    ASSERT_NE(bar, std::string::npos) << line;
    const auto schedule = Parse(line.substr(0, bar));
    if (line.substr(bar + 3) == "invalid") {
      ASSERT_FALSE(schedule) << line;
      EXPECT_EQ(schedule.error().message, "Parameter ScheduleExpression is not valid.");
      continue;
    }
    ASSERT_TRUE(schedule) << line;
    const size_t second = line.find(" | ", bar + 3);
    ASSERT_NE(second, std::string::npos) << line;
    const Time start = *ParseIso(line.substr(bar + 3, second - bar - 3));
    Time after = start;
    std::string text = line.substr(second + 3);
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find(", ", at), text.size());
      const auto next = Next(*schedule, after, start);
      EXPECT_EQ(next ? FormatIso(*next, false) : "never", text.substr(at, end - at)) << line;
      if (!next) break;
      after = *next;
      at = end + 2;
    }
  }
  EXPECT_GT(count, 50);
}

TEST(Cron, FiveFieldsOfPosix) {
  const Time after = *ParseIso("2026-11-20T00:00:00Z");  // a Friday
  const auto next = [&](std::string_view text) -> std::string {
    const auto schedules = ParsePosix(text);
    if (!schedules) return schedules.error().name;
    std::string all;
    for (const Schedule& schedule : *schedules)
      all += FormatIso(*Next(schedule, after, after), false) + " ";
    return all;
  };
  EXPECT_EQ(next("30 5 * * *"), "2026-11-20T05:30:00Z ");
  EXPECT_EQ(next("*/15 * * * *"), "2026-11-20T00:15:00Z ");
  EXPECT_EQ(next("0 0 * * 1-5"), "2026-11-23T00:00:00Z ");
  EXPECT_EQ(next("0 9 * * 0"), "2026-11-22T09:00:00Z ");
  EXPECT_EQ(next("0 9 * * SUN,3"), "2026-11-22T09:00:00Z ");
  EXPECT_EQ(next("0 9 1 * 0"), "2026-11-22T09:00:00Z 2026-12-01T09:00:00Z ");
  EXPECT_EQ(next("0 9 * *"), "ValidationException");
  EXPECT_EQ(next("61 9 * * *"), "ValidationException");
  EXPECT_EQ(next("0 9 ? * *"), "ValidationException");
}

}  // namespace
}  // namespace stepmill::cron
