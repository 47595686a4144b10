// Evaluations and compilations a second of processor time of lang/jsonata, on the cases of a file
// ({"inputs": {..}, "jsonata": [{"id", "input", "expr"}]}): jsonata_bench FILE [MILLISECONDS]
// Prints {"ID": {"cpuOps", "parseOps", "result"}}, the figures of the peer's bench.mjs.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <sstream>
#include <vector>

#include "lang/jsonata/jsonata.h"

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

}  // namespace

int main(int argc, char** argv) {
  using stepmill::Json;
  namespace jsonata = stepmill::jsonata;
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
  for (const Json& test : (*file)["jsonata"].items()) {
    const std::string expression = test.StringOr("expr", "");
    const auto compiled = jsonata::Expression::Compile(expression);
    if (!compiled) {
      std::fprintf(stderr, "%s: %s\n", expression.c_str(), compiled.error().message.c_str());
      return 1;
    }
    jsonata::Environment environment;
    environment.input = (*file)["inputs"][test.StringOr("input", "")];
    const auto result = compiled->Evaluate(environment);
    if (!result) {
      std::fprintf(stderr, "%s: %s\n", expression.c_str(), result.error().message.c_str());
      return 1;
    }
    const double rate = Rate(seconds, [&] { (void)compiled->Evaluate(environment); });
    const double parse = Rate(seconds / 3, [&] { (void)jsonata::Expression::Compile(expression); });
    out.Set(test.StringOr("id", ""),
            Json::Object{{"cpuOps", rate},
                         {"parseOps", parse},
                         {"result", *result ? Json(**result) : Json("undefined")}});
  }
  std::printf("%s\n", Json(std::move(out)).PrintPretty(1).c_str());
  return 0;
}
