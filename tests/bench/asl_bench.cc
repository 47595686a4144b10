// The interpreter alone, with history events and without a store: transitions and item transitions
// per processor-second, and what a large payload costs against a small one. Prints one JSON object.

#include <cstdio>
#include <ctime>
#include <string>

#include "lang/asl/definition.h"
#include "lang/asl/execution.h"

namespace stepmill::asl {
namespace {

constexpr double kMeasureSeconds = 1.0;
constexpr int kChainStates = 1000;
constexpr int kLoops = 2000;
constexpr int kItems = 1000;
constexpr size_t kSmallBytes = 200;
constexpr size_t kLargeBytes = 200'000;

double ProcessorSeconds() {
  std::timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

std::shared_ptr<const Definition> Made(const std::string& text) {
  Compiled compiled = Compile(text);
  if (!compiled.definition) std::fprintf(stderr, "%s\n", JoinFindings(compiled.findings).c_str());
  MILL_ASSERT(compiled.definition);
  return compiled.definition;
}

/// Seconds that one execution takes, made outside the time; the mean of as many as fit.
double Measure(const std::shared_ptr<const Definition>& definition, const std::string& input) {
  StartInfo start;
  start.execution_arn = "arn:aws:states:us-east-1:000000000000:execution:m:e";
  start.name = "e";
  start.role_arn = "arn:aws:iam::000000000000:role/r";
  start.state_machine_arn = "arn:aws:states:us-east-1:000000000000:stateMachine:m";
  start.state_machine_name = "m";
  start.region = "us-east-1";
  start.input_text = input;
  double spent = 0;
  int runs = 0;
  while (spent < kMeasureSeconds) {
    Execution execution(definition, start);
    Event event;
    event.entropy = 1;
    const double began = ProcessorSeconds();
    Turn turn = execution.Advance(event);
    event.kind = Event::Kind::kContinue;
    while (turn.goes_on) turn = execution.Advance(event);
    spent += ProcessorSeconds() - began;
    MILL_ASSERT(turn.status == Status::kSucceeded);
    ++runs;
  }
  return spent / runs;
}

std::string PassChain(int states) {
  std::string text = R"({"StartAt": "S0", "States": {)";
  for (int i = 0; i < states; ++i) {
    text += "\"S" + std::to_string(i) + R"(": {"Type": "Pass", "Next": "S)";
    text += std::to_string(i + 1) + "\"}, ";
  }
  return text + "\"S" + std::to_string(states) + R"(": {"Type": "Succeed"}}})";
}

int Main() {
  const double chain = Measure(Made(PassChain(kChainStates)), "{}");
  const std::string counting = R"x({"StartAt": "C", "States": {
        "C": {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericGreaterThanEquals": )x" +
                               std::to_string(kLoops) + R"x(, "Next": "E"}], "Default": "P"},
        "P": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "C"},
        "E": {"Type": "Succeed"}}})x";
  const double loop = Measure(Made(counting), R"({"n": 0})");
  std::string items = "[0";
  for (int i = 1; i < kItems; ++i) items += "," + std::to_string(i);
  const double map = Measure(Made(R"({"StartAt": "M", "States": {"M": {"Type": "Map", "End": true,
        "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}}}})"),
                             items + "]");
  // Of a long chain, so that reading the payload before does not count.
  const auto states = Made(PassChain(kChainStates));
  const double tens = kChainStates / 10.0;
  const double small = Measure(states, "\"" + std::string(kSmallBytes, 'x') + "\"") / tens;
  const double large = Measure(states, "\"" + std::string(kLargeBytes, 'x') + "\"") / tens;
  std::printf(
      "{\"pass_per_s\": %.0f, \"loop_per_s\": %.0f, \"items_per_s\": %.0f, \"small_us\": %.3f, "
      "\"large_us\": %.3f}\n",
      (kChainStates + 1) / chain, (2.0 * kLoops + 2) / loop, kItems / map, small * 1e6,
      large * 1e6);
  return 0;
}

}  // namespace
}  // namespace stepmill::asl

int main() { return stepmill::asl::Main(); }
