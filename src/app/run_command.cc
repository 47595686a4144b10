#include "app/run_command.h"

#include <chrono>
#include <cstdio>
#include <map>
#include <thread>

#include "base/strings.h"
#include "io/files.h"
#include "lang/asl/definition.h"
#include "lang/asl/execution.h"
#include "lang/asl/rehearsal.h"
#include "lang/yaml/yaml.h"

namespace stepmill {
namespace {

constexpr char kUsage[] =
    "usage: stepmill run FILE.asl.json|yaml [--input JSON|@FILE] [--mocks FILE] [--fast-forward] "
    "[--history]\n"
    "\n"
    "  --input         the execution's input; default {}\n"
    "  --mocks         answers of tasks: {\"STATE\": {\"return\": VALUE} or {\"fail\": {\"error\", "
    "\"cause\"}}, or a list}\n"
    "  --fast-forward  waits and delays take no time\n"
    "  --history       history events as JSON lines\n";

struct RunOptions {
  std::string file;
  std::string input = "{}";  // JSON text, or "@FILE"
  std::string mocks;         // file of task answers; empty: none
  bool is_fast_forward = false;
  bool with_history = false;
};

bool ReadOptions(const std::vector<std::string>& args, RunOptions& options) {
  for (size_t i = 0; i < args.size(); ++i) {
    const bool has_value = i + 1 < args.size();
    if (args[i] == "--input" && has_value)
      options.input = args[++i];
    else if (args[i] == "--mocks" && has_value)
      options.mocks = args[++i];
    else if (args[i] == "--fast-forward")
      options.is_fast_forward = true;
    else if (args[i] == "--history")
      options.with_history = true;
    else if (options.file.empty() && !args[i].starts_with("-"))
      options.file = args[i];
    else
      return false;
  }
  return !options.file.empty();
}

void PrintError(const std::string& name, const std::string& message) {
  const Json line = Json::Object{{"error", name}, {"cause", message}};
  std::fprintf(stderr, "%s\n", line.Print().c_str());
}

bool IsYaml(std::string_view path) { return path.ends_with(".yaml") || path.ends_with(".yml"); }

Result<asl::Compiled> CompileFile(const std::string& path,
                                  const asl::CompileOptions& compile = {}) {
  MILL_TRY(const std::string text, io::ReadFile(path));
  if (!IsYaml(path)) return asl::Compile(text, compile);
  Positions positions;
  YamlOptions options;
  options.positions = &positions;
  MILL_TRY(const Json source, ParseYaml(text, options));
  return asl::CompileValue(source, std::move(positions), compile);
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

/// The answers of a mocks file, in turn.
class Mocks {
 public:
  static Result<Mocks> Read(const std::string& path) {
    Mocks mocks;
    if (path.empty()) return mocks;
    MILL_TRY(const std::string text, io::ReadFile(path));
    MILL_TRY(mocks.answers_, ParseJson(text));
    if (!mocks.answers_.is_object())
      return Error{Code::kInvalid, "InvalidMocks",
                   path + ": expected an object of state names and answers"};
    return mocks;
  }

  asl::TaskAnswer Answer(const asl::ScheduleTask& task) {
    asl::TaskAnswer out;
    const Json* mock = answers_.Find(task.state_name);
    if (!mock || (mock->is_array() && mock->size() == 0)) {
      out.is_failure = true;
      out.error = "States.TaskFailed";
      out.cause = "The state '" + task.state_name + "' calls " + task.resource.arn +
                  ": give its answer with --mocks FILE";
      return out;
    }
    Json answer = *mock;
    if (mock->is_array()) {
      size_t& used = used_[task.state_name];
      answer = mock->At(std::min(used, mock->size() - 1));
      ++used;
    }
    out.after = Millis(
        static_cast<int64_t>(answer["after"].is_number() ? answer["after"].AsDouble() * 1000 : 0));
    if (task.resource.is_sync() ||
        task.resource.pattern == asl::Resource::Pattern::kWaitForTaskToken)
      out.submitted = Json(Json::Object{});
    out.output = answer["return"];
    out.is_failure = answer.Has("fail");
    if (answer["fail"].Has("error")) out.error = answer["fail"].StringOr("error", "");
    if (answer["fail"].Has("cause")) out.cause = answer["fail"].StringOr("cause", "");
    return out;
  }

 private:
  Json answers_;
  std::map<std::string, size_t> used_;
};

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

std::string NameOf(const std::string& file) {
  std::string name = file.substr(file.rfind('/') + 1);
  return name.substr(0, name.find('.'));
}

}  // namespace

int RunCommand(const std::vector<std::string>& args) {
  RunOptions options;
  if (!ReadOptions(args, options)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  Result<asl::Compiled> compiled = CompileFile(options.file);
  if (!compiled) {
    PrintError(compiled.error().name, compiled.error().message);
    return 1;
  }
  PrintFindings(options.file, compiled->findings);
  if (!compiled->definition) return 1;
  Result<std::string> input = ReadInput(options.input);
  Result<Mocks> mocks = Mocks::Read(options.mocks);
  if (!input || !mocks) {
    const Error& error = input ? mocks.error() : input.error();
    PrintError(error.name, error.message);
    return 2;
  }
  const Time now = std::chrono::floor<Millis>(std::chrono::system_clock::now());
  const std::string machine = NameOf(options.file);
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
    return 0;
  }
  Json::Object failure{{"status", asl::StatusName(result.status)}};
  if (result.error) failure.Add("error", *result.error);
  if (result.cause) failure.Add("cause", *result.cause);
  std::fprintf(stderr, "%s\n", Json(std::move(failure)).Print().c_str());
  return 1;
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
