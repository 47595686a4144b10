#include <gtest/gtest.h>

#include <filesystem>

#include "app/validate_command.h"
#include "base/strings.h"
#include "base/test_cases.h"
#include "base/test_paths.h"
#include "io/files.h"

namespace stepmill {
namespace {

std::string Shown(const std::string& text) {
  std::string out;
  for (const TemplateProblem& problem : TemplateProblems(text, "/nowhere")) {
    out += std::to_string(problem.line) + ":" + std::to_string(problem.column) + ": " +
           problem.message + "\n";
  }
  return out;
}

TEST(Validate, TemplateProblemsHaveTheirPlace) {
  EXPECT_EQ(Shown("Resources:\n  A:\n    Type: AWS::SSM::Parameter\n"
                  "    Properties:\n      Value: !Ref Nope\n"),
            "5:14: Template format error: Unresolved resource dependencies [Nope] in the Resources "
            "block of the template\n");
  EXPECT_EQ(Shown("Resources:\n  説明: 1\n"),
            "2:7: Template format error: Resource name 説明 is non alphanumeric.\n");
  EXPECT_EQ(Shown("Resources:\n  A:\n    Type: AWS::Foo::Bar\n"),
            "3:11: Template format error: Unrecognized resource types: [AWS::Foo::Bar]\n");
  EXPECT_EQ(Shown("Resources:\n  A:\n    Type: AWS::SSM::Parameter\n"
                  "    Properties: {Type: String, Value: a, Nope: 1}\n"),
            "4:48: #: extraneous key [Nope] is not permitted in AWS::SSM::Parameter\n");
  EXPECT_EQ(Shown("Transform: AWS::Serverless-2016-10-31\nResources:\n  M:\n"
                  "    Type: AWS::Serverless::StateMachine\n"
                  "    Properties: {DefinitionUri: a.json}\n"),
            "5:33: DefinitionUri refers to a file or folder that does not exist: a.json\n");
  EXPECT_EQ(Shown("Resources:\n  A: [1\n").substr(0, 5), "3:1: ");
  EXPECT_EQ(Shown("Transform: AWS::Serverless-2016-10-31\nResources:\n  M:\n"
                  "    Type: AWS::Serverless::StateMachine\n    Properties: {Foo: 1}\n")
                .substr(0, 5),
            "4:5: ");
}

// A case has one or more files ("-- file NAME --") and the arguments that are not the whole folder.
TEST(Validate, Cases) {
  for (const TestCase& test : ReadTestCases("src/app/cases/validate")) {
    std::string folder = (std::filesystem::temp_directory_path() / "validate-XXXXXX").string();
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    for (const auto& [name, text] : test.parts) {
      if (!name.starts_with("file ")) continue;
      const std::filesystem::path path = folder + "/" + name.substr(5);
      std::filesystem::create_directories(path.parent_path());
      ASSERT_TRUE(io::WriteFile(path.string(), text, false).has_value());
    }
    std::vector<std::string> args;
    const std::string paths = test.Part("paths");
    for (const std::string_view line : Split(paths, '\n'))
      if (!line.empty()) args.push_back(folder + "/" + std::string(line));
    if (args.empty()) args.push_back(folder);
    testing::internal::CaptureStderr();
    const int code = ValidateCommand(args);
    const std::string got = ReplaceAll(testing::internal::GetCapturedStderr(), folder + "/", "") +
                            "exit " + std::to_string(code) + "\n";
    std::filesystem::remove_all(folder);
    if (!UpdateTestCase(test, "expect", got)) {
      EXPECT_EQ(got, test.Part("expect")) << test.path;
    }
  }
}

TEST(Validate, TheExampleIsFine) {
  EXPECT_EQ(ValidateCommand({SourceDir() + "/examples"}), 0);
  EXPECT_EQ(ValidateCommand({}), 2);
}

}  // namespace
}  // namespace stepmill
