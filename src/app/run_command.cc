#include "app/run_command.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <thread>

#include "app/mock_file.h"
#include "base/strings.h"
#include "io/files.h"
#include "lang/asl/definition.h"
#include "lang/asl/execution.h"
#include "lang/asl/rehearsal.h"
#include "lang/yaml/yaml.h"

namespace stepmill {
namespace {

constexpr int kDone = 0, kFailed = 1, kUsage = 2;

struct RunOptions {
  std::string file;
  std::string input = "{}";  // JSON text, or "@FILE"
  std::string mocks;         // a mock file; empty: none
  std::string test_case;
  bool is_fast_forward = false;
  bool with_history = false;
};

/// Reads the command line; kDone and `is_ready`: go on.
int ReadOptions(const std::vector<std::string>& args, RunOptions& options, bool& is_ready) {
  CLI::App app("Runs one execution of a state machine's file, without a server.", "stepmill run");
  app.add_option("FILE", options.file, "the definition: JSON or YAML")->required();
  app.add_option("--input", options.input, "the input: JSON, or @FILE")->capture_default_str();
  app.add_option("--mocks", options.mocks, "answers of tasks: a mock file of Step Functions Local");
  app.add_option("--test-case", options.test_case,
                 "the test case of the mock file, where it has several");
  app.add_flag("--fast-forward", options.is_fast_forward,
               "waits, retry delays and timeouts take no time");
  app.add_flag("--history", options.with_history, "history events as JSON lines");
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kDone : kUsage;
  }
  is_ready = true;
  return kDone;
}

void PrintError(const std::string& name, const std::string& message) {
  const Json line = Json::Object{{"error", name}, {"cause", message}};
  std::fprintf(stderr, "%s\n", line.Print().c_str());
}

bool IsYaml(std::string_view path) { return path.ends_with(".yaml") || path.ends_with(".yml"); }

/// A Resource that SAM fills in ("${Name}" of DefinitionSubstitutions) counts as a function.
Json WithSubstitutions(const Json& value) {
  if (value.is_array()) {
    Json::Array items;
    for (const Json& item : value.items()) items.push_back(WithSubstitutions(item));
    return items;
  }
  if (!value.is_object()) return value;
  Json::Object out;
  for (const Json::Member& member : value.members()) {
    const std::string text = member.value.is_string() ? member.value.AsString() : "";
    if (member.name == "Resource" && text.starts_with("${") && text.ends_with("}"))
      out.Add(member.name,
              "arn:aws:lambda:us-east-1:000000000000:function:" + text.substr(2, text.size() - 3));
    else
      out.Add(member.name, WithSubstitutions(member.value));
  }
  return out;
}

Result<asl::Compiled> CompileFile(const std::string& path,
                                  const asl::CompileOptions& compile = {}) {
  MILL_TRY(const std::string text, io::ReadFile(path));
  const bool has_substitution = text.find("${") != std::string::npos;
  Positions positions;
  if (IsYaml(path)) {
    YamlOptions options;
    options.positions = &positions;
    MILL_TRY(const Json source, ParseYaml(text, options));
    return asl::CompileValue(has_substitution ? WithSubstitutions(source) : source,
                             std::move(positions), compile);
  }
  ParseOptions options;
  options.positions = &positions;
  options.refuse_duplicates = true;
  const Result<Json> source = has_substitution ? ParseJson(text, options) : Result<Json>(Json());
  if (!has_substitution || !source)
    return asl::Compile(text, compile);  // which has AWS's words for it
  return asl::CompileValue(WithSubstitutions(*source), std::move(positions), compile);
}

void PrintFindings(const std::string& path, const std::vector<asl::Finding>& findings) {
  for (const asl::Finding& finding : findings) {
    const std::string message = ReplaceAll(finding.message, "\n", " ");
    const std::string place = finding.location.starts_with("/") ? " at " + finding.location : "";
    std::fprintf(stderr, "%s:%d:%d: %s: %s: %s%s\n", path.c_str(), finding.position.line,
                 finding.position.column, finding.is_error ? "error" : "warning",
                 finding.code.c_str(), message.c_str(), place.c_str());
  }
}

Result<std::string> ReadInput(const std::string& input) {
  std::string text = input;
  if (input.starts_with("@")) {
    MILL_TRY(text, io::ReadFile(input.substr(1)));
  }
  if (const auto problem = asl::FindJacksonProblem(text))
    return Error{Code::kInvalid, "InvalidExecutionInput",
                 "line " + std::to_string(problem->line) + ", column " +
                     std::to_string(problem->column) + ": " + problem->message};
  return text;
}

/// The name of a Map whose items run as executions of their own; empty: there is none.
std::string FindDistributed(const asl::StateMachine& machine) {
  for (const asl::State& state : machine.states) {
    if (state.distributed) return state.name;
    for (const auto& branch : state.branches)
      if (const std::string found = FindDistributed(*branch); !found.empty()) return found;
  }
  return "";
}

std::string NameOf(const std::string& file) {
  std::string name = file.substr(file.rfind('/') + 1);
  return name.substr(0, name.find('.'));
}

}  // namespace

int RunCommand(const std::vector<std::string>& args) {
  RunOptions options;
  bool is_ready = false;
  const int usage = ReadOptions(args, options, is_ready);
  if (!is_ready) return usage;
  Result<asl::Compiled> compiled = CompileFile(options.file);
  if (!compiled) {
    PrintError(compiled.error().name, compiled.error().message);
    return kFailed;
  }
  PrintFindings(options.file, compiled->findings);
  if (!compiled->definition) return kFailed;
  if (const std::string map = FindDistributed(compiled->definition->root); !map.empty()) {
    PrintError("NotBuilt", "The Map '" + map +
                               "' has the mode DISTRIBUTED, whose child executions need a server: "
                               "start `stepmill serve`, or make it INLINE to run it here.");
    return kFailed;
  }
  const std::string machine = NameOf(options.file);
  Result<std::string> input = ReadInput(options.input);
  Result<MockFile> mocks = MockFile::Read(options.mocks, machine, options.test_case);
  if (!input || !mocks) {
    const Error& error = input ? mocks.error() : input.error();
    PrintError(error.name, error.message);
    return kUsage;
  }
  const Time now = std::chrono::floor<Millis>(std::chrono::system_clock::now());
  const std::string arn = "arn:aws:states:us-east-1:000000000000:";
  asl::StartInfo start;
  start.name = "run";
  start.execution_arn = arn + "execution:" + machine + ":run";
  start.role_arn = "arn:aws:iam::000000000000:role/run";
  start.state_machine_arn = arn + "stateMachine:" + machine;
  start.state_machine_name = machine;
  start.region = "us-east-1";
  start.started_at = now;
  start.input_text = *input;
  asl::Execution execution(compiled->definition, start);
  asl::RehearsalHooks hooks;
  hooks.answer = [&](const asl::ScheduleTask& task) { return mocks->Answer(task); };
  if (options.with_history)
    hooks.on_history = [](const asl::HistoryEvent& event) {
      std::printf("%s\n", asl::HistoryToJson(event).Print().c_str());
    };
  if (!options.is_fast_forward)
    hooks.wait_until = [](Time at) { std::this_thread::sleep_until(at); };
  const asl::RehearsalResult result =
      asl::Rehearse(execution, now, static_cast<uint64_t>(MillisSinceEpoch(now)), hooks);
  if (result.status == asl::Status::kSucceeded) {
    std::printf("%s\n", result.output_text.AsString().c_str());
    return kDone;
  }
  Json::Object failure{{"status", asl::StatusName(result.status)}};
  if (result.error) failure.Add("error", *result.error);
  if (result.cause) failure.Add("cause", *result.cause);
  std::fprintf(stderr, "%s\n", Json(std::move(failure)).Print().c_str());
  return kFailed;
}

int ValidateStateMachines(const std::vector<std::string>& paths) {
  bool has_error = false;
  asl::CompileOptions compile;
  compile.has_own_warnings = true;
  for (const std::string& path : paths) {
    const Result<asl::Compiled> compiled = CompileFile(path, compile);
    if (!compiled) {
      std::fprintf(stderr, "%s: error: %s\n", path.c_str(), compiled.error().message.c_str());
      has_error = true;
      continue;
    }
    PrintFindings(path, compiled->findings);
    has_error = has_error || !compiled->definition;
  }
  return has_error ? 1 : 0;
}

}  // namespace stepmill
