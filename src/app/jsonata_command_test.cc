#include "app/jsonata_command.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "io/files.h"

namespace stepmill {
namespace {

struct Outcome {
  int status = 0;
  std::string out, err;
};

Outcome Call(const std::vector<std::string>& args) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.status = JsonataCommand(args);
  outcome.out = testing::internal::GetCapturedStdout();
  outcome.err = testing::internal::GetCapturedStderr();
  return outcome;
}

TEST(JsonataCommandTest, ResultsAndErrors) {
  const Outcome sum = Call({"$x + 1", "--bind", "x=2"});
  EXPECT_EQ(sum.status, 0);
  EXPECT_EQ(sum.out, "3\n");
  const Outcome nothing = Call({"a.b"});
  EXPECT_EQ(nothing.status, 0);
  EXPECT_EQ(nothing.out, "");
  const Outcome error = Call({"1 + 'a'"});
  EXPECT_EQ(error.status, 1);
  EXPECT_EQ(error.err,
            "{\"code\":\"T2002\",\"position\":3,\"message\":\"The right side of the \\\"+\\\" "
            "operator must evaluate to a number\"}\n");
  EXPECT_EQ(Call({"1 +"}).status, 1);
  EXPECT_EQ(Call({"- -3"}).out, "3\n");
  EXPECT_EQ(Call({"--3"}).out, "3\n");
  EXPECT_EQ(Call({}).status, 2);
  EXPECT_EQ(Call({"1", "--dialect", "x"}).status, 2);
  EXPECT_EQ(Call({"$range(1, 3, 1)", "--dialect", "states"}).out, "[1,2,3]\n");
}

TEST(JsonataCommandTest, Limits) {
  const std::string endless = "($f := function($n) { $f($n + 1) }; $f(0))";
  const Outcome over = Call({endless, "--time-limit", "50"});
  EXPECT_EQ(over.status, 1);
  EXPECT_TRUE(over.err.starts_with("{\"code\":\"U1001\"")) << over.err;
  EXPECT_EQ(Call({"((((1))))", "--depth", "3"}).status, 1);
  EXPECT_EQ(Call({"((((1))))", "--depth", "10"}).out, "1\n");
}

TEST(JsonataCommandTest, Lines) {
  std::string pattern = (std::filesystem::temp_directory_path() / "jsonata-XXXXXX").string();
  const std::string folder = ::mkdtemp(pattern.data());
  const std::string path = folder + "/in.jsonl";
  ASSERT_TRUE(io::WriteFile(path, "{\"a\":1}\n{\"a\":\"x\"}\n\n{}\n{\"a\":[2]}\n{", false));
  const Outcome lines = Call({"a * 2", "--lines", "--input", path});
  std::filesystem::remove_all(folder);
  EXPECT_EQ(lines.status, 1);
  EXPECT_EQ(lines.out, "2\n");
  EXPECT_NE(lines.err.find("\"code\":\"T2001\",\"position\":3"), std::string::npos);
  EXPECT_NE(lines.err.find("\"line\":2}"), std::string::npos);
  EXPECT_NE(lines.err.find("\"line\":6}"), std::string::npos);
}

}  // namespace
}  // namespace stepmill
