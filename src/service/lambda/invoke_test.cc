#include "app/test_functions.h"
#include "json/each.h"
#include "service/lambda/async_machine.h"

namespace stepmill::lambda {
namespace {

TEST_F(LambdaTest, OneEnvironmentTakesOneInvocationAfterAnother) {
  Create(Definition("f"));
  answer = [](const Json& work) {
    return Said{Unbase64(work.StringOr("payload", "")).value_or(""), false, false, "hello\n"};
  };
  EXPECT_EQ(Invoked(Event("f", R"({"a": 1})")), R"(200 $LATEST {"a": 1})");
  EXPECT_EQ(Invoked(Event("f", "\"x\"")), "200 $LATEST \"x\"");
  EXPECT_EQ(Invoked(Json::Object{{"FunctionName", "f"}}), "200 $LATEST {}");
  EXPECT_EQ(starts, 1);
  const auto jobs = world.Run(backend.List());
  const JobSpec* spec = backend.FindSpec(jobs->at(0));
  EXPECT_EQ(spec->image, "public.ecr.aws/lambda/python:3.12");
  EXPECT_EQ(spec->memory_mib, 128);
  EXPECT_TRUE(spec->has_read_only_root);
  EXPECT_EQ(spec->env.at("_HANDLER"), "app.handler");
  EXPECT_EQ(spec->env.at("AWS_LAMBDA_RUNTIME_API"), "127.0.0.1:4566");
  EXPECT_TRUE(spec->env.at("AWS_ACCESS_KEY_ID").starts_with("ASIA"));
  for (const JobInput& input : spec->inputs) {
    const bool is_writable = input.path == "/tmp" || input.path == kLogFile;
    EXPECT_EQ(input.is_read_only, !is_writable) << input.path;
  }
}

TEST_F(LambdaTest, TheLogHasStartEndAndReport) {
  Create(Definition("f"));
  answer = [](const Json&) { return Said{"1", false, false, "one\ntwo"}; };
  const Json answered = Must("Invoke", Event("f", "{}").With("LogType", "Tail"));
  const std::string tail = Unbase64(answered.StringOr("LogResult", "")).value_or("");
  const auto lines = Split(tail, '\n');
  ASSERT_EQ(lines.size(), 6U) << tail;
  EXPECT_TRUE(lines[0].starts_with("START RequestId: ") && lines[0].ends_with(" Version: $LATEST"));
  EXPECT_EQ(lines[1], "one");
  EXPECT_EQ(lines[2], "two");
  EXPECT_TRUE(lines[3].starts_with("END RequestId: "));
  EXPECT_TRUE(lines[4].starts_with("REPORT RequestId: ")) << lines[4];
  EXPECT_NE(lines[4].find("\tMemory Size: 128 MB\tMax Memory Used: 31 MB\t"), std::string::npos);
  EXPECT_TRUE(world.RunUntil([] {
    for (const auto& [name, messages] : test::kept().logs)
      if (name.starts_with("/aws/lambda/f 20") && messages.size() == 5) return true;
    return false;
  }));
}

TEST_F(LambdaTest, WhatFunctionsDoWrong) {
  Create(Definition("f").With("Timeout", 1));
  const Json event = Event("f", "{}");
  answer = [](const Json&) { return Said{R"({"errorType":"Boom"})", true, false, ""}; };
  EXPECT_EQ(Invoked(event), R"(200 $LATEST Unhandled {"errorType":"Boom"})");
  EXPECT_EQ(starts, 1) << "it raised: its environment stays";
  answer = [](const Json&) { return Said{std::string(7 << 20, 'x'), false, false, ""}; };
  EXPECT_EQ(Invoked(event),
            "200 $LATEST Unhandled {\"errorType\":\"Function.ResponseSizeTooLarge\","
            "\"errorMessage\":\"Response payload size exceeded maximum allowed payload size "
            "(6291556 bytes).\"}");
  answer = [](const Json&) { return Said{"", false, true, ""}; };
  const std::string late = Invoked(event);
  EXPECT_TRUE(late.starts_with(
      R"(200 $LATEST Unhandled {"errorType":"Sandbox.Timedout","errorMessage":"RequestId: )"))
      << late;
  EXPECT_TRUE(late.ends_with(" Error: Task timed out after 1.00 seconds\"}")) << late;
  EXPECT_TRUE(world.RunUntil([&] { return world.Run(backend.List())->empty(); }))
      << "the environment of a timeout ends";
  start = [](const JobSpec&) { return Exits(1); };
  const std::string exit = Invoked(event);
  EXPECT_TRUE(exit.ends_with(" Error: Runtime exited with error: exit status 1\"}")) << exit;
  start = [](const JobSpec&) {
    FakeRun run;
    run.start_error = "image 'x' is not there: stepmill images make python";
    return run;
  };
  EXPECT_EQ(Invoked(event),
            "ServiceException: image 'x' is not there: stepmill images make python");
}

TEST_F(LambdaTest, TheCallItself) {
  Create(Definition("f"));
  const Json event = Event("f", "{}");
  EXPECT_EQ(Invoked(event.With("InvocationType", "DryRun")), "204 ");
  EXPECT_TRUE(Invoked(Event("f", "{x"))
                  .starts_with("InvalidRequestContentException: Could not parse "
                               "request body into json: "));
  EXPECT_EQ(Invoked(event.With("Payload", Base64(std::string((6 << 20) + 1, ' ')))),
            "RequestTooLargeException: Request must be smaller than 6291456 bytes for the "
            "InvokeFunction operation");
  EXPECT_EQ(Invoked(event.With("InvocationType", "Event")
                        .With("Payload", Base64(std::string((1 << 20) + 1, ' ')))),
            "RequestTooLargeException: Request must be smaller than 1048576 bytes for the "
            "InvokeFunction operation");
  EXPECT_EQ(starts, 0);
}

TEST_F(LambdaTest, AnEventGoesOnWithoutItsCaller) {
  Create(Definition("f"));
  std::string seen;
  answer = [&](const Json& work) {
    seen = Unbase64(work.StringOr("payload", "")).value_or("");
    return Said{};
  };
  EXPECT_EQ(Invoked(Event("f", R"({"n":7})").With("InvocationType", "Event")), "202 ");
  EXPECT_TRUE(world.RunUntil([&] { return seen == R"({"n":7})"; }));
}

TEST_F(LambdaTest, SeveralAtOnceHaveAnEnvironmentEach) {
  Create(Definition("f"));
  answer = [](const Json&) { return Said{"", false, true, ""}; };  // none ends by itself
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(Invoked(Event("f", "{}").With("InvocationType", "Event")), "202 ");
  EXPECT_TRUE(world.RunUntil([&] { return starts == 3; }));
}

// ---- the machine of an asynchronous invocation

Json Started() { return ParseJson(R"({"requestId": "r", "payload": "{}", "at": 0})").value(); }

stepmill::Event Ended(const char* tag, const char* output, int64_t at_ms) {
  stepmill::Event event;
  event.kind = "effect";
  event.at = TimeFromMillis(at_ms);
  const Json json = ParseJson(output).value();
  event.data = Json::Object{{"tag", tag}, {"output", json}};
  return event;
}

TEST(LambdaEvent, AnErrorIsTriedAgainAfterAMinuteAndAfterTwo) {
  const char* kFailed =
      R"({"error": "Unhandled", "payload": "{}", "retries": 2, "maxAge": 21600, "onFailure": "arn:x"})";
  stepmill::Event start;
  start.kind = "start";
  start.data = Started();
  Step step = AdvanceEvent("i", Json(), start);
  ASSERT_EQ(step.turn.effects.size(), 1U);
  EXPECT_EQ(step.turn.effects[0].tag, "invoke:1");
  stepmill::Event timer;
  timer.kind = "timer";
  step = AdvanceEvent("i", step.state, Ended("invoke:1", kFailed, 1000));
  ASSERT_EQ(step.turn.timers.size(), 1U);
  EXPECT_EQ(MillisSinceEpoch(step.turn.timers[0].at), 61'000);
  step = AdvanceEvent("i", step.state, timer);
  EXPECT_EQ(step.turn.effects[0].tag, "invoke:2");
  step = AdvanceEvent("i", step.state, Ended("invoke:2", kFailed, 61'000));
  EXPECT_EQ(MillisSinceEpoch(step.turn.timers[0].at), 181'000);
  step = AdvanceEvent("i", step.state, timer);
  step = AdvanceEvent("i", step.state, Ended("invoke:3", kFailed, 181'000));
  ASSERT_EQ(step.turn.effects.size(), 1U);
  EXPECT_EQ(step.turn.effects[0].tag, "tell");
  EXPECT_EQ(step.turn.effects[0].what.StringOr("condition", ""), "RetriesExhausted");
  EXPECT_EQ(step.turn.effects[0].what.StringOr("destination", ""), "arn:x");
  step = AdvanceEvent("i", step.state, Ended("tell", "{}", 181'001));
  EXPECT_TRUE(step.turn.is_finished);
}

TEST(LambdaEvent, SuccessWithoutADestinationIsTheEnd) {
  stepmill::Event start;
  start.kind = "start";
  start.data = Started();
  Step step = AdvanceEvent("i", Json(), start);
  step = AdvanceEvent("i", step.state, Ended("invoke:1", R"({"error": "", "payload": "1"})", 5));
  EXPECT_TRUE(step.turn.is_finished);
  EXPECT_TRUE(step.turn.effects.empty());
}

TEST(LambdaContract, HowARuntimeEnds) {
  const Json custom = Json::Object{{"Runtime", "provided.al2023"}};
  JobResult end;
  end.exit_code = 127;
  EXPECT_EQ(ExitText(custom, "r", end, false, "/var/task/bootstrap: No such file or directory\n"),
            "{\"errorType\":\"Runtime.InvalidEntrypoint\",\"errorMessage\":\"RequestId: r Error: "
            "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]\"}");
  EXPECT_EQ(ExitText(custom, "r", end, false, "/var/task/bootstrap: Permission denied\n"),
            "{\"errorType\":\"Runtime.InvalidEntrypoint\",\"errorMessage\":\"RequestId: r Error: "
            "fork/exec /var/task/bootstrap: permission denied\"}");
  end.exit_code = 0;
  EXPECT_EQ(ExitText(custom, "r", end, true, ""),
            "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: r Error: Runtime "
            "exited without providing a reason\"}");
  end.exit_code = 139;
  EXPECT_EQ(ExitText(custom, "r", end, true, ""),
            "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: r Error: Runtime "
            "exited with error: signal: segmentation fault\"}");
  end.exit_code = 137;
  end.is_out_of_memory = true;
  EXPECT_EQ(ExitText(custom, "r", end, true, ""),
            "{\"errorType\":\"Runtime.OutOfMemory\",\"errorMessage\":\"RequestId: r Error: Runtime "
            "exited with error: signal: killed\"}");
}

}  // namespace
}  // namespace stepmill::lambda
