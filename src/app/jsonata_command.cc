#include "app/jsonata_command.h"

#include <chrono>
#include <cstdio>
#include <map>
#include <random>

#include "base/strings.h"
#include "io/files.h"
#include "json/json.h"
#include "lang/jsonata/jsonata.h"

namespace stepmill {
namespace {

constexpr char kUsage[] =
    "usage: stepmill jsonata EXPR [--input FILE] [--lines] [--bind NAME=JSON] "
    "[--dialect jsonata|states] [--time-limit MS] [--depth N]\n"
    "\n"
    "  --input       the input, JSON; - is standard input; none: undefined\n"
    "  --lines       every line of the input is an input of its own\n"
    "  --bind        the value of variable $NAME\n"
    "  --dialect     states: as Step Functions has the language\n"
    "  --time-limit  milliseconds for one evaluation\n"
    "  --depth       how deep calls and expressions may nest; 2000\n";

constexpr int kDepthDefault = 2000;

struct JsonataOptions {
  std::string expression;
  std::string input_path;
  bool has_expression = false;
  bool has_input = false;
  bool is_lines = false;
  jsonata::Dialect dialect = jsonata::Dialect::kJsonata;
  std::map<std::string, Json, std::less<>> variables;
  int64_t time_limit_ms = 0;  // 0: none
  int depth_max = kDepthDefault;
};

bool ReadVariable(const std::string& text, JsonataOptions& options) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) return false;
  const auto value = ParseJson(std::string_view(text).substr(equals + 1));
  if (!value) return false;
  const size_t begin = text[0] == '$' ? 1 : 0;
  options.variables[text.substr(begin, equals - begin)] = *value;
  return true;
}

bool ReadOption(const std::string& name, const std::string& value, JsonataOptions& options) {
  if (name == "--input") {
    options.input_path = value;
    options.has_input = true;
    return true;
  }
  if (name == "--bind") return ReadVariable(value, options);
  if (name == "--dialect") {
    options.dialect = value == "states" ? jsonata::Dialect::kStates : jsonata::Dialect::kJsonata;
    return value == "states" || value == "jsonata";
  }
  const auto number = ParseInt(value);
  if (!number || *number <= 0) return false;
  if (name == "--time-limit") {
    options.time_limit_ms = *number;
    return true;
  }
  if (name == "--depth") {
    options.depth_max = static_cast<int>(std::min<int64_t>(*number, INT32_MAX));
    return true;
  }
  return false;
}

bool ReadOptions(const std::vector<std::string>& args, JsonataOptions& options) {
  bool is_all_text = false;
  for (size_t i = 0; i < args.size(); ++i) {
    if (!is_all_text && args[i] == "--") {
      is_all_text = true;
    } else if (!is_all_text && args[i] == "--lines") {
      options.is_lines = true;
    } else if (!is_all_text && args[i].starts_with("--") && i + 1 < args.size() &&
               (options.has_expression || ReadOption(args[i], args[i + 1], options))) {
      // The expression itself may begin with dashes: it is the first argument that is no option.
      if (options.has_expression && !ReadOption(args[i], args[i + 1], options)) return false;
      ++i;
    } else if (!options.has_expression) {
      options.expression = args[i];
      options.has_expression = true;
    } else {
      return false;
    }
  }
  return options.has_expression;
}

int PrintError(const Error& error, int64_t line) {
  Json position;
  for (const auto& [name, value] : error.fields)
    if (name == "position") position = Json(ParseInt(value).value_or(0));
  Json::Object out{{"code", error.name}, {"position", position}, {"message", error.message}};
  if (line > 0) out.Set("line", Json(line));
  std::fprintf(stderr, "%s\n", Json(std::move(out)).Print().c_str());
  return 1;
}

Time Now() { return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now()); }

/// One evaluation, printed. `line`: of the input; 0: the input is one.
int Evaluate(const jsonata::Expression& expression, const JsonataOptions& options,
             std::optional<Json> input, int64_t line) {
  jsonata::Environment environment;
  environment.input = std::move(input);
  environment.variable = [&options](std::string_view name) -> const Json* {
    const auto found = options.variables.find(name);
    return found == options.variables.end() ? nullptr : &found->second;
  };
  environment.now = Now();
  std::random_device chance;
  environment.entropy = uint64_t{chance()} << 32 | chance();
  environment.limits.depth_max = options.depth_max;
  environment.limits.bytes_max = size_t{1} << 30;
  environment.limits.steps_max = INT64_MAX;
  const auto end = std::chrono::steady_clock::now() + Millis(options.time_limit_ms);
  if (options.time_limit_ms) {
    environment.limits.is_over = [end] { return std::chrono::steady_clock::now() > end; };
  }
  const auto result = expression.Evaluate(environment);
  if (!result) return PrintError(result.error(), line);
  if (*result) std::printf("%s\n", (*result)->Print().c_str());
  return 0;
}

Result<std::string> ReadInput(const JsonataOptions& options) {
  if (options.has_input && options.input_path != "-") return io::ReadFile(options.input_path);
  std::string text;
  char buffer[65536];
  while (const size_t size = std::fread(buffer, 1, sizeof buffer, stdin)) text.append(buffer, size);
  return text;
}

int EvaluateLines(const jsonata::Expression& expression, const JsonataOptions& options,
                  const std::string& text) {
  int status = 0;
  int64_t line = 0;
  for (const std::string_view part : Split(text, '\n')) {
    ++line;
    if (Trim(part).empty()) continue;
    const auto input = ParseJson(part);
    status |= input ? Evaluate(expression, options, *input, line) : PrintError(input.error(), line);
  }
  return status;
}

}  // namespace

int JsonataCommand(const std::vector<std::string>& args) {
  if (args.size() == 1 && args[0] == "--help") {
    std::fputs(kUsage, stdout);
    return 0;
  }
  JsonataOptions options;
  if (!ReadOptions(args, options)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  const auto expression = jsonata::Expression::Compile(options.expression, options.dialect);
  if (!expression) return PrintError(expression.error(), 0);
  if (!options.has_input && !options.is_lines) {
    return Evaluate(*expression, options, std::nullopt, 0);
  }
  const auto text = ReadInput(options);
  if (!text) return PrintError(text.error(), 0);
  if (options.is_lines) return EvaluateLines(*expression, options, *text);
  if (Trim(*text).empty()) return Evaluate(*expression, options, std::nullopt, 0);
  const auto input = ParseJson(*text);
  if (!input) return PrintError(input.error(), 0);
  return Evaluate(*expression, options, *input, 0);
}

}  // namespace stepmill
