#include "app/run_command.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "io/files.h"

namespace stepmill {
namespace {

class RunCommandTest : public testing::Test {
 protected:
  RunCommandTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "stepmill-run-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
  }
  ~RunCommandTest() override { std::filesystem::remove_all(folder); }
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = folder + "/" + name;
    EXPECT_TRUE(io::WriteFile(path, text, false).has_value());
    return path;
  }

  std::string folder;
};

TEST_F(RunCommandTest, RunsWithMocksAndFastForward) {
  const std::string machine = Write("m.asl.yaml",
                                    "StartAt: W\n"
                                    "States:\n"
                                    "  W: {Type: Wait, Seconds: 86400, Next: T}\n"
                                    "  T:\n"
                                    "    Type: Task\n"
                                    "    Resource: arn:aws:states:::sqs:sendMessage\n"
                                    "    Retry: [{ErrorEquals: [Busy]}]\n"
                                    "    End: true\n");
  const std::string mocks =
      Write("mocks.json", R"({"T": [{"fail": {"error": "Busy"}}, {"return": {"ok": true}}]})");
  testing::internal::CaptureStdout();
  EXPECT_EQ(RunCommand({machine, "--fast-forward", "--mocks", mocks, "--input", "{\"a\": 1}"}), 0);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "{\"ok\":true}\n");
  testing::internal::CaptureStderr();
  EXPECT_EQ(RunCommand({machine, "--fast-forward"}), 1);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("--mocks FILE"), std::string::npos);
}

TEST_F(RunCommandTest, ProblemsOfADefinitionHaveTheirPlace) {
  const std::string bad =
      Write("bad.asl.json", "{\"StartAt\": \"A\",\n \"States\": {\"A\": {\"Type\": \"Pas\"}}}");
  testing::internal::CaptureStderr();
  EXPECT_EQ(ValidateStateMachines({bad}), 1);
  EXPECT_TRUE(testing::internal::GetCapturedStderr().starts_with(bad + ":2:27: error: "));
}

}  // namespace
}  // namespace stepmill
