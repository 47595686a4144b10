#include "app/run_command.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "app/mock_file.h"
#include "base/strings.h"
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

  /// "EXIT-CODE what it printed".
  static std::string Run(const std::vector<std::string>& args) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = RunCommand(args);
    const std::string out = testing::internal::GetCapturedStdout();
    return std::to_string(code) + " " + out + testing::internal::GetCapturedStderr();
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
                                    "    Parameters: {QueueUrl: q, MessageBody: m}\n"
                                    "    Retry: [{ErrorEquals: [Busy]}]\n"
                                    "    End: true\n");
  const std::string mocks = Write("mocks.json", R"({
    "StateMachines": {"m": {"TestCases": {"Flaky": {"T": "BusyOnce"}, "Down": {"T": "Never"}}}},
    "MockedResponses": {
      "BusyOnce": {"0": {"Throw": {"Error": "Busy", "Cause": "c"}}, "1-2": {"Return": {"ok": true}}},
      "Never": {"0-9": {"Throw": {"Error": "Busy", "Cause": "c"}}}}})");
  EXPECT_EQ(Run({machine, "--fast-forward", "--mocks", mocks, "--test-case", "Flaky"}),
            "0 {\"ok\":true}\n");
  EXPECT_EQ(Run({machine, "--fast-forward", "--mocks", mocks, "--test-case", "Down"}),
            "1 {\"status\":\"FAILED\",\"error\":\"Busy\",\"cause\":\"c\"}\n");
  EXPECT_EQ(Run({machine, "--mocks", mocks}),
            "2 {\"error\":\"InvalidMocks\",\"cause\":\"" + mocks +
                ":2:42: choose one with --test-case: Flaky, Down\"}\n");
  const std::string unmocked = Run({machine, "--fast-forward"});
  EXPECT_NE(unmocked.find("give its answer with --mocks FILE"), std::string::npos) << unmocked;
  EXPECT_EQ(Run({}).substr(0, 2), "2 ");
  EXPECT_EQ(Run({machine, "--input", "{'"}).substr(0, 2), "2 ");
}

TEST_F(RunCommandTest, AMissingAnswerIsNotCaught) {
  const std::string machine = Write("m.asl.json", R"({"StartAt": "T", "States": {
    "T": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Next": "T",
          "Parameters": {"QueueUrl": "q", "MessageBody": "m"},
          "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "S"}]}, "S": {"Type": "Succeed"}}})");
  const std::string mocks = Write("mocks.json", R"({
    "StateMachines": {"m": {"TestCases": {"C": {"T": "R"}}}},
    "MockedResponses": {"R": {"0": {"Return": 1}}}})");
  const std::string got = Run({machine, "--mocks", mocks});
  EXPECT_EQ(got.substr(0, 2), "1 ");
  EXPECT_NE(got.find("called for the time number 1 (from 0)"), std::string::npos) << got;
}

TEST_F(RunCommandTest, DistributedMapsNeedAServer) {
  const std::string machine = Write("m.asl.json", R"({"StartAt": "M", "States": {"M": {
    "Type": "Map", "End": true, "ItemProcessor": {
      "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
      "StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}}}})");
  const std::string got = Run({machine, "--input", "[1]"});
  EXPECT_EQ(got.substr(0, 2), "1 ");
  EXPECT_NE(got.find("mode DISTRIBUTED"), std::string::npos) << got;
}

TEST_F(RunCommandTest, MockFilesAreCheckedWithTheirPlace) {
  const auto problem = [this](const std::string& text) {
    const std::string path = Write("mocks.json", text);
    const Result<MockFile> file = MockFile::Read(path, "m", "");
    return file ? std::string() : file.error().message.substr(path.size());
  };
  EXPECT_EQ(problem("[]"), ":1:1: expected {\"StateMachines\": {...}, \"MockedResponses\": {...}}");
  const std::string head =
      "{\"StateMachines\": {\"m\": {\"TestCases\": {\"C\": {\"T\": \"R\"}}}},\n"
      "\"MockedResponses\": {";
  EXPECT_EQ(problem(head + "}}"), ":1:51: there is no response 'R' in MockedResponses");
  EXPECT_EQ(problem(head + "\"R\": {\"x\": 1}}}"),
            ":2:32: 'x': expected the number of a call, \"0\", or a range, \"1-2\"");
  EXPECT_EQ(problem(head + "\"R\": {\"0\": 1}}}"),
            ":2:32: expected {\"Return\": VALUE} or {\"Throw\": {\"Error\", \"Cause\"}}");
  EXPECT_EQ(problem(head + "\"R\": {\"0-1\": {\"Return\": 1}, \"1\": {\"Return\": 1}}}}"),
            ":2:54: '1': a call in it has an answer already");
  EXPECT_EQ(problem(head + "\"R\": {\"0\": {\"Throw\": 1}}}}"),
            ":2:32: Throw: expected {\"Error\": NAME, \"Cause\": TEXT}");
}

TEST_F(RunCommandTest, HistoryKeepsTrueTimesWhenItIsFast) {
  const std::string machine =
      Write("m.asl.json",
            R"({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": true}}})");
  const std::string got = Run({machine, "--fast-forward", "--history"});
  std::vector<double> times;
  for (const std::string_view line : Split(std::string_view(got).substr(2), '\n'))
    if (const Result<Json> event = ParseJson(line); event && event->Has("timestamp"))
      times.push_back((*event)["timestamp"].AsDouble());
  ASSERT_EQ(times.size(), 4u) << got;
  EXPECT_NEAR(times[3] - times[0], 3600, 0.001);
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
