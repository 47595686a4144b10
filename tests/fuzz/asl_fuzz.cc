// lang/asl: any text is a definition or has findings with a code; what compiles runs to its end or
// to where it waits, twice with the same history, and a redrive goes on from there.
#include <cstdlib>

#include "fuzz.h"
#include "lang/asl/definition.h"
#include "lang/asl/rehearsal.h"

namespace {

using stepmill::Json;
namespace asl = stepmill::asl;

std::string Outcome(const asl::Compiled& compiled) {
  asl::StartInfo start;
  start.execution_arn = "arn:aws:states:us-east-1:000000000000:execution:m:e";
  start.name = "e";
  start.role_arn = "arn:aws:iam::000000000000:role/r";
  start.state_machine_arn = "arn:aws:states:us-east-1:000000000000:stateMachine:m";
  start.state_machine_name = "m";
  start.region = "us-east-1";
  start.started_at = stepmill::TimeFromMillis(1'700'000'000'000);
  start.input_text =
      R"({"a": [1, 2, {"b": "x"}], "n": 1.50, "t": "2024-01-02T03:04:05Z", "ok": true})";
  asl::Execution execution(compiled.definition, start);
  int tasks = 0;
  std::string history;
  asl::RehearsalHooks hooks;
  hooks.redrives = 1;
  hooks.answer = [&](const asl::ScheduleTask& task) {
    asl::TaskAnswer answer;
    answer.is_failure = ++tasks % 2 == 1;
    answer.error = "Boom";
    answer.output = task.input;
    return answer;
  };
  hooks.on_history = [&](const asl::HistoryEvent& event) {
    if (event.previous_id >= event.id) std::abort();
    history += asl::HistoryToJson(event).Print();
    if (history.size() > (size_t{1} << 20)) history.clear();
  };
  asl::Rehearse(execution, start.started_at, 7, hooks);
  return history;
}

void Target(std::string_view text) {
  asl::CompileOptions options;
  options.has_own_warnings = true;
  const asl::Compiled compiled = asl::Compile(text, options);
  for (const asl::Finding& finding : compiled.findings)
    if (finding.code.empty() || finding.message.empty()) std::abort();
  if (!compiled.definition) {
    if (asl::JoinFindings(compiled.findings).empty()) std::abort();
    return;
  }
  (void)asl::VariableReferences(*compiled.definition);
  if (Outcome(compiled) != Outcome(compiled)) std::abort();
}

}  // namespace

int main(int argc, char** argv) { return stepmill::fuzz::Main(argc, argv, Target); }
