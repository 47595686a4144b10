#include <gtest/gtest.h>

#include <regex>

#include "app/test_blobs.h"
#include "app/test_world.h"
#include "base/strings.h"
#include "base/test_cases.h"
#include "service/states/answer_shapes.h"
#include "service/states/states.h"
#include "service/states/test_items.h"

namespace stepmill::states {
namespace {

/// A value where the API wants a text with JSON.
Json AsText(const Json& object, const char* name) {
  const Json* value = object.Find(name);
  return value && !value->is_string() ? object.With(name, value->Print()) : object;
}

Json RequestOf(Json request) {
  for (const char* name : {"definition", "input", "variables", "context"})
    request = AsText(request, name);
  if (request.Has("mock")) request = request.With("mock", AsText(request["mock"], "result"));
  if (request.Has("stateConfiguration"))
    request = request.With("stateConfiguration",
                           AsText(request["stateConfiguration"], "mapItemReaderData"));
  return request;
}

/// One member a line; texts with JSON as the values that they hold.
std::string Shown(const Json& answer) {
  std::string out;
  for (const Json::Member& member : answer.members()) {
    if (member.name == "inspectionData") {
      for (const Json::Member& seen : member.value.members())
        out += "  " + seen.name + ": " +
               (seen.value.is_string() ? seen.value.AsString() : seen.value.Print()) + "\n";
      continue;
    }
    out += member.name + ": " +
           (member.value.is_string() ? member.value.AsString() : member.value.Print()) + "\n";
  }
  return out;
}

class TestStateTest : public testing::Test {
 protected:
  TestStateTest()
      : world({&kService}, &blobs, nullptr, [](const Json&, const Json&) { return false; }) {
    EXPECT_TRUE(world.Run(world.engine().Recover()).has_value());
  }
  std::string Ask(const std::string& text) {
    const Result<Json> request = ParseJson(text);
    if (!request) return request.error().message;
    const Result<Json> answer = world.Ask("states", "TestState", RequestOf(*request));
    const std::string shown =
        answer ? Shown(*answer) : "! " + answer.error().name + ": " + answer.error().message + "\n";
    static const std::regex uuid("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
    return std::regex_replace(shown, uuid, "UUID");
  }
  NoBlobs blobs;
  TestWorld world;
};

TEST_F(TestStateTest, Cases) {
  for (const TestCase& test : ReadTestCases("src/service/states/cases/test_state")) {
    std::string got;
    for (const auto& [name, text] : test.parts)
      if (name == "request") got += Ask(text);
    if (!UpdateTestCase(test, "expect", got)) {
      EXPECT_EQ(got, test.Part("expect")) << test.path;
    }
  }
}

TEST_F(TestStateTest, TheContextIsThatOfAnExpressExecution) {
  const std::string got = Ask(R"({"definition": {"Type": "Pass", "Parameters": {"c.$": "$$"},
      "End": true}, "input": {"a": 1}})");
  const Result<Json> output = ParseJson(got.substr(8, got.find('\n') - 8));
  ASSERT_TRUE(output) << got;
  const Json& context = (*output)["c"];
  const std::string machine = context["StateMachine"].StringOr("Name", "");
  EXPECT_EQ(context["Execution"].StringOr("Id", ""),
            "arn:aws:states:us-east-1:000000000000:express:" + machine + ":" +
                context["Execution"].StringOr("Name", ""));
  EXPECT_EQ(context["State"].StringOr("Name", ""), "StateName");
  EXPECT_FALSE(context["State"].Has("RetryCount"));
  EXPECT_TRUE(context["Execution"].Has("RoleArn"));
}

TEST_F(TestStateTest, AWaitIsWaitedFor) {
  const Time before = world.ports().clock.Now();
  const std::string got =
      Ask(R"({"definition": {"Type": "Wait", "Seconds": 1, "Next": "N"}, "input": {"a": 1},
              "inspectionLevel": "DEBUG"})");
  EXPECT_EQ(got,
            "output: {\"a\":1}\nnextState: N\n  input: {\"a\":1}\n  afterInputPath: "
            "{\"a\":1}\nstatus: SUCCEEDED\n");
  EXPECT_GE(world.ports().clock.Now() - before, Millis(1000));
}

std::string Check(const char* arn, const char* result, bool with_required = true) {
  const auto resource = asl::ParseResource(arn);
  if (!resource) return "no resource";
  const Result<> checked =
      CheckMockedResult(*resource, ParseJson(result).value_or(Json()), with_required);
  constexpr std::string_view kPrefix = "Mock result schema validation error: ";
  if (checked) return "fine";
  const std::string& message = checked.error().message;
  return message.starts_with(kPrefix) ? message.substr(kPrefix.size()) : message;
}

TEST(TestItems, DataIsReadAsTheReaderWould) {
  const auto read = [](const char* reader, const std::string& data) {
    const Result<Json> items = ReadTestItems(ParseJson(reader).value_or(Json()), data);
    return items ? items->Print() : items.error().name;
  };
  EXPECT_EQ(
      read(R"({"ReaderConfig": {"InputType": "JSON", "ItemsPointer": "/a"}})", R"({"a": [1, 2]})"),
      "[1,2]");
  EXPECT_EQ(read(R"({"ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW",
                     "CSVDelimiter": "PIPE", "MaxItems": 1}})",
                 "x|y\n1|2\n3|4\n"),
            R"([{"x":"1","y":"2"}])");
  EXPECT_EQ(read(R"({"ReaderConfig": {"InputType": "JSONL"}})", "1\n{}\n"), "[1,{}]");
  EXPECT_EQ(read(R"({"Resource": "arn:aws:states:::s3:listObjectsV2"})", R"([{"Key": "k"}])"),
            R"([{"Key":"k"}])");
  EXPECT_EQ(read(R"({"ReaderConfig": {"InputType": "JSON"}})", "5"), "States.ItemReaderFailed");
}

TEST(AnswerShapes, EveryModelReads) {
  size_t operations = 0;
  for (const AnswerModel& model : AnswerModels()) {
    const Result<Json> read = ParseJson(model.text);
    ASSERT_TRUE(read) << model.service << ": " << read.error().message;
    operations += (*read)["operations"].size();
  }
  EXPECT_GT(operations, 1000u);
}

TEST(AnswerShapes, JobsAreCheckedAgainstWhatDescribesThem) {
  constexpr char kProcessing[] = "arn:aws:states:::sagemaker:createProcessingJob.sync";
  EXPECT_EQ(Check(kProcessing, "{}"), "Required field 'ProcessingJobName' is missing");
  EXPECT_EQ(Check(kProcessing, "{}", false), "fine");
  EXPECT_EQ(Check(kProcessing, R"({"ProcessingJobStatus": "Done"})", false),
            "Field 'ProcessingJobStatus' is not an expected value");
  EXPECT_EQ(Check("arn:aws:states:::glue:startJobRun.sync", R"({"Attempt": "1"})"),
            "Field 'Attempt' must be a number");
  EXPECT_EQ(Check("arn:aws:states:::batch:submitJob.sync", R"({"JobName": 1})", false),
            "Field 'JobName' must be a string");
  EXPECT_EQ(Check("arn:aws:states:::codebuild:startBuild.sync", R"({"Build": {"Id": 1}})"),
            "Field 'Id' must be a string");
  EXPECT_EQ(Check("arn:aws:states:::codebuild:startBuild.sync", "{}"),
            "Required field 'Build' is missing");
  EXPECT_EQ(Check("arn:aws:states:::ecs:runTask.sync", R"({"Containers": {}})"),
            "Field 'Containers' must be an array");
  constexpr char kParsed[] = R"({"Output": {"a": 1}})";
  EXPECT_EQ(Check("arn:aws:states:::states:startExecution.sync:2", kParsed, false), "fine");
  EXPECT_EQ(Check("arn:aws:states:::states:startExecution.sync", kParsed, false),
            "Field 'Output' must be a string");
}

TEST(AnswerShapes, WhatIsNotCheckedIsFine) {
  EXPECT_EQ(Check("arn:aws:states:::lambda:invoke", R"({"Payload": {"a": 1}})"), "fine");
  EXPECT_EQ(Check("arn:aws:states:::lambda:invoke", R"({"StatusCode": "200"})"),
            "Field 'StatusCode' must be a number");
  EXPECT_EQ(Check("arn:aws:states:::sqs:sendMessage.waitForTaskToken", "1"), "fine");
  EXPECT_EQ(Check("arn:aws:states:::aws-sdk:nosuchservice:doIt", "1"), "fine");
  EXPECT_EQ(Check("arn:aws:states:::sqs:sendMessage", "1"), "Mocked result must be a JSON object.");
  EXPECT_EQ(Check("arn:aws:states:::aws-sdk:cloudwatchlogs:putLogEvents",
                  R"({"nextSequenceToken": 1, "NextSequenceToken": ""})"),
            "Field 'NextSequenceToken' is smaller than the minimum length");
}

}  // namespace
}  // namespace stepmill::states
