#include "lang/asl/execution.h"

#include <gtest/gtest.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/strings.h"
#include "base/test_paths.h"
#include "lang/asl/limits.h"
#include "lang/asl/rehearsal.h"

namespace stepmill::asl {
namespace {

using Sections = std::map<std::string, std::string>;

std::string ReadFile(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

// "-- name --" begins a section.
Sections ReadSections(const std::string& text) {
  Sections out;
  std::string name = "why";
  for (const std::string_view line : Split(text, '\n')) {
    if (line.starts_with("-- ") && line.ends_with(" --")) {
      name = std::string(line.substr(3, line.size() - 6));
      out[name];
    } else {
      out[name] += std::string(line) + "\n";
    }
  }
  return out;
}

// "Flaky: fail Boom, return {"a": 1}, after 5s return 1, submit {"Id": 1} return 2"
TaskAnswer ParseAnswer(std::string_view text) {
  TaskAnswer out;
  text = Trim(text);
  if (text.starts_with("after ")) {
    const size_t end = text.find("s ");
    out.after = Seconds(*ParseInt(text.substr(6, end - 6)));
    text = Trim(text.substr(end + 2));
  }
  if (text.starts_with("submit ")) {
    const size_t end = text.find("} ");
    out.submitted = ParseJson(text.substr(7, end - 6)).value();
    text = Trim(text.substr(end + 2));
  }
  if (text.starts_with("return ")) {
    out.output = ParseJson(text.substr(7)).value();
  } else if (text.starts_with("fail")) {
    out.is_failure = true;
    text = Trim(text.substr(4));
    const size_t space = text.find(' ');
    if (!text.empty()) out.error = std::string(text.substr(0, space));
    if (space != std::string_view::npos) out.cause = std::string(text.substr(space + 1));
  } else {
    ADD_FAILURE() << "no such answer: " << text;
  }
  return out;
}

std::map<std::string, std::deque<TaskAnswer>> ParseTasks(const std::string& text) {
  std::map<std::string, std::deque<TaskAnswer>> out;
  for (const std::string_view line : Split(text, '\n')) {
    const size_t colon = line.find(": ");
    if (colon == std::string_view::npos) continue;
    for (const std::string_view answer : Split(line.substr(colon + 2), ';'))
      out[std::string(line.substr(0, colon))].push_back(ParseAnswer(answer));
  }
  return out;
}

struct Outcome {
  RehearsalResult result;
  std::vector<HistoryEvent> history;
};

std::string Describe(const Outcome& outcome, bool with_history, bool with_waits) {
  std::string out = "status: " + std::string(StatusName(outcome.result.status)) + "\n";
  if (outcome.result.output_text.is_string())
    out += "output: " + outcome.result.output_text.AsString() + "\n";
  if (outcome.result.error) out += "error: " + *outcome.result.error + "\n";
  if (outcome.result.cause) out += "cause: " + *outcome.result.cause + "\n";
  if (with_waits) {
    out += "waits:";
    for (const Millis wait : outcome.result.waits)
      out += " " + Json(static_cast<double>(wait.count()) / 1000).Print() + "s";
    out += "\n";
  }
  if (with_history)
    for (const HistoryEvent& event : outcome.history) {
      out += std::to_string(event.id) + "<" + std::to_string(event.previous_id) + " " +
             HistoryTypeName(event);
      if (event.name.is_string()) out += " " + event.name.AsString();
      if (event.payload.is_string()) out += " " + event.payload.AsString();
      if (!event.details.is_null()) out += " " + event.details.Print();
      out += "\n";
    }
  return out;
}

StartInfo Start(const std::string& input) {
  StartInfo start;
  start.execution_arn = "arn:aws:states:us-east-1:000000000000:execution:m:e";
  start.name = "e";
  start.role_arn = "arn:aws:iam::000000000000:role/r";
  start.state_machine_arn = "arn:aws:states:us-east-1:000000000000:stateMachine:m";
  start.state_machine_name = "m";
  start.region = "us-east-1";
  start.started_at = TimeFromMillis(1'700'000'000'000);
  start.input_text = input;
  return start;
}

Outcome RunDefinition(const std::string& definition, const std::string& input,
                      const std::string& tasks = "", int redrives = 0) {
  Compiled compiled = Compile(definition);
  EXPECT_TRUE(compiled.definition) << JoinFindings(compiled.findings);
  Outcome outcome;
  if (!compiled.definition) return outcome;
  Execution execution(compiled.definition, Start(input));
  auto answers = ParseTasks(tasks);
  RehearsalHooks hooks;
  hooks.redrives = redrives;
  hooks.answer = [&](const ScheduleTask& task) {
    std::deque<TaskAnswer>& list = answers[task.state_name];
    TaskAnswer answer;
    if (list.empty()) {
      answer.output = task.input;
      return answer;
    }
    answer = list.front();
    list.pop_front();
    return answer;
  };
  hooks.on_history = [&](const HistoryEvent& event) { outcome.history.push_back(event); };
  outcome.result = Rehearse(execution, execution.start().started_at, 7, hooks);
  return outcome;
}

TEST(Execution, ATurnHasSoManyTransitionsAndGoesOn) {
  const auto definition =
      Compile(R"({"StartAt": "P", "States": {"P": {"Type": "Parallel", "End": true,
      "Branches": [{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"},
                                               "B": {"Type": "Pass", "End": true}}},
                   {"StartAt": "C", "States": {"C": {"Type": "Pass", "End": true}}}]}}})")
          .definition;
  ASSERT_TRUE(definition);
  const auto run = [&](int transitions_max, int& turns) {
    StartInfo start;
    start.input_text = "{}";
    start.transitions_max = transitions_max;
    Execution execution(definition, start);
    std::string history;
    Event event;
    for (turns = 0; !execution.is_finished() && turns < 20; ++turns) {
      const Turn turn = execution.Advance(event);
      EXPECT_EQ(turn.goes_on, !execution.is_finished());
      for (const HistoryEvent& each : turn.history) history += HistoryTypeName(each) + " ";
      event.kind = Event::Kind::kContinue;
    }
    return history;
  };
  int whole = 0, single = 0;
  EXPECT_EQ(run(1000, whole), run(1, single));
  EXPECT_EQ(whole, 1);
  EXPECT_EQ(single, 4);
}

TEST(Execution, Cases) {
  int count = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(SourceDir() + "/src/lang/asl/cases")) {
    SCOPED_TRACE(file.path().filename().string());
    const Sections sections = ReadSections(ReadFile(file.path()));
    const std::string definition = sections.at("definition.json");
    ++count;
    const std::string& want = sections.at("expect");
    std::string got;
    CompileOptions options;
    options.has_own_warnings = sections.count("warnings") > 0;
    const Compiled compiled = Compile(definition, options);
    if (!compiled.definition || options.has_own_warnings) {
      for (const Finding& finding : compiled.findings)
        got += std::to_string(finding.position.line) + ":" +
               std::to_string(finding.position.column) + " " + finding.code + ": " +
               finding.message + (finding.location.empty() ? "" : " at " + finding.location) + "\n";
    } else {
      const auto section = [&](const char* name, const char* other) {
        const auto found = sections.find(name);
        return found == sections.end() ? std::string(other) : std::string(Trim(found->second));
      };
      const Outcome outcome =
          RunDefinition(definition, section("input.json", "{}"), section("tasks", ""),
                        static_cast<int>(ParseInt(section("redrives", "0")).value_or(0)));
      got = Describe(outcome, want.find("\n1<0 ") != std::string::npos,
                     want.find("\nwaits:") != std::string::npos);
    }
    if (std::getenv("STEPMILL_UPDATE_CASES")) {
      std::string text = ReadFile(file.path());
      const size_t at = text.find("-- expect --\n") + 13;
      std::ofstream(file.path()) << text.substr(0, at) << got;
    } else {
      EXPECT_EQ(Trim(got), Trim(want));
    }
  }
  EXPECT_GT(count, 15);
}

TEST(Execution, ReplayGivesTheSameTurns) {
  const std::string definition = R"x({"StartAt": "M", "States": {"M": {"Type": "Map", "End": true,
    "MaxConcurrency": 2, "ItemProcessor": {"StartAt": "T", "States": {"T": {"Type": "Task",
    "Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": {"QueueUrl": "q", "MessageBody.$": "States.UUID()"},
    "Retry": [{"ErrorEquals": ["States.ALL"], "JitterStrategy": "FULL"}], "End": true}}}}}})x";
  std::vector<std::string> runs;
  for (int run = 0; run < 2; ++run)
    runs.push_back(
        Describe(RunDefinition(definition, "[1, 2, 3]", "T: fail A;return 1;fail B"), true, true));
  EXPECT_EQ(runs[0], runs[1]);
}

TEST(Execution, HistoryIsBounded) {
  const Outcome outcome = RunDefinition(
      R"x({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "C"},
          "C": {"Type": "Choice", "Choices": [{"Variable": "$.x", "IsPresent": true, "Next": "E"}],
          "Default": "A"}, "E": {"Type": "Succeed"}}})x",
      "{}");
  EXPECT_EQ(outcome.result.status, Status::kFailed);
  EXPECT_EQ(outcome.history.size(), static_cast<size_t>(kHistoryEventsMax));
  EXPECT_EQ(outcome.history.back().id, kHistoryEventsMax);
  EXPECT_EQ(*outcome.result.cause,
            "The execution reached the maximum number of history events (25000).");
}

TEST(Execution, LargePayloadsAreRefused) {
  const std::string big(300 * 1024, 'x');
  const Outcome pass = RunDefinition(
      R"x({"StartAt": "State_1", "States": {"State_1": {"Type": "Pass", "End": true,
          "Result": ")x" +
          big + R"("}}})",
      "{}");
  EXPECT_EQ(*pass.result.error, "States.DataLimitExceeded");
  EXPECT_EQ(pass.history.size(), 3u);
  const Outcome task = RunDefinition(
      R"x({"StartAt": "T", "States": {"T": {"Type": "Task", "End": true,
          "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "f"}, "Catch": [{"ErrorEquals": ["States.ALL"],
          "Next": "C"}]}, "C": {"Type": "Pass", "InputPath": "$.Error", "End": true}}})x",
      "{}", "T: return \"" + big + "\"");
  EXPECT_EQ(task.result.output_text.AsString(), "\"States.DataLimitExceeded\"");
}

TEST(Execution, StopAndLateEvents) {
  Compiled compiled = Compile(
      R"x({"StartAt": "T", "States": {"T": {"Type": "Task", "End": true,
          "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
          "Parameters": {"QueueUrl": "q", "MessageBody": "b"}}}})x");
  ASSERT_TRUE(compiled.definition);
  Execution execution(compiled.definition, Start("{}"));
  Event event;
  event.kind = Event::Kind::kStarted;
  const Turn first = execution.Advance(event);
  ASSERT_EQ(first.tasks.size(), 1u);
  const std::optional<TaskToken> token = ReadTaskToken(first.tasks[0].token);
  ASSERT_TRUE(token);
  EXPECT_EQ(token->execution_arn, execution.start().execution_arn);
  event.kind = Event::Kind::kTaskFailed;
  event.task = 99;
  EXPECT_TRUE(execution.Advance(event).history.empty());
  event.kind = Event::Kind::kStop;
  event.error = "E";
  const Turn stopped = execution.Advance(event);
  EXPECT_EQ(stopped.status, Status::kAborted);
  EXPECT_EQ(stopped.task_cancels, std::vector<uint64_t>{first.tasks[0].task});
  EXPECT_EQ(stopped.history.back().previous_id, 0);
  event.kind = Event::Kind::kTaskSucceeded;
  event.task = first.tasks[0].task;
  EXPECT_TRUE(execution.Advance(event).history.empty());
}

TEST(Jackson, Words) {
  const auto problem = [](std::string_view text) {
    const std::optional<JacksonProblem> found = FindJacksonProblem(text);
    return found ? found->message + " " + std::to_string(found->column) : std::string();
  };
  EXPECT_EQ(problem("not a definition"),
            "Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token "
            "'null', 'true' or 'false') 4");
  EXPECT_EQ(problem("{'a': 1}"),
            "Unexpected character (''' (code 39)): was expecting double-quote to start field name "
            "3");
  EXPECT_EQ(problem("{\"a\": 1}"), "");
}

}  // namespace
}  // namespace stepmill::asl
