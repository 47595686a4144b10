#include "lang/pattern/pattern.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/strings.h"
#include "base/test_paths.h"

namespace stepmill::pattern {
namespace {

/// The lines of a case file, cut at " => ".
std::vector<std::vector<std::string>> ReadCases(const std::string& name) {
  std::ifstream file(SourceDir() + "/src/lang/pattern/cases/" + name);
  EXPECT_TRUE(file.is_open()) << name;
  std::vector<std::vector<std::string>> cases;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::vector<std::string> parts;
    for (size_t at = 0; at != std::string::npos;) {
      const size_t end = line.find(" => ", at);
      parts.push_back(line.substr(at, end == std::string::npos ? end : end - at));
      at = end == std::string::npos ? end : end + 4;
    }
    cases.push_back(std::move(parts));
  }
  return cases;
}

TEST(Pattern, MatchesAsTheCasesSay) {
  for (const auto& parts : ReadCases("matching.case")) {
    ASSERT_EQ(parts.size(), 3u) << parts[0];
    const auto pattern = Compile(parts[0]);
    ASSERT_TRUE(pattern) << parts[0] << ": " << pattern.error().message;
    const auto event = ParseJson(parts[1]);
    ASSERT_TRUE(event) << parts[1];
    EXPECT_EQ(pattern->Matches(*event), parts[2] == "yes") << parts[0] << " => " << parts[1];
    EXPECT_EQ(CompileJson(*ParseJson(parts[0]))->Matches(*event), parts[2] == "yes");
  }
}

TEST(Pattern, RefusesAsTheCasesSay) {
  for (const auto& parts : ReadCases("refusals.case")) {
    ASSERT_EQ(parts.size(), 2u) << parts[0];
    const auto pattern = Compile(parts[0]);
    ASSERT_FALSE(pattern) << parts[0];
    EXPECT_EQ(pattern.error().name, "InvalidEventPatternException");
    const size_t at = parts[1].find(" @ ");
    std::string expected = "Event pattern is not valid. Reason: " + parts[1].substr(0, at);
    if (at != std::string::npos)
      expected += "\n at [Source: (String)\"" + parts[0] +
                  "\"; line: 1, column: " + parts[1].substr(at + 3) + "]";
    EXPECT_EQ(pattern.error().message, expected);
  }
}

TEST(Pattern, HasBounds) {
  const std::string long_text = "{\"a\": [\"" + std::string(4096, 'x') + "\"]}";
  EXPECT_FALSE(Compile(long_text));
  const std::string deep = std::string(4000, '[');
  EXPECT_FALSE(Compile(deep));
  std::string choices = R"({"x": [1]})";
  for (int i = 0; i < 10; ++i) {
    const std::string n = std::to_string(i);
    choices = R"({"$or": [{"a)" + n + R"(": [1]}, {"b": [2]}], "c)" + n + "\": " + choices + "}";
  }
  const auto many = Compile(choices);
  ASSERT_FALSE(many);
  EXPECT_NE(many.error().message.find("too many $or"), std::string::npos);
  EXPECT_FALSE(Compile("{\"a\": "));
}

}  // namespace
}  // namespace stepmill::pattern
