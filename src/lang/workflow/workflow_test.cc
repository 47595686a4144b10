#include "lang/workflow/workflow.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>

#include "base/strings.h"
#include "base/test_cases.h"
#include "lang/workflow/expression.h"
#include "lang/workflow/output.h"
#include "lang/workflow/run.h"
#include "lang/workflow/trigger.h"

namespace stepmill::workflow {
namespace {

std::string Expressions(const TestCase& test) {
  const std::string text = test.Part("expressions");
  const auto contexts = ParseJson(test.Part("contexts"));
  EXPECT_TRUE(contexts) << test.path;
  Scope scope{*contexts};
  std::string out;
  for (const auto line : Split(text, '\n')) {
    if (line.empty()) continue;
    const auto expression = ParseExpression(line);
    const auto value = expression ? Evaluate(*expression, scope) : expression.error();
    out += std::string(line) + "  =>  " + (value ? value->Print() : value.error().message) + "\n";
  }
  return out;
}

/// Lines `push refs/heads/x [path,path]` or `pull_request opened dev [path,...]`.
std::string Triggers(const TestCase& test) {
  const Parsed parsed = Parse(test.Part("workflow.yaml"));
  std::string out;
  const std::string text = test.Part("happenings");
  for (const auto line : Split(text, '\n')) {
    if (line.empty()) continue;
    const auto words = Split(line, ' ');
    Happening happening{std::string(words[0]), "", "", ""};
    size_t paths = 2;
    if (words[0] == "pull_request") {
      happening.action = words[1];
      happening.base_branch = words[2];
      paths = 3;
    } else if (words.size() > 1) {
      happening.ref = words[1];
    }
    if (words.size() > paths) {
      happening.paths.emplace();
      for (const auto path : Split(words[paths], ',')) happening.paths->emplace_back(path);
    }
    out += std::string(line) + "  =>  " +
           (Wants(parsed.workflow["on"], happening) ? "runs" : "does not") + "\n";
  }
  return out;
}

/// Plays a run. Part `steps` scripts results, "KEY/INDEX -> JSON" (default: success); a line
/// "open KEY -> lost MESSAGE" makes a sandbox fail; "cancel after KEY/INDEX" cancels the run.
class Player {
 public:
  explicit Player(const TestCase& test) {
    const std::string text = test.Part("steps");
    for (const auto line : Split(text, '\n')) {
      const size_t arrow = line.find(" -> ");
      if (arrow != std::string_view::npos)
        script_[std::string(line.substr(0, arrow))] = line.substr(arrow + 4);
      else if (line.starts_with("cancel after "))
        cancel_after_ = line.substr(13);
    }
  }

  std::string Run(const Json& workflow, const Json& contexts) {
    events_.push_back(RunStarted{workflow, contexts});
    for (int turns = 0; !events_.empty() && turns < 1000; ++turns) {
      const RunEvent event = events_.front();
      events_.pop_front();
      const RunStep step = AdvanceRun(state_, event, now_);
      state_ = step.state;
      for (const RunEffect& effect : step.effects)
        std::visit([this](const auto& one) { Do(one); }, effect);
    }
    return out_;
  }

 private:
  void Do(const OpenJob& open) {
    out_ += "open " + open.key + " on " + open.job["runsOn"].Print() + "\n";
    const auto scripted = script_.find("open " + open.key);
    if (scripted == script_.end())
      events_.push_back(JobOpened{open.key});
    else
      events_.push_back(JobLost{open.key, scripted->second});
  }
  void Do(const PerformStep& perform) {
    const std::string name = perform.key + "/" + std::to_string(perform.index);
    const Json secrets = Json::Object{{"TOKEN", "s3cret"}};
    const auto step = ResolveStep(perform.what, secrets, Json::Object{{"os", "Linux"}}, nullptr);
    Json result = Json::Object{{"outcome", "success"}};
    if (!step) {
      out_ += "  " + name + " error " + step.error().message + "\n";
      result = Json::Object{{"outcome", "failure"}, {"message", step.error().message}};
    } else if (step->is_skipped) {
      out_ += "  " + name + " skipped\n";
      result = Json::Object{{"outcome", "skipped"}};
    } else {
      out_ += "  " + name + " [" + step->name + "] ";
      if (!step->uses.empty()) out_ += "uses " + step->uses;
      for (const auto& [key, value] : step->with) out_ += " " + key + "=" + value;
      if (step->uses.empty()) out_ += Join(step->argv, " ") + ": " + Json(step->script).Print();
      for (const auto& [key, value] : step->env) out_ += " " + key + "=" + value;
      if (!step->working_directory.empty()) out_ += " in " + step->working_directory;
      if (perform.what["path"].size() > 0) out_ += " path " + perform.what["path"].Print();
      out_ += "\n";
      if (const auto scripted = script_.find(name); scripted != script_.end())
        result = ParseJson(scripted->second).value();
      result = result.With("continueOnError", step->continue_on_error);
    }
    if (cancel_after_ == name) events_.push_back(RunCancelled{});
    events_.push_back(StepEnded{perform.key, perform.index, result});
  }
  void Do(const JobChanged& changed) {
    out_ += "status " + changed.name + ": " + changed.state + " (" + changed.description + ")\n";
  }
  void Do(const CloseJob& close) { out_ += "close " + close.key + " " + close.result + "\n"; }
  void Do(const FinishRun& finish) { out_ += "finish " + finish.conclusion + "\n"; }

  std::map<std::string, std::string> script_;
  std::string cancel_after_;
  std::deque<RunEvent> events_;
  Json state_;
  Time now_ = TimeFromMillis(1'000'000);
  std::string out_;
};

std::string Outcome(const TestCase& test) {
  if (test.Has("expressions")) return Expressions(test);
  const Parsed parsed = Parse(test.Part("workflow.yaml"));
  std::string out;
  for (const Finding& finding : parsed.findings)
    out += std::to_string(finding.at.line) + ":" + std::to_string(finding.at.column) + ": " +
           finding.message + "\n";
  if (parsed.workflow.is_null()) return out;
  if (test.Has("happenings")) return out + Triggers(test);
  if (test.Has("steps")) {
    const auto contexts = ParseJson(test.Has("contexts") ? test.Part("contexts") : "{}");
    return out + Player(test).Run(parsed.workflow, contexts.value());
  }
  return out + parsed.workflow.PrintPretty() + "\n";
}

TEST(Workflow, Cases) {
  const auto cases = ReadTestCases("src/lang/workflow/cases");
  EXPECT_FALSE(cases.empty());
  for (const TestCase& test : cases) {
    const std::string outcome = Outcome(test);
    if (!UpdateTestCase(test, "expect", outcome)) {
      EXPECT_EQ(outcome, test.Part("expect")) << test.path << ": " << test.why;
    }
  }
}

TEST(Workflow, PatternsOfBranchesAndPaths) {
  EXPECT_TRUE(PatternMatch("releases/**", "releases/10"));
  EXPECT_TRUE(PatternMatch("releases/**", "releases/beta/2"));
  EXPECT_FALSE(PatternMatch("releases/*", "releases/beta/2"));
  EXPECT_TRUE(PatternMatch("**.js", "a/b/c.js"));
  EXPECT_TRUE(PatternMatch("**/docs/*.md", "docs/a.md"));
  EXPECT_TRUE(PatternMatch("*.jsx?", "page.js"));
  EXPECT_TRUE(PatternMatch("*.jsx?", "page.jsx"));
  EXPECT_TRUE(PatternMatch("v[12].[0-9]+.[0-9]+", "v1.10.1"));
  EXPECT_FALSE(PatternMatch("v[12].[0-9]+.[0-9]+", "v3.1.1"));
  EXPECT_TRUE(PatternMatch("**", "any/thing"));
  EXPECT_TRUE(PatternMatch("\\*a", "*a"));
  EXPECT_FALSE(PatternMatch("a", "ab"));
  EXPECT_FALSE(
      PatternMatch("[a-z]+[a-z]+[a-z]+[a-z]+[a-z]+[a-z]+[a-z]+[a-z]+!", std::string(300, 'a')));
  EXPECT_TRUE(PatternsMatch(Json::Array{"**", "!docs/**"}, "src/a"));
  EXPECT_FALSE(PatternsMatch(Json::Array{"**", "!docs/**"}, "docs/a"));
  EXPECT_TRUE(PatternsMatch(Json::Array{"!docs/**", "**"}, "docs/a"));
}

TEST(Workflow, CommandFiles) {
  const auto pairs = ParseCommandFile("A=1\nB=x=y\nC<<END\nline 1\n\nline 3\nEND\nD=\n");
  ASSERT_TRUE(pairs);
  EXPECT_EQ(*pairs, (Pairs{{"A", "1"}, {"B", "x=y"}, {"C", "line 1\n\nline 3"}, {"D", ""}}));
  EXPECT_EQ(ParseCommandFile("A\n").error().message, "Invalid format 'A'");
  EXPECT_EQ(ParseCommandFile("A<<E\nx\n").error().message,
            "Invalid value. Matching delimiter not found 'E'");
  EXPECT_TRUE(IsReservedVariable("GITHUB_SHA"));
  EXPECT_FALSE(IsReservedVariable("SHA"));
  EXPECT_EQ(ParsePathFile("/a\n\n/b\n"), (std::vector<std::string>{"/a", "/b"}));
}

TEST(Workflow, CommandsOnStandardOutput) {
  CommandReader reader;
  auto read = reader.Feed("::set-output name=a::x%0Ay%25");
  ASSERT_TRUE(read.command);
  EXPECT_EQ(read.command->Property("name"), "a");
  EXPECT_EQ(read.command->text, "x\ny%");
  EXPECT_FALSE(read.line);
  EXPECT_EQ(*reader.Feed("::error file=a.py,line=3::broken").line, "##[error]broken");
  EXPECT_EQ(*reader.Feed("plain ::not a command::").line, "plain ::not a command::");
  EXPECT_FALSE(reader.Feed("::stop-commands::tok").line);
  EXPECT_FALSE(reader.Feed("::add-mask::x").command);
  reader.Feed("::tok::");
  EXPECT_EQ(reader.Feed("::add-mask::x").command->text, "x");
}

TEST(Workflow, MasksSecretsAndTheirLines) {
  Masker masker;
  masker.Add(Secret("abc"));
  masker.Add(Secret("abcdef"));
  masker.Add(Secret("line one\nline two"));
  masker.Add(Secret(""));
  EXPECT_EQ(masker.Mask("abcdef abc line two ab"), "*** *** *** ab");
}

}  // namespace
}  // namespace stepmill::workflow
