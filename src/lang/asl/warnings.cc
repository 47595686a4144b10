#include "lang/asl/compile.h"

// Warnings beyond AWS's: what a definition may say and what will hardly be meant. Marked as our
// own, so that only the command line shows them.

namespace stepmill::asl {
namespace {

constexpr std::string_view kContextMembers = " Execution StateMachine State Task Map ";

// Which earlier names of the list leave nothing to `name`.
bool IsTaken(const std::string& name, const std::set<std::string>& earlier) {
  if (earlier.count(name) > 0) return true;
  const bool is_plain = !name.starts_with("States.");
  return is_plain && earlier.count("States.TaskFailed") > 0;
}

bool Holds(const Json& value, std::initializer_list<std::string_view> words) {
  const std::string text = value.Print();
  for (const std::string_view word : words)
    if (text.find(word) != std::string::npos) return true;
  return false;
}

}  // namespace

void Compiler::OwnWarnings(const Json& json, const Where& here, const StateMachine& machine) {
  for (const State& state : machine.states) {
    const Where at = here.Member("States").Member(state.name);
    const Json& source = json["States"][state.name];
    WarnOfCatchers(state, at);
    WarnOfJobNames(source, state, at);
    if (!state.is_jsonata)
      for (const Json::Member& member : source.members())
        if (!Lists(" Branches ItemProcessor Iterator Result Comment ", member.name)) {
          const Where there = at.Member(member.name);
          if (member.name.ends_with("Path") && member.value.is_string())
            WarnOfContextPath(member.value.AsString(), there);
          WarnOfContextPaths(member.value, there, 0);
        }
    if (state.type == StateType::kParallel)
      for (size_t i = 0; i < state.branches.size(); ++i)
        OwnWarnings(source["Branches"].At(i), at.Member("Branches").Item(i), *state.branches[i]);
    if (state.type == StateType::kMap && !state.branches.empty()) {
      const char* field = source.Has("ItemProcessor") ? "ItemProcessor" : "Iterator";
      OwnWarnings(source[field], at.Member(field), *state.branches[0]);
    }
  }
}

void Compiler::WarnOfCatchers(const State& state, const Where& at) {
  std::set<std::string> earlier;
  for (size_t i = 0; i < state.catchers.size(); ++i) {
    const Catcher& catcher = state.catchers[i];
    bool is_reachable = false;
    for (const std::string& name : catcher.errors) {
      const bool is_never = name == "States.Runtime" || IsTaken(name, earlier);
      is_reachable = is_reachable || !is_never;
    }
    if (!is_reachable)
      Warn("UNREACHABLE_CATCHER",
           "No error reaches this catcher: States.Runtime is never caught, and catchers before it "
           "take the others",
           at.Member("Catch").Item(i), true);
    earlier.insert(catcher.errors.begin(), catcher.errors.end());
  }
}

// Names of jobs are unique for ever; a retry that gives the same name cannot succeed.
void Compiler::WarnOfJobNames(const Json& json, const State& state, const Where& at) {
  if (state.type != StateType::kTask || state.task.service != "sagemaker" ||
      !state.task.action.starts_with("create"))
    return;
  bool has_retry = false;
  for (const Retrier& retrier : state.retriers) has_retry = has_retry || retrier.attempts_max > 0;
  if (!has_retry) return;
  const std::string field = state.task.action.substr(6) + "Name";  // createTrainingJob
  const char* parameters = state.is_jsonata ? "Arguments" : "Parameters";
  const Json& fields = json[parameters];
  const Json* name = fields.Find(field);
  if (!name) name = fields.Find(field + ".$");
  if (!name ||
      Holds(*name, {"RetryCount", "UUID", "MathRandom", "$uuid", "$random", "$now", "$millis"}))
    return;
  Warn("REUSED_JOB_NAME",
       "A retry reuses this name, and names of jobs are unique: make it depend on " +
           std::string(state.is_jsonata ? "$states.context.State.RetryCount"
                                        : "$$.State.RetryCount"),
       at.Member(parameters).Member(fields.Has(field) ? field : field + ".$"), true);
}

void Compiler::WarnOfContextPath(const std::string& text, const Where& at) {
  const Result<Expression> path = Expression::CompilePath(text);
  if (!path || path->kind() != Expression::Kind::kContext) return;
  std::string_view name(text);
  if (!name.starts_with("$$.")) return;
  name.remove_prefix(3);
  name = name.substr(0, name.find_first_of(".["));
  if (name.empty() || name == "*" || Lists(kContextMembers, name)) return;
  Warn("UNRESOLVABLE_PATH",
       "The context object has no member '" + std::string(name) +
           "': this path never resolves (it has Execution, StateMachine, State, Task and Map)",
       at, true);
}

void Compiler::WarnOfContextPaths(const Json& json, const Where& at, int depth) {
  if (depth > kTemplateDepthMax) return;
  if (json.is_array())
    for (size_t i = 0; i < json.size(); ++i) WarnOfContextPaths(json.At(i), at.Item(i), depth + 1);
  if (!json.is_object()) return;
  for (const Json::Member& member : json.members()) {
    const bool is_path =
        member.name.ends_with(".$") || member.name.ends_with("Path") || member.name == "Variable";
    if (is_path && member.value.is_string())
      WarnOfContextPath(member.value.AsString(), at.Member(member.name));
    else
      WarnOfContextPaths(member.value, at.Member(member.name), depth + 1);
  }
}

}  // namespace stepmill::asl
