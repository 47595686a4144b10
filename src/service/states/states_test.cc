#include "service/states/states.h"

#include "app/test_states.h"
#include "service/states/sync_jobs.h"

namespace stepmill::states {
namespace {

TEST_F(StatesTest, RunsAMachineToItsEnd) {
  Create("m",
         R"({"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": {"x": 1}, "End": true}}})");
  const std::string arn = Start("m", "{\"in\":  1}");
  const Json described = WaitFor(arn);
  EXPECT_EQ(described.StringOr("status", ""), "SUCCEEDED");
  EXPECT_EQ(described.StringOr("output", ""), "{\"x\":1}");
  EXPECT_EQ(described.StringOr("input", ""), "{\"in\":  1}");
  EXPECT_EQ(Types(arn),
            "1<0ExecutionStarted 2<0PassStateEntered 3<2PassStateExited 4<3ExecutionSucceeded ");
  const Json list =
      Ask("ListExecutions", Json::Object{{"stateMachineArn", std::string(kMachineArn) + "m"},
                                         {"statusFilter", "SUCCEEDED"}});
  EXPECT_EQ(list["executions"].size(), 1u);
  int changes = 0;
  for (const Json& event : world.events)
    changes += event.StringOr("detail-type", "") == "Step Functions Execution Status Change";
  EXPECT_LE(changes, 2);
}

TEST_F(StatesTest, WaitsForAChildAndReadsItsOutput) {
  Create("child",
         R"({"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": {"y": 2}, "End": true}}})");
  Create("parent", R"({"StartAt": "S", "States": {
    "S": {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2",
      "Parameters": {"StateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:child",
                     "Input": {"a": 1}}, "OutputPath": "$.Output", "Next": "L"},
    "L": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sfn:listStateMachines",
      "Parameters": {"MaxResults": 1}, "ResultSelector": {"n.$": "$.StateMachines[0].Name"},
      "ResultPath": "$.l", "End": true}}})");
  const std::string arn = Start("parent", "{}");
  const Json described = WaitFor(arn);
  EXPECT_EQ(described.StringOr("output", ""), "{\"y\":2,\"l\":{\"n\":\"child\"}}")
      << described.Print();
  EXPECT_EQ(Types(arn),
            "1<0ExecutionStarted 2<0TaskStateEntered 3<2TaskScheduled 4<3TaskStarted "
            "5<4TaskSubmitted 6<5TaskSucceeded 7<6TaskStateExited 8<7TaskStateEntered "
            "9<8TaskScheduled 10<9TaskStarted 11<10TaskSucceeded 12<11TaskStateExited "
            "13<12ExecutionSucceeded ");
}

TEST_F(StatesTest, FailsWithTheChildAndStopsIt) {
  Create("bad",
         R"({"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "E", "Cause": "c"}}})");
  Create("slow",
         R"({"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 1000, "End": true}}})");
  Create("parent", R"({"StartAt": "S", "States": {
    "S": {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync",
      "Parameters": {"StateMachineArn.$": "$.machine", "Name": "kid", "Input": "{}"}, "End": true}}})");
  const Json failed =
      WaitFor(Start("parent", "{\"machine\": \"" + std::string(kMachineArn) + "bad\"}"));
  EXPECT_EQ(failed.StringOr("status", ""), "FAILED");
  EXPECT_EQ(failed.StringOr("error", ""), "States.TaskFailed");
  EXPECT_EQ(ParseJson(failed.StringOr("cause", ""))->StringOr("Cause", ""), "c");

  const std::string arn =
      Start("parent", "{\"machine\": \"" + std::string(kMachineArn) + "slow\"}");
  const std::string kid = "arn:aws:states:us-east-1:000000000000:execution:slow:kid";
  for (int i = 0;
       i < 100 && !world.Ask("states", "DescribeExecution", Json::Object{{"executionArn", kid}});
       ++i)
    world.RunUntil([n = 0]() mutable { return ++n > 3; });
  Ask("StopExecution", Json::Object{{"executionArn", arn}, {"error", "Stopped"}});
  EXPECT_EQ(WaitFor(arn).StringOr("status", ""), "ABORTED");
  EXPECT_EQ(WaitFor(kid).StringOr("status", ""), "ABORTED");
}

TEST_F(StatesTest, CallbacksEndATask) {
  Create("target", R"({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}})");
  Create("m", R"({"StartAt": "S", "States": {
    "S": {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.waitForTaskToken",
      "Parameters": {"StateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:target",
                     "Input": {"token.$": "$$.Task.Token"}}, "End": true}}})");
  const std::string arn = Start("m", "{}");
  std::string token;
  for (int i = 0; i < 100 && token.empty(); ++i) {
    world.RunUntil([n = 0]() mutable { return ++n > 3; });
    const Json list = Ask("ListExecutions",
                          Json::Object{{"stateMachineArn", std::string(kMachineArn) + "target"}});
    if (list["executions"].size() == 0) continue;
    token =
        ParseJson(
            Describe(list["executions"].At(0).StringOr("executionArn", "")).StringOr("input", ""))
            ->StringOr("token", "");
  }
  EXPECT_EQ(Refused("SendTaskSuccess", Json::Object{{"taskToken", "x"}, {"output", "1"}}),
            "InvalidToken: Invalid Token: 'Invalid token'");
  Ask("SendTaskSuccess", Json::Object{{"taskToken", token}, {"output", "{\"ok\": true}"}});
  EXPECT_EQ(WaitFor(arn).StringOr("output", ""), "{\"ok\":true}");
  EXPECT_TRUE(Refused("SendTaskSuccess", Json::Object{{"taskToken", token}, {"output", "1"}})
                  .starts_with("TaskTimedOut"));
}

TEST_F(StatesTest, RefusesInAwsWords) {
  EXPECT_EQ(Refused("CreateStateMachine",
                    Json::Object{
                        {"name", "m"}, {"definition", "{\"StartAt\": \"A\"}"}, {"roleArn", kRole}}),
            "InvalidDefinition: Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: These "
            "fields are required: [States] at /'");
  EXPECT_EQ(Refused("CreateStateMachine",
                    Json::Object{{"name", "a b"}, {"definition", "{}"}, {"roleArn", kRole}}),
            "InvalidName: Invalid Name: 'a b'");
  EXPECT_EQ(Refused("DescribeStateMachine", Json::Object{{"stateMachineArn", "nope"}}),
            "InvalidArn: Invalid Arn: 'Invalid ARN prefix: nope'");
  const std::string arn = std::string(kMachineArn) + "none";
  EXPECT_EQ(Refused("StartExecution", Json::Object{{"stateMachineArn", arn}}),
            "StateMachineDoesNotExist: State Machine Does Not Exist: '" + arn + "'");
  Create("m",
         R"({"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 100, "End": true}}})");
  const Json start =
      Json::Object{{"stateMachineArn", std::string(kMachineArn) + "m"}, {"name", "e"}};
  const Json first = Ask("StartExecution", start);
  EXPECT_EQ(Ask("StartExecution", start), first);
  EXPECT_TRUE(
      Refused("StartExecution", start.With("input", "[]")).starts_with("ExecutionAlreadyExists"));
  EXPECT_TRUE(Refused("StartExecution", start.With("name", "f").With("input", "{'"))
                  .starts_with("InvalidExecutionInput: Invalid State Machine Execution Input: "
                               "'Unexpected character (''' (code 39))"));
  EXPECT_TRUE(Refused("UpdateStateMachine",
                      Json::Object{{"stateMachineArn", std::string(kMachineArn) + "m"}})
                  .starts_with("MissingRequiredParameter"));
}

TEST_F(StatesTest, ChecksParametersAgainstTheService) {
  const std::string definition = R"({"StartAt": "S", "States": {
    "S": {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution",
      "Parameters": {"StateMachineArn.$": "$.m", "Inputs": {}}, "End": true}}})";
  EXPECT_EQ(Refused("CreateStateMachine",
                    Json::Object{{"name", "m"}, {"definition", definition}, {"roleArn", kRole}}),
            "InvalidDefinition: Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: The "
            "field \"Inputs\" is not supported by Step Functions at /States/S/Parameters'");
}

TEST(SyncJobs, SageMakerProcessing) {
  const auto resource = asl::ParseResource("arn:aws:states:::sagemaker:createProcessingJob.sync");
  ASSERT_TRUE(resource);
  const SyncJob* job = FindSyncJob(*resource);
  ASSERT_TRUE(job);
  const Json prepared = job->prepare(Json::Object{{"ProcessingJobName", "j"}}, "u");
  EXPECT_EQ(prepared["Tags"].Print(),
            R"([{"Key":"MANAGED_BY_AWS","Value":"STARTED_BY_STEP_FUNCTIONS"}])");
  EXPECT_EQ(
      job->pattern(prepared).Print(),
      R"({"source":["aws.sagemaker"],"detail-type":["SageMaker Processing Job State Change"],)"
      R"("detail":{"ProcessingJobName":["j"]}})");
  using Kind = JobOutcome::Kind;
  const auto outcome = [&](const char* status) {
    return job->outcome(Json::Object{{"ProcessingJobStatus", status}}, false).kind;
  };
  EXPECT_EQ(outcome("InProgress"), Kind::kRunning);
  EXPECT_EQ(outcome("Completed"), Kind::kSucceeded);
  EXPECT_EQ(outcome("Failed"), Kind::kFailed);
  EXPECT_EQ(outcome("Stopped"), Kind::kFailed);
}

}  // namespace
}  // namespace stepmill::states
