// lang/jsonata: any text compiles or gives an error with a code, and what compiles ends within its
// bounds, twice with the same result.
#include <cstdio>
#include <cstdlib>

#include "fuzz.h"
#include "lang/jsonata/jsonata.h"

namespace {

using stepmill::Json;
namespace jsonata = stepmill::jsonata;

const Json& Input() {
  static const Json input = *stepmill::ParseJson(
      R"({"a":{"b":[1,2,{"c":[3,[4]]}],"s":"Hello, \u65e5\u672c \ud83d\ude00","n":null,"t":true},
          "items":[{"k":"x","v":3},{"k":"y","v":1.5},{"k":"x","v":-2}],"nested":[[1,2],[3,[4]],[]],
          "texts":["b","a","10","2018-01-02"],"e":{},"z":[]})");
  return input;
}

std::string Outcome(const jsonata::Expression& expression) {
  jsonata::Environment environment;
  environment.input = Input();
  environment.now = stepmill::TimeFromMillis(1'600'000'000'000);
  environment.entropy = 7;
  environment.limits.depth_max = 200;
  environment.limits.steps_max = 300'000;
  environment.limits.bytes_max = size_t{16} << 20;
  const auto result = expression.Evaluate(environment);
  if (!result) return result.error().name + " " + result.error().message;
  return *result ? (*result)->Print() : "undefined";
}

void Target(std::string_view text) {
  for (const auto dialect : {jsonata::Dialect::kJsonata, jsonata::Dialect::kStates}) {
    const auto expression = jsonata::Expression::Compile(text, dialect);
    if (!expression) {
      if (expression.error().name.empty() || expression.error().message.empty()) std::abort();
      continue;
    }
    const std::string first = Outcome(*expression);
    if (first != Outcome(*expression)) std::abort();
  }
}

}  // namespace

int main(int argc, char** argv) { return stepmill::fuzz::Main(argc, argv, Target); }
