#include <gtest/gtest.h>

#include "app/sam_options.h"
#include "app/sam_template.h"

namespace stepmill {
namespace {

std::string Shown(const Result<std::vector<std::pair<std::string, std::string>>>& pairs) {
  if (!pairs) return pairs.error().message;
  std::string out;
  for (const auto& [name, value] : *pairs) out += name + "=" + value + ";";
  return out;
}

std::string PairsOf(const std::vector<std::string>& args) {
  const auto options = ReadSamOptions("deploy", args);
  return options ? Shown(options->Pairs("parameter_overrides")) : options.error().message;
}

TEST(SamOptions, ReadsConfiguration) {
  const auto parameters = SamConfigParameters(
      "version = 0.1\n[default]\n[default.global.parameters]\nregion = \"r\"\nstack_name = \"g\"\n"
      "[default.deploy.parameters]\nstack_name = \"開発\"\nconfirm_changeset = true\n",
      false, "default", "deploy");
  ASSERT_TRUE(parameters) << parameters.error().message;
  EXPECT_EQ(parameters->Print(), R"({"region":"r","stack_name":"開発","confirm_changeset":true})");
  EXPECT_EQ(SamConfigParameters("[default]\n", false, "default", "deploy").error().message,
            "'version' key is not present or is in unrecognized format.");
  EXPECT_EQ(SamConfigParameters("version: 0.1\nprod: {deploy: {parameters: {s3_bucket: b}}}\n",
                                true, "prod", "deploy")
                ->Print(),
            R"({"s3_bucket":"b"})");
}

TEST(SamOptions, ReadsArguments) {
  const auto options = ReadSamOptions(
      "deploy", {"--stack-name", "s", "--no-confirm-changeset", "--fail-on-empty-changeset",
                 "--capabilities", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "--s3-prefix=a/b"});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->Text("stack_name"), "s");
  EXPECT_FALSE(options->Flag("confirm_changeset", true));
  EXPECT_TRUE(options->Flag("fail_on_empty_changeset", false));
  EXPECT_EQ(options->List("capabilities").size(), 2U);
  EXPECT_EQ(options->Text("s3_prefix"), "a/b");
  EXPECT_EQ(ReadSamOptions("deploy", {"--guided"}).error().message, "No such option: --guided");
  EXPECT_EQ(ReadSamOptions("deploy", {"--stack-name"}).error().message,
            "Option '--stack-name' requires an argument.");
}

TEST(SamOptions, ReadsPairs) {
  EXPECT_EQ(PairsOf({"--parameter-overrides", "A=1", "B=x y"}), "A=1;B=x y;");
  EXPECT_EQ(PairsOf({"--parameter-overrides", "A=1 B=2"}), "A=1;B=2;");
  EXPECT_EQ(PairsOf({"--parameter-overrides", "A=\"x y\" B=2"}), "A=x y;B=2;");
  EXPECT_EQ(PairsOf({"--parameter-overrides", "ParameterKey=A,ParameterValue=b=c"}), "A=b=c;");
  EXPECT_EQ(PairsOf({"--parameter-overrides", "nothing"}),
            "nothing is not in valid format for --parameter-overrides: expected Name=value");
}

constexpr const char* kTemplate = R"(# 先頭
Resources:
  機械: {Type: 'AWS::SNS::Topic'}
  A:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionUri: ../../a.json  # 場所
      Name: !Ref X
  B:
    Type: AWS::StepFunctions::StateMachine
    Properties: {DefinitionS3Location: "b.json", RoleArn: x}
)";

TEST(SamTemplate, ReplacesPathsAndNothingElse) {
  const auto found = LocalArtifacts(kTemplate);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ((*found)[0].path, "../../a.json");
  auto text = WithArtifact(kTemplate, (*found)[0], "\"s3://b/k\"");
  ASSERT_TRUE(text);
  EXPECT_NE(text->find("DefinitionUri: \"s3://b/k\"  # 場所\n      Name: !Ref X"),
            std::string::npos);
  text = WithArtifact(*text, (*found)[1], "{\"Bucket\": \"b\", \"Key\": \"k\"}");
  ASSERT_TRUE(text);
  EXPECT_NE(text->find("DefinitionS3Location: {\"Bucket\": \"b\", \"Key\": \"k\"}, RoleArn"),
            std::string::npos);
  EXPECT_TRUE(LocalArtifacts(*text)->empty());
}

TEST(SamTemplate, RefusesWhatWouldHaveToBePacked) {
  const auto found = LocalArtifacts(
      "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {CodeUri: src/}\n");
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().message.find("CodeUri in F"), std::string::npos);
}

}  // namespace
}  // namespace stepmill
