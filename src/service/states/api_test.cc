// The API around executions: versions, aliases, activities, Express, redrive, history in pages.
#include "app/service_cases.h"
#include "app/test_states.h"

namespace stepmill::states {
namespace {

constexpr char kPass[] = R"({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}})";
constexpr char kActivity[] = "arn:aws:states:us-east-1:000000000000:activity:work";

asio::awaitable<void> Keep(Task<Answer> task, std::optional<Result<Answer>>& kept) {
  kept.emplace(co_await std::move(task));
}

class ApiTest : public StatesTest {
 protected:
  Json CreateExpress(const std::string& name, const std::string& definition) {
    return Ask(
        "CreateStateMachine",
        Json::Object{
            {"name", name}, {"definition", definition}, {"roleArn", kRole}, {"type", "EXPRESS"}});
  }
  Json StartSync(const std::string& name, const std::string& input) {
    return Ask("StartSyncExecution",
               Json::Object{{"stateMachineArn", kMachineArn + name}, {"input", input}});
  }
};

TEST_F(ApiTest, VersionsAndAliases) {
  RunServiceCases(world, "states", "service/states/cases/versions.case");
}

TEST_F(ApiTest, ActivitiesAndRefusals) {
  RunServiceCases(world, "states", "service/states/cases/activities.case");
}

TEST_F(ApiTest, AnEndlessLoopHoldsNobodyUp) {
  constexpr char kEndless[] = R"({"StartAt": "A", "TimeoutSeconds": 1, "States": {
      "A": {"Type": "Choice", "Choices": [{"Variable": "$.end", "IsPresent": true, "Next": "E"}],
            "Default": "B"},
      "B": {"Type": "Pass", "Next": "A"}, "E": {"Type": "Succeed"}}})";
  CreateExpress("endless", kEndless);
  EXPECT_EQ(StartSync("endless", "{}").StringOr("status", ""), "TIMED_OUT");
  Create("long", kEndless);  // Standard: its history is full before its time is up
  const Json described = WaitFor(Start("long", "{}"));
  EXPECT_EQ(described.StringOr("error", ""), "States.Runtime");
}

TEST_F(ApiTest, AnAliasDrawsAVersionAndTheExecutionRemembersBoth) {
  const std::string machine = kMachineArn + std::string("m");
  Create("m", kPass);
  Ask("PublishStateMachineVersion", Json::Object{{"stateMachineArn", machine}});
  Ask("UpdateStateMachine",
      Json::Object{
          {"stateMachineArn", machine},
          {"publish", true},
          {"definition",
           R"({"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": 2, "End": true}}})"}});
  Json::Array routes{Json::Object{{"stateMachineVersionArn", machine + ":1"}, {"weight", 0}},
                     Json::Object{{"stateMachineVersionArn", machine + ":2"}, {"weight", 100}}};
  Ask("CreateStateMachineAlias",
      Json::Object{{"name", "live"}, {"routingConfiguration", Json(std::move(routes))}});
  const std::string through_alias = Start("m:live", "{}");
  const Json described = WaitFor(through_alias);
  EXPECT_EQ(described.StringOr("output", ""), "2");
  EXPECT_EQ(described.StringOr("stateMachineArn", ""), machine);
  EXPECT_EQ(described.StringOr("stateMachineAliasArn", ""), machine + ":live");
  EXPECT_EQ(described.StringOr("stateMachineVersionArn", ""), machine + ":2");
  const Json first = WaitFor(Start("m:1", "{}"));
  EXPECT_EQ(first.StringOr("output", ""), "{}");
  EXPECT_FALSE(first.Has("stateMachineAliasArn"));
  const auto listed = [&](const std::string& arn) {
    return Ask("ListExecutions", Json::Object{{"stateMachineArn", arn}})["executions"].size();
  };
  EXPECT_EQ(listed(machine), 2u);
  EXPECT_EQ(listed(machine + ":1"), 1u);
  EXPECT_EQ(listed(machine + ":2"), 1u);
  EXPECT_EQ(listed(machine + ":live"), 1u);
  const Json was = Ask("DescribeStateMachineForExecution",
                       Json::Object{{"executionArn", first["executionArn"]}});
  EXPECT_EQ(was.StringOr("definition", ""), kPass);
  EXPECT_EQ(was.StringOr("stateMachineArn", ""), machine);
  const Json history =
      Ask("GetExecutionHistory", Json::Object{{"executionArn", through_alias}, {"maxResults", 1}});
  const Json& details = history["events"].At(0)["executionStartedEventDetails"];
  EXPECT_EQ(details.StringOr("stateMachineAliasArn", ""), machine + ":live");
  EXPECT_EQ(details.StringOr("stateMachineVersionArn", ""), machine + ":2");
}

TEST_F(ApiTest, AWorkerThatWaitedGetsTheTask) {
  Ask("CreateActivity", Json::Object{{"name", "work"}});
  Create("m", R"({"StartAt": "S", "States": {"S": {"Type": "Task", "End": true, "Resource": ")" +
                  std::string(kActivity) + R"("}}})");
  // The poll begins before there is anything to do.
  std::optional<Result<Answer>> polled;
  Request poll;
  poll.service = "states";
  poll.operation = "GetActivityTask";
  poll.principal = TestWorld::Alice();
  poll.account = "000000000000";
  poll.region = "us-east-1";
  poll.input = Json::Object{{"activityArn", kActivity}, {"workerName", "w"}};
  asio::co_spawn(world.loop().context(), Keep(world.door().Ask(std::move(poll)), polled),
                 asio::detached);
  const std::string arn = Start("m", "{\"a\": 1}");
  ASSERT_TRUE(world.RunUntil([&] { return polled.has_value(); }));
  ASSERT_TRUE(polled->has_value()) << polled->error().message;
  const Json task = (*polled)->output;
  EXPECT_EQ(task.StringOr("input", ""), "{\"a\":1}");
  const Json token = Json::Object{{"taskToken", task["taskToken"]}};
  Ask("SendTaskHeartbeat", token);
  EXPECT_TRUE(Refused("SendTaskSuccess", token.With("output", "{")).starts_with("InvalidOutput"));
  Ask("SendTaskSuccess", token.With("output", "[1]"));
  EXPECT_EQ(WaitFor(arn).StringOr("output", ""), "[1]");
  EXPECT_TRUE(Refused("SendTaskHeartbeat", token).starts_with("TaskTimedOut"));
  EXPECT_EQ(Types(arn),
            "1<0ExecutionStarted 2<0TaskStateEntered 3<2ActivityScheduled 4<3ActivityStarted "
            "5<4ActivitySucceeded 6<5TaskStateExited 7<6ExecutionSucceeded ");
}

TEST_F(ApiTest, AnActivityThatIsGoneFailsTheState) {
  Create("m", R"({"StartAt": "S", "States": {"S": {"Type": "Task", "End": true, "Resource": ")" +
                  std::string(kActivity) + R"("}}})");
  const std::string arn = Start("m", "{}");
  const Json described = WaitFor(arn);
  EXPECT_EQ(described.StringOr("error", ""), "States.Runtime");
  EXPECT_EQ(described.StringOr("cause", ""),
            "An error occurred while executing the state 'S' (entered at the event id #2). The "
            "activity " +
                std::string(kActivity) + " does not exist.");
  EXPECT_EQ(Types(arn), "1<0ExecutionStarted 2<0TaskStateEntered 3<2ExecutionFailed ");
}

TEST_F(ApiTest, ATaskOfAStoppedExecutionIsNotOffered) {
  Ask("CreateActivity", Json::Object{{"name", "work"}});
  Create("m", R"({"StartAt": "S", "States": {"S": {"Type": "Task", "End": true, "Resource": ")" +
                  std::string(kActivity) + R"("}}})");
  const std::string first = Start("m", "1");
  ASSERT_TRUE(world.RunUntil([&] { return Types(first).find("Scheduled") != std::string::npos; }));
  const std::string second = Start("m", "2");
  ASSERT_TRUE(world.RunUntil([&] { return Types(second).find("Scheduled") != std::string::npos; }));
  Ask("StopExecution", Json::Object{{"executionArn", first}});
  EXPECT_EQ(WaitFor(first).StringOr("status", ""), "ABORTED");
  const Json task = Ask("GetActivityTask", Json::Object{{"activityArn", kActivity}});
  EXPECT_EQ(task.StringOr("input", ""), "2");
}

TEST_F(ApiTest, ExpressAnswersItsCaller) {
  CreateExpress("x", R"({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "W"},
    "W": {"Type": "Wait", "Seconds": 0, "Next": "L"},
    "L": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sfn:listActivities",
      "Parameters": {}, "ResultPath": "$.l", "Next": "C"},
    "C": {"Type": "Pass", "Parameters": {"l.$": "$.l", "id.$": "$$.Execution.Id"}, "End": true}}})");
  const Json answer = StartSync("x", "{\"a\": 1}");
  EXPECT_EQ(answer.StringOr("status", ""), "SUCCEEDED") << answer.Print();
  const std::string arn = answer.StringOr("executionArn", "");
  EXPECT_TRUE(arn.starts_with("arn:aws:states:us-east-1:000000000000:express:x:"));
  EXPECT_EQ(answer.StringOr("output", ""), "{\"l\":{\"Activities\":[]},\"id\":\"" + arn + "\"}");
  EXPECT_EQ(answer["billingDetails"].IntOr("billedMemoryUsedInMB", 0), 64);
  EXPECT_EQ(answer["billingDetails"].IntOr("billedDurationInMilliseconds", 0) % 100, 0);
  EXPECT_EQ(Refused("DescribeExecution", Json::Object{{"executionArn", arn}}),
            "InvalidArn: Invalid Arn: 'Resource type not valid in this context: express'");
  EXPECT_TRUE(
      Refused("ListExecutions", Json::Object{{"stateMachineArn", kMachineArn + std::string("x")}})
          .starts_with("StateMachineTypeNotSupported"));
  Create("s", kPass);
  EXPECT_EQ(Refused("StartSyncExecution",
                    Json::Object{{"stateMachineArn", kMachineArn + std::string("s")}}),
            "StateMachineTypeNotSupported: This operation is not supported by this type of state "
            "machine");
  CreateExpress(
      "f", R"({"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "E", "Cause": "c"}}})");
  const Json failed = StartSync("f", "{}");
  EXPECT_EQ(failed.StringOr("status", ""), "FAILED");
  EXPECT_EQ(failed.StringOr("error", ""), "E");
  EXPECT_FALSE(failed.Has("output"));
  EXPECT_TRUE(failed["outputDetails"].BoolOr("included", false));
}

TEST_F(ApiTest, ExpressRunsBehindItsStart) {
  Create("seen", kPass);
  CreateExpress("x", R"({"StartAt": "A", "States": {"A": {"Type": "Task", "End": true,
    "Resource": "arn:aws:states:::states:startExecution", "Parameters": {"Input": {},
      "StateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:seen"}}}})");
  const std::string arn = Start("x", "{}");
  EXPECT_NE(arn, Start("x", "{}"));
  EXPECT_TRUE(arn.starts_with("arn:aws:states:us-east-1:000000000000:express:x:")) << arn;
  const Json list = Json::Object{{"stateMachineArn", kMachineArn + std::string("seen")}};
  EXPECT_TRUE(
      world.RunUntil([&] { return Ask("ListExecutions", list)["executions"].size() == 2; }));
}

TEST_F(ApiTest, DeletingAMachineEndsWhatRuns) {
  Create("m",
         R"({"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 9999, "End": true}}})");
  const std::string arn = Start("m", "{}");
  Ask("DeleteStateMachine", Json::Object{{"stateMachineArn", kMachineArn + std::string("m")}});
  EXPECT_TRUE(world.RunUntil([&] { return Describe(arn).StringOr("status", "") == "ABORTED"; }));
  EXPECT_EQ(Ask("DescribeStateMachineForExecution", Json::Object{{"executionArn", arn}})
                .StringOr("name", ""),
            "m");
}

TEST_F(ApiTest, RedriveGoesOnWhereItFailed) {
  Create("m", R"({"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": {"a": 1}, "Next": "S"},
    "S": {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution", "ResultPath": null,
      "Parameters": {"StateMachineArn":
        "arn:aws:states:us-east-1:000000000000:stateMachine:late"}, "End": true}}})");
  const std::string arn = Start("m", "{}");
  const Json failed = WaitFor(arn);
  EXPECT_EQ(failed.StringOr("error", ""), "StepFunctions.StateMachineDoesNotExistException");
  EXPECT_EQ(failed.StringOr("redriveStatus", ""), "REDRIVABLE");
  Create("late", kPass);
  const Json redrive = Json::Object{{"executionArn", arn}, {"clientToken", "t"}};
  const Json first = Ask("RedriveExecution", redrive);
  EXPECT_EQ(Ask("RedriveExecution", redrive), first) << "the same request again";
  const Json described = WaitFor(arn);
  EXPECT_EQ(described.StringOr("status", ""), "SUCCEEDED");
  EXPECT_EQ(described.StringOr("output", ""), "{\"a\":1}");
  EXPECT_EQ(described.IntOr("redriveCount", 0), 1);
  EXPECT_EQ(described["redriveDate"], first["redriveDate"]);
  EXPECT_FALSE(described.Has("error"));
  EXPECT_NE(Types(arn).find("ExecutionFailed 9<8ExecutionRedriven "), std::string::npos)
      << Types(arn);
  EXPECT_EQ(Refused("RedriveExecution", Json::Object{{"executionArn", arn}}),
            "ExecutionNotRedrivable: Execution is SUCCEEDED and cannot be redriven");
  const Json list = Json::Object{{"stateMachineArn", kMachineArn + std::string("m")}};
  EXPECT_EQ(Ask("ListExecutions", list.With("redriveFilter", "REDRIVEN"))["executions"].size(), 1u);
  EXPECT_EQ(Ask("ListExecutions", list.With("redriveFilter", "NOT_REDRIVEN"))["executions"].size(),
            0u);
}

TEST_F(ApiTest, HistoryComesInPages) {
  Create("m", R"({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"},
    "B": {"Type": "Pass", "End": true}}})");
  const std::string arn = Start("m", "{}");
  WaitFor(arn);
  for (const bool is_reverse : {false, true}) {
    std::string ids;
    Json ask = Json::Object{{"executionArn", arn}, {"maxResults", 4}, {"reverseOrder", is_reverse}};
    for (;;) {
      const Json page = Ask("GetExecutionHistory", ask);
      for (const Json& event : page["events"].items()) ids += event["id"].NumberText() + " ";
      ids += "| ";
      if (!page.Has("nextToken")) break;
      ask = ask.With("nextToken", page["nextToken"]);
    }
    EXPECT_EQ(ids, is_reverse ? "6 5 4 3 | 2 1 | " : "1 2 3 4 | 5 6 | ");
  }
  EXPECT_EQ(Refused("GetExecutionHistory",
                    Json::Object{{"executionArn", arn}, {"nextToken", "nonsense"}}),
            "InvalidToken: Invalid Token: 'Invalid token'");
  const Json bare = Ask("GetExecutionHistory",
                        Json::Object{{"executionArn", arn}, {"includeExecutionData", false}});
  EXPECT_EQ(bare["events"].At(1)["stateEnteredEventDetails"].Print(),
            R"({"name":"A","inputDetails":{"truncated":false}})");
}

}  // namespace
}  // namespace stepmill::states
