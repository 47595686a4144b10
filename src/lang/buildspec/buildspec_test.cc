#include "lang/buildspec/buildspec.h"

#include <gtest/gtest.h>

#include <deque>

#include "base/strings.h"
#include "base/test_cases.h"
#include "lang/buildspec/glob.h"
#include "lang/buildspec/progress.h"

namespace stepmill::buildspec {
namespace {

/// Plays a build: `exits` maps a command to its exit codes in turn (0 when it is not named).
std::string Play(const Json& spec, std::map<std::string, std::deque<int>> exits) {
  std::string out;
  Json progress;
  std::deque<Event> events = {Started{}};
  while (!events.empty()) {
    const Step step = Advance(spec, progress, events.front());
    events.pop_front();
    progress = step.progress;
    for (const Effect& effect : step.effects) {
      if (const auto* enter = std::get_if<EnterPhase>(&effect)) {
        out += "enter " + enter->phase + "\n";
      } else if (const auto* leave = std::get_if<LeavePhase>(&effect)) {
        out += "leave " + leave->phase +
               (leave->is_succeeded ? " ok" : " " + leave->code + ": " + leave->message) + "\n";
      } else if (const auto* run = std::get_if<RunCommand>(&effect)) {
        auto& codes = exits[run->command];
        const int code = codes.empty() ? 0 : codes.front();
        if (!codes.empty()) codes.pop_front();
        out += "run " + run->command + " succeeding=" + (run->is_succeeding ? "1" : "0") + " -> " +
               std::to_string(code) + "\n";
        events.push_back(CommandEnded{code});
      } else if (std::holds_alternative<Upload>(effect)) {
        out += "upload\n";
        events.push_back(UploadEnded{});
      } else if (const auto* note = std::get_if<Note>(&effect)) {
        out += "note " + note->text + "\n";
      } else {
        out += "finish " + std::get<Finish>(effect).status + "\n";
      }
    }
  }
  return out;
}

std::map<std::string, std::deque<int>> ExitsOf(const std::string& text) {
  std::map<std::string, std::deque<int>> exits;
  for (const auto line : Split(text, '\n')) {
    const size_t arrow = line.rfind("->");
    if (arrow == std::string_view::npos) continue;
    for (const auto code : Split(line.substr(arrow + 2), ','))
      exits[std::string(Trim(line.substr(0, arrow)))].push_back(
          static_cast<int>(ParseInt(Trim(code)).value_or(0)));
  }
  return exits;
}

std::string Outcome(const TestCase& test) {
  const Parsed parsed = Parse(test.Part("buildspec.yml"));
  std::string out;
  for (const Finding& finding : parsed.findings)
    out += std::to_string(finding.at.line) + ":" + std::to_string(finding.at.column) + ": " +
           finding.message + "\n";
  if (!out.empty()) return out;
  if (test.Has("exits")) return Play(parsed.spec, ExitsOf(test.Part("exits")));
  if (test.Has("files")) {
    std::vector<std::string> paths;
    const std::string files = test.Part("files");
    for (const auto line : Split(files, '\n'))
      if (!line.empty()) paths.emplace_back(line);
    for (const auto& file : SelectArtifacts(parsed.spec["artifacts"], paths))
      out += file.path + " as " + file.name + "\n";
    return out;
  }
  return parsed.spec.PrintPretty() + "\n";
}

TEST(Buildspec, Cases) {
  const auto cases = ReadTestCases("src/lang/buildspec/cases");
  EXPECT_FALSE(cases.empty());
  for (const TestCase& test : cases) {
    const std::string outcome = Outcome(test);
    if (!UpdateTestCase(test, "expect", outcome)) {
      EXPECT_EQ(outcome, test.Part("expect")) << test.path << ": " << test.why;
    }
  }
}

TEST(Buildspec, GlobsCrossFoldersOnlyWithTwoStars) {
  EXPECT_TRUE(GlobMatch("**/*", "a"));
  EXPECT_TRUE(GlobMatch("**/*", "a/b/.c"));
  EXPECT_FALSE(GlobMatch("*", "a/b"));
  EXPECT_TRUE(GlobMatch("a/**/b", "a/b"));
  EXPECT_TRUE(GlobMatch("a/**/b", "a/x/y/b"));
  EXPECT_FALSE(GlobMatch("a/**/b", "a/x/y/c"));
  EXPECT_TRUE(GlobMatch("*.[jt]s", "x.ts"));
  EXPECT_FALSE(GlobMatch("*.[!j]s", "x.js"));
  EXPECT_TRUE(GlobMatch("./x?.txt", "x1.txt"));
  EXPECT_FALSE(GlobMatch(std::string(2000, '*') + "/**/**/b", "c"));
}

}  // namespace
}  // namespace stepmill::buildspec
