// Evaluations and compilations a second of processor time of lang/jsonata and lang/path, on the
// cases of a file ({"inputs": {..}, "jsonata": [{"id", "input", "expr"}], "jsonpath": [the same]}):
// query_bench FILE [MILLISECONDS]
// Prints {"ID": {"cpuOps", "parseOps", "result"}}, the figures of query_peer.mjs.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <sstream>
#include <vector>

#include "lang/jsonata/jsonata.h"
#include "lang/path/path.h"

namespace {

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// Calls a second, median of five rounds of `seconds`.
template <class F>
double Rate(double seconds, F f) {
  long count = 1;
  for (;;) {
    const double begin = CpuSeconds();
    for (long i = 0; i < count; ++i) f();
    const double took = CpuSeconds() - begin;
    if (took > seconds / 3) {
      count = std::max(1L, static_cast<long>(static_cast<double>(count) * seconds / took));
      break;
    }
    count *= took < seconds / 30 ? 8 : 2;
  }
  std::vector<double> rates;
  for (int round = 0; round < 5; ++round) {
    const double begin = CpuSeconds();
    for (long i = 0; i < count; ++i) f();
    rates.push_back(static_cast<double>(count) / (CpuSeconds() - begin));
  }
  std::sort(rates.begin(), rates.end());
  return rates[2];
}

/// A compiled expression of either language, and what it reads.
struct Jsonata {
  static stepmill::Result<Jsonata> Compile(const std::string& text) {
    MILL_TRY(auto expression, stepmill::jsonata::Expression::Compile(text));
    return Jsonata{std::move(expression)};
  }
  stepmill::Result<stepmill::Json> Evaluate(const stepmill::Json& input) const {
    stepmill::jsonata::Environment environment;
    environment.input = input;
    MILL_TRY(const auto result, expression.Evaluate(environment));
    return result ? *result : stepmill::Json("undefined");
  }
  stepmill::jsonata::Expression expression;
};
struct JsonPath {
  static stepmill::Result<JsonPath> Compile(const std::string& text) {
    MILL_TRY(auto path, stepmill::path::Path::Compile(text));
    return JsonPath{std::move(path)};
  }
  /// The list of all matches, as the peer gives it.
  stepmill::Result<stepmill::Json> Evaluate(const stepmill::Json& input) const {
    MILL_TRY(stepmill::Json found, path.Evaluate(input));
    return path.is_definite() ? stepmill::Json(stepmill::Json::Array{found}) : found;
  }
  stepmill::path::Path path;
};

/// Measures every case of one language; false, with a line on standard error, when one fails.
template <class Language>
bool Measure(const stepmill::Json& file, const char* name, double seconds,
             stepmill::Json::Object& out) {
  for (const stepmill::Json& test : file[name].items()) {
    const std::string text = test.StringOr("expr", "");
    const stepmill::Json input = file["inputs"][test.StringOr("input", "")];
    const auto compiled = Language::Compile(text);
    const auto result = compiled ? compiled->Evaluate(input) : compiled.error();
    if (!result) {
      std::fprintf(stderr, "%s: %s\n", text.c_str(), result.error().message.c_str());
      return false;
    }
    const double rate = Rate(seconds, [&] { (void)compiled->Evaluate(input); });
    const double parse = Rate(seconds / 3, [&] { (void)Language::Compile(text); });
    out.Set(test.StringOr("id", ""),
            stepmill::Json::Object{{"cpuOps", rate}, {"parseOps", parse}, {"result", *result}});
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  using stepmill::Json;
  if (argc < 2) return 2;
  const double seconds = (argc > 2 ? std::strtod(argv[2], nullptr) : 300) / 1000;
  std::stringstream text;
  text << std::ifstream(argv[1]).rdbuf();
  const auto file = stepmill::ParseJson(text.str());
  if (!file) {
    std::fprintf(stderr, "%s\n", file.error().message.c_str());
    return 1;
  }
  Json::Object out;
  if (!Measure<Jsonata>(*file, "jsonata", seconds, out)) return 1;
  if (file->Has("jsonpath") && !Measure<JsonPath>(*file, "jsonpath", seconds, out)) return 1;
  std::printf("%s\n", Json(std::move(out)).PrintPretty(1).c_str());
  return 0;
}
