#include "service/events/events.h"

#include <gtest/gtest.h>

#include "app/service_cases.h"
#include "lang/pattern/pattern.h"
#include "service/events/delivery.h"
#include "service/logs/logs.h"

namespace stepmill::events {
namespace {

std::vector<Json> started;  // what the stand-in for Step Functions was asked

Task<Json> StartExecution(Call& call) {
  started.push_back(call.input.With("principal", call.principal.arn));
  co_return Json(Json::Object{});
}
constexpr Operation kStatesRows[] = {{.name = "StartExecution",
                                      .handler = StartExecution,
                                      .action = "states:StartExecution",
                                      .is_internal = true}};
const Service kStates{.name = "states", .host = "states.amazonaws.com", .operations = kStatesRows};

constexpr const char* kMachine = "arn:aws:states:us-east-1:000000000000:stateMachine:m";

class EventsTest : public testing::Test {
 protected:
  static bool Match(const Json& pattern, const Json& event) {
    const auto compiled = pattern::CompileJson(pattern);
    return compiled && compiled->Matches(event);
  }
  EventsTest() {
    started.clear();
    EXPECT_TRUE(world.Run(world.engine().Recover()));
  }
  Json Ask(const char* operation, const std::string& input, bool is_internal = false) {
    const auto parsed = ParseJson(input);
    EXPECT_TRUE(parsed) << input;
    const Result<Json> answer = world.Ask("events", operation, *parsed, is_internal);
    EXPECT_TRUE(answer.has_value()) << operation << ": " << answer.error().message;
    return answer ? *answer : Json();
  }
  void PutTarget(const std::string& rule, const std::string& more = "") {
    Ask("PutTargets", R"({"Rule": ")" + rule + R"(", "Targets": [{"Id": "1", "Arn": ")" + kMachine +
                          R"(", "RoleArn": "arn:aws:iam::000000000000:role/starter")" + more +
                          "}]}");
  }
  void PutEvent(const std::string& detail) {
    const Json entry = Json::Object{{"Source", "my.app"},
                                    {"DetailType", "状態"},
                                    {"Resources", Json::Array{"arn:x"}},
                                    {"Detail", detail}};
    const Json input = Json::Object{{"Entries", Json::Array{entry}}};
    Ask("PutEvents", input.Print());
  }
  bool WaitForStarts(size_t count) {
    return world.RunUntil([count] { return started.size() >= count; });
  }

  CaseBlobs blobs;
  TestWorld world{{&kService, &kStates, &logs::kService}, &blobs, nullptr, Match};
};

TEST_F(EventsTest, AnswersAsTheCasesSay) {
  RunServiceCases(world, "events", "service/events/cases/rules.case");
}

TEST_F(EventsTest, StartsAnExecutionAsTheTargetsRole) {
  Ask("PutRule", R"({"Name": "r", "EventPattern": "{\"detail\":{\"word\":[\"go\"]}}"})");
  PutTarget("r");
  PutEvent(R"({"word": "stay"})");
  PutEvent(R"({"word": "go"})");
  ASSERT_TRUE(WaitForStarts(1));
  const Json& start = started[0];
  EXPECT_EQ(start.StringOr("stateMachineArn", ""), kMachine);
  EXPECT_EQ(start.StringOr("principal", ""), "arn:aws:sts::000000000000:assumed-role/starter/r");
  const std::string name = start.StringOr("name", "");
  EXPECT_EQ(name.size(), 73u);
  EXPECT_EQ(name[36], '_');
  const auto input = ParseJson(start.StringOr("input", ""));
  ASSERT_TRUE(input);
  EXPECT_EQ((*input)["detail"].StringOr("word", ""), "go");
  EXPECT_EQ(input->StringOr("detail-type", ""), "状態");
  EXPECT_EQ(input->StringOr("id", ""), name.substr(0, 36));
}

TEST_F(EventsTest, GivesATargetItsOwnInput) {
  Ask("PutRule", R"({"Name": "r", "EventPattern": "{\"source\":[\"my.app\"]}"})");
  PutTarget("r", R"(, "Input": "{\"fixed\": true}")");
  PutEvent("{}");
  ASSERT_TRUE(WaitForStarts(1));
  EXPECT_EQ(started[0].StringOr("input", ""), R"({"fixed": true})");
}

TEST_F(EventsTest, OwnBusesKeepTheirEvents) {
  Ask("CreateEventBus", R"({"Name": "own"})");
  Ask("PutRule", R"({"Name": "d", "EventPattern": "{\"source\":[\"my.app\"]}"})");
  PutTarget("d");
  Ask("PutRule", R"({"Name": "o", "EventBusName": "own",
                     "EventPattern": "{\"source\":[\"my.app\"]}"})");
  Ask("PutTargets", std::string(R"({"Rule": "o", "EventBusName": "own", "Targets": [{"Id": "1",
      "Arn": ")") + kMachine +
                        R"(", "RoleArn": "arn:aws:iam::000000000000:role/other"}]})");
  Ask("PutEvents", R"({"Entries": [{"Source": "my.app", "DetailType": "t", "Detail": "{}",
                                    "EventBusName": "own"}]})");
  ASSERT_TRUE(WaitForStarts(1));
  EXPECT_EQ(started[0].StringOr("principal", ""), "arn:aws:sts::000000000000:assumed-role/other/o");
  EXPECT_TRUE(world.events.empty()) << "the default bus saw nothing";
}

TEST_F(EventsTest, ForwardsToABusAndWritesToAGroup) {
  (void)world.Ask("logs", "CreateLogGroup", Json::Object{{"logGroupName", "/events/x"}});
  Ask("CreateEventBus", R"({"Name": "own"})");
  Ask("PutRule", R"({"Name": "f", "EventPattern": "{\"source\":[\"my.app\"]}"})");
  Ask("PutTargets", R"({"Rule": "f", "Targets": [{"Id": "1",
      "Arn": "arn:aws:events:us-east-1:000000000000:event-bus/own"}]})");
  Ask("PutRule", R"({"Name": "l", "EventBusName": "own",
                     "EventPattern": "{\"source\":[\"my.app\"]}"})");
  Ask("PutTargets", R"({"Rule": "l", "EventBusName": "own", "Targets": [{"Id": "1",
      "Arn": "arn:aws:logs:us-east-1:000000000000:log-group:/events/x:*",
      "InputTransformer": {"InputPathsMap": {"w": "$.detail.word", "n": "$.detail.n"},
      "InputTemplate": "{\"text\": \"<w> came\", \"n\": <n>, \"rule\": <aws.events.rule-name>}"}}]})");
  PutEvent(R"({"word": "the \"word\"", "n": 5})");
  Json found;
  ASSERT_TRUE(world.RunUntil([&] { return !world.events.empty(); }));
  for (int i = 0; i < 1000 && found["events"].size() == 0; ++i) {
    world.loop().context().restart();
    world.loop().context().run_one_for(std::chrono::seconds(1));
    found = *world.Ask("logs", "FilterLogEvents", Json::Object{{"logGroupName", "/events/x"}});
  }
  ASSERT_EQ(found["events"].size(), 1u);
  EXPECT_EQ(found["events"].At(0).StringOr("message", ""),
            R"({"text": "the \"word\" came", "n": 5, "rule": "l"})");
}

TEST_F(EventsTest, AScheduleFiresAndWaitsForTheNext) {
  Ask("PutRule", R"json({"Name": "s", "ScheduleExpression": "rate(5 minutes)"})json");
  PutTarget("s");
  const Key key = MakeKey({"000000000000", "us-east-1", "events", "rule", "default", "s"});
  const auto rule = world.Run(world.ports().store.Get(key));
  ASSERT_TRUE(rule && *rule);
  const std::string tick = (*rule)->body.StringOr("tick", "");
  ASSERT_FALSE(tick.empty());
  const auto fire = [&](const std::string& with) {
    return R"({"rule": "s", "bus": "default", "at": 1658102400000, "tick": ")" + with + R"("})";
  };
  Ask("FireSchedule", fire("events-tick/other"), true);
  Ask("FireSchedule", fire(tick), true);
  ASSERT_TRUE(WaitForStarts(1));
  EXPECT_EQ(started.size(), 1u) << "a tick of an older rule does nothing";
  const auto input = ParseJson(started[0].StringOr("input", ""));
  ASSERT_TRUE(input);
  EXPECT_EQ(input->StringOr("source", ""), "aws.events");
  EXPECT_EQ(input->StringOr("detail-type", ""), "Scheduled Event");
  EXPECT_EQ(input->StringOr("time", ""), "2022-07-18T00:00:00Z");
  EXPECT_EQ((*input)["resources"].At(0).AsString(), "arn:aws:events:us-east-1:000000000000:rule/s");
  const auto after = world.Run(world.ports().store.Get(key));
  EXPECT_NE((*after)->body.StringOr("tick", ""), tick);
  Ask("DisableRule", R"({"Name": "s"})");
  const auto off = world.Run(world.ports().store.Get(key));
  EXPECT_FALSE((*off)->body.Has("tick"));
}

TEST(EventsMachines, ATickWaitsFiresAndEnds) {
  const Json data = Json::Object{{"at", 5000},
                                 {"rule", "r"},
                                 {"bus", "default"},
                                 {"account", "000000000000"},
                                 {"region", "us-east-1"}};
  Event event{"start", TimeFromMillis(1), 0, data, Json()};
  Step step = AdvanceTick("t", Json(), event);
  ASSERT_EQ(step.turn.timers.size(), 1u);
  EXPECT_EQ(step.turn.timers[0].at, TimeFromMillis(5000));
  event.kind = "timer";
  step = AdvanceTick("t", step.state, event);
  ASSERT_EQ(step.turn.effects.size(), 1u);
  event.kind = "effect";
  event.data = Json::Object{{"tag", "try-1"}, {"error", Json::Object{{"name", "X"}}}};
  step = AdvanceTick("t", step.state, event);
  EXPECT_FALSE(step.turn.is_finished);
  ASSERT_EQ(step.turn.timers.size(), 1u);
  event.kind = "timer";
  step = AdvanceTick("t", step.state, event);
  ASSERT_EQ(step.turn.effects.size(), 1u);
  EXPECT_EQ(step.turn.effects[0].tag, "try-2");
  event.kind = "effect";
  event.data = Json::Object{{"tag", "try-2"}, {"output", Json::Object{}}};
  EXPECT_TRUE(AdvanceTick("t", step.state, event).turn.is_finished);
}

TEST(EventsMachines, ADeliveryGivesUpByItsPolicy) {
  const Json data =
      Json::Object{{"what", Json::Object{}}, {"attempt", 1}, {"attemptsMax", 2}, {"until", 10'000}};
  Step step = AdvanceDelivery("d", Json(), Event{"start", TimeFromMillis(0), 0, data, Json()});
  ASSERT_EQ(step.turn.effects.size(), 1u);
  const auto failed = [](const char* name, int64_t at) {
    const Json error = Json::Object{{"name", name}};
    return Event{"effect", TimeFromMillis(at), 0, Json::Object{{"error", error}}, Json()};
  };
  EXPECT_TRUE(AdvanceDelivery("d", step.state, failed("AccessDenied", 1)).turn.is_finished);
  EXPECT_TRUE(
      AdvanceDelivery("d", step.state, failed("ThrottlingException", 9'500)).turn.is_finished)
      << "too old";
  step = AdvanceDelivery("d", step.state, failed("ThrottlingException", 1));
  ASSERT_EQ(step.turn.timers.size(), 1u);
  step = AdvanceDelivery("d", step.state, Event{"timer", TimeFromMillis(1001), 0, Json(), Json()});
  EXPECT_EQ(step.turn.effects[0].tag, "try-2");
  EXPECT_TRUE(
      AdvanceDelivery("d", step.state, failed("ThrottlingException", 1002)).turn.is_finished)
      << "no attempts left";
}

}  // namespace
}  // namespace stepmill::events
