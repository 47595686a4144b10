#include "scenarios.h"

// Stories about the language: states that flow, wait, branch, fail and are begun again.
namespace stepmill::sim {
namespace {

constexpr char kChain[] = R"json({"StartAt": "A", "States": {
  "A": {"Type": "Pass", "Result": {"x": 1}, "ResultPath": "$.a", "Next": "B"},
  "B": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, $.a.x)", "u.$": "States.UUID()"},
        "Next": "C"},
  "C": {"Type": "Pass", "InputPath": "$.n", "End": true}}})json";

constexpr char kLoop[] = R"json({"StartAt": "Look", "States": {
  "Look": {"Type": "Choice", "Choices": [{"Variable": "$.i", "NumericLessThanPath": "$.n",
           "Next": "Add"}], "Default": "Done"},
  "Add": {"Type": "Pass", "Parameters": {"i.$": "States.MathAdd($.i, 1)", "n.$": "$.n"},
          "Next": "Look"},
  "Done": {"Type": "Succeed"}}})json";

constexpr char kWaits[] = R"json({"StartAt": "P", "States": {
  "P": {"Type": "Parallel", "End": true, "Branches": [
    {"StartAt": "W1", "States": {"W1": {"Type": "Wait", "SecondsPath": "$.a", "Next": "R1"},
                                 "R1": {"Type": "Pass", "Result": "a", "End": true}}},
    {"StartAt": "W2", "States": {"W2": {"Type": "Wait", "SecondsPath": "$.b", "Next": "R2"},
                                 "R2": {"Type": "Pass", "Result": "b", "End": true}}},
    {"StartAt": "R3", "States": {"R3": {"Type": "Pass", "Result": "c", "End": true}}}]}}})json";

constexpr char kMap[] = R"json({"StartAt": "M", "States": {"M": {"Type": "Map", "End": true,
  "ItemsPath": "$.items", "MaxConcurrency": 2, "ItemProcessor": {"StartAt": "W", "States": {
    "W": {"Type": "Wait", "SecondsPath": "$.s", "Next": "D"},
    "D": {"Type": "Pass", "Parameters": {"v.$": "States.MathAdd($.v, 100)"}, "End": true}}}}}})json";

constexpr char kRetry[] = R"json({"StartAt": "T", "States": {
  "T": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:ssm:getParameter",
        "Parameters": {"Name.$": "$.name"}, "End": true,
        "Retry": [{"ErrorEquals": ["Ssm.ParameterNotFoundException"], "IntervalSeconds": 2,
                   "BackoffRate": 2, "MaxAttempts": 3}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "F"}]},
  "F": {"Type": "Pass", "Result": "caught", "End": true}}})json";

constexpr char kLong[] = R"json({"StartAt": "P", "States": {
  "P": {"Type": "Parallel", "End": true, "Branches": [
    {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 8640000, "End": true}}},
    {"StartAt": "T", "States": {"T": {"Type": "Task", "TimeoutSeconds": 8640000, "End": true,
      "Resource": "arn:aws:states:::aws-sdk:ssm:putParameter.waitForTaskToken",
      "Parameters": {"Name.$": "$.name", "Value.$": "$$.Task.Token", "Type": "String",
                     "Overwrite": true}}}}]}}})json";

constexpr char kTimeout[] = R"json({"TimeoutSeconds": 20, "StartAt": "W", "States": {
  "W": {"Type": "Wait", "Seconds": 86400, "End": true}}})json";

constexpr char kRedrive[] = R"json({"StartAt": "A", "States": {
  "A": {"Type": "Pass", "Next": "T"},
  "T": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:ssm:getParameter",
        "Parameters": {"Name.$": "$.name"}, "ResultSelector": {"v.$": "$.Parameter.Value"},
        "Next": "W"},
  "W": {"Type": "Wait", "Seconds": 3, "End": true}}})json";

constexpr char kJsonata[] = R"json({"QueryLanguage": "JSONata", "StartAt": "A", "States": {
  "A": {"Type": "Pass", "Assign": {"t": "{% $sum($states.input.v) %}"}, "Next": "B"},
  "B": {"Type": "Wait", "Seconds": "{% $states.input.s %}", "Output": {"t": "{% $t %}"},
        "End": true}}})json";

constexpr char kHeavy[] = R"json({"StartAt": "A", "States": {
  "A": {"Type": "Pass", "Next": "W"},
  "W": {"Type": "Wait", "Seconds": 2, "Next": "B"},
  "B": {"Type": "Pass", "ResultPath": "$.r", "Result": 1, "End": true}}})json";

}  // namespace

Task<> Chain(Caller& caller, Book& book, std::string id) {
  MILL_CO_CHECK(co_await MakeMachine(caller, "chain", kChain));
  const int64_t n = caller.chance().Between(0, 1000);
  const Json input = Json::Object{{"n", n}};
  MILL_CO_TRY(Expected * made,
              co_await Run(caller, book, "chain", id, input, "SUCCEEDED", Json(n + 1)));
  made->counts = {{"PassStateEntered", 3}, {"PassStateExited", 3}};
  co_return Result<>();
}

Task<> Loop(Caller& caller, Book& book, std::string id) {
  MILL_CO_CHECK(co_await MakeMachine(caller, "loop", kLoop));
  const int64_t n = caller.chance().Between(0, 12);
  const Json input = Json::Object{{"i", 0}, {"n", n}};
  const Json output = Json::Object{{"i", n}, {"n", n}};
  MILL_CO_TRY(Expected * made, co_await Run(caller, book, "loop", id, input, "SUCCEEDED", output));
  made->counts = {{"ChoiceStateEntered", static_cast<int>(n) + 1},
                  {"PassStateExited", static_cast<int>(n)}};
  co_return Result<>();
}

Task<> Waits(Caller& caller, Book& book, std::string id) {
  MILL_CO_CHECK(co_await MakeMachine(caller, "waits", kWaits));
  const int64_t a = caller.chance().Between(1, 90), b = caller.chance().Between(1, 5);
  const Json input = Json::Object{{"a", a}, {"b", b}};
  const Json output = Json::Array{Json("a"), Json("b"), Json("c")};
  MILL_CO_TRY(Expected * made, co_await Run(caller, book, "waits", id, input, "SUCCEEDED", output));
  made->lasts = Seconds(std::max(a, b));
  made->counts = {{"WaitStateExited", 2}};
  co_return Result<>();
}

Task<> InlineMap(Caller& caller, Book& book, std::string id) {
  MILL_CO_CHECK(co_await MakeMachine(caller, "map", kMap));
  Json::Array items, results;
  const int64_t count = caller.chance().Between(0, 6);
  for (int64_t i = 0; i < count; ++i) {
    items.push_back(Json::Object{{"v", i}, {"s", caller.chance().Between(1, 8)}});
    results.push_back(Json::Object{{"v", i + 100}});
  }
  const Json input = Json::Object{{"items", std::move(items)}};
  const Json output = std::move(results);
  MILL_CO_TRY(Expected * made, co_await Run(caller, book, "map", id, input, "SUCCEEDED", output));
  made->counts = {{"MapIterationStarted", static_cast<int>(count)},
                  {"MapIterationSucceeded", static_cast<int>(count)}};
  co_return Result<>();
}

Task<> RetryAndCatch(Caller& caller, Book& book, std::string id) {
  MILL_CO_CHECK(co_await MakeMachine(caller, "retry", kRetry));
  const Json input = Json::Object{{"name", "/none/" + id}};
  MILL_CO_TRY(Expected * made,
              co_await Run(caller, book, "retry", id, input, "SUCCEEDED", Json("caught")));
  made->lasts = Seconds(2 + 4 + 8);
  made->counts = {{"TaskScheduled", 4}, {"TaskFailed", 4}, {"TaskSucceeded", 0}};
  co_return Result<>();
}

Task<> Stopped(Caller& caller, Book& book, std::string id) {
  MILL_CO_CHECK(co_await MakeMachine(caller, "long", kLong));
  const Json input = Json::Object{{"name", "/long/" + id}};
  MILL_CO_TRY(const std::string arn, co_await Start(caller, "long", id, input));
  MILL_CO_CHECK(co_await caller.Sleep(Millis(caller.chance().Between(0, 20'000))));
  const Json stop = Json::Object{{"executionArn", arn}, {"error", "Enough"}, {"cause", "of it"}};
  (void)co_await caller.Must("states", "StopExecution", stop);  // a refusal is a finding
  MILL_CO_TRY(const Json described, co_await Finish(caller, arn));
  if (described.StringOr("status", "") != "ABORTED")
    caller.findings().Fail(arn + " was stopped and is " + described.Print());
  book.executions.push_back({.arn = arn, .status = "ABORTED"});
  co_return Result<>();
}

Task<> TimedOut(Caller& caller, Book& book, std::string id) {
  MILL_CO_CHECK(co_await MakeMachine(caller, "timeout", kTimeout));
  const Json input = Json::Object{};
  MILL_CO_TRY(Expected * made,
              co_await Run(caller, book, "timeout", id, input, "TIMED_OUT", Json()));
  made->lasts = Seconds(20);
  co_return Result<>();
}

Task<> Redriven(Caller& caller, Book& book, std::string id) {
  MILL_CO_CHECK(co_await MakeMachine(caller, "redrive", kRedrive));
  const std::string name = "/redrive/" + id;
  const Json input = Json::Object{{"name", name}};
  MILL_CO_TRY(Expected * failed,
              co_await Run(caller, book, "redrive", id, input, "FAILED", Json()));
  const std::string arn = failed->arn;
  book.executions.pop_back();
  const Json put =
      Json::Object{{"Name", name}, {"Value", id}, {"Type", "String"}, {"Overwrite", true}};
  (void)co_await caller.Must("ssm", "PutParameter", put);  // a refusal is a finding
  const Json redrive = Json::Object{{"executionArn", arn}, {"clientToken", "token-of-" + id}};
  int attempts = 0;
  const auto reply = co_await caller.Ask("states", "RedriveExecution", redrive, "", &attempts);
  if (!reply && (attempts == 1 || reply.error().name != "ExecutionNotRedrivable"))
    caller.findings().Fail("RedriveExecution of " + id + ": " + reply.error().name);
  MILL_CO_TRY(const Json described, co_await Finish(caller, arn));
  if (described.StringOr("output", "") != Json(Json::Object{{"v", id}}).Print())
    caller.findings().Fail(arn + " after its redrive: " + described.Print());
  book.executions.push_back({.arn = arn,
                             .status = "SUCCEEDED",
                             .output = described.StringOr("output", ""),
                             .lasts = Seconds(3),
                             .counts = {{"ExecutionRedriven", 1}, {"TaskFailed", 1}}});
  co_return Result<>();
}

Task<> Jsonata(Caller& caller, Book& book, std::string id) {
  MILL_CO_CHECK(co_await MakeMachine(caller, "jsonata", kJsonata));
  const int64_t a = caller.chance().Between(1, 9), s = caller.chance().Between(1, 9);
  const Json input = Json::Object{{"v", Json::Array{Json(a), Json(10)}}, {"s", s}};
  const Json output = Json::Object{{"t", a + 10}};
  MILL_CO_TRY(Expected * made,
              co_await Run(caller, book, "jsonata", id, input, "SUCCEEDED", output));
  made->lasts = Seconds(s);
  co_return Result<>();
}

/// More than the loop keeps in memory.
Task<> Crowd(Caller& caller, Book& book, std::string id) {
  constexpr int kCount = 300;
  MILL_CO_CHECK(co_await MakeMachine(caller, "waits", kWaits));
  std::vector<std::pair<std::string, int64_t>> started;
  for (int i = 0; i < kCount; ++i) {
    const int64_t a = caller.chance().Between(1, 120);
    const Json input = Json::Object{{"a", a}, {"b", 1}};
    MILL_CO_TRY(std::string arn,
                co_await Start(caller, "waits", id + "-" + std::to_string(i), input));
    started.emplace_back(std::move(arn), a);
  }
  const Json output = Json::Array{Json("a"), Json("b"), Json("c")};
  for (const auto& [arn, seconds] : started) {
    MILL_CO_TRY(Expected * made, co_await Conclude(caller, book, arn, "SUCCEEDED", output));
    made->lasts = Seconds(seconds);
  }
  co_return Result<>();
}

/// Texts that the store keeps apart from the journal.
Task<> Heavy(Caller& caller, Book& book, std::string id) {
  MILL_CO_CHECK(co_await MakeMachine(caller, "heavy", kHeavy));
  const std::string text(static_cast<size_t>(caller.chance().Between(3'000, 90'000)),
                         static_cast<char>('a' + caller.chance().Below(26)));
  const Json input = Json::Object{{"id", id}, {"text", text}};
  MILL_CO_TRY(Expected * made,
              co_await Run(caller, book, "heavy", id, input, "SUCCEEDED", input.With("r", 1)));
  made->lasts = Seconds(2);
  co_return Result<>();
}

}  // namespace stepmill::sim
