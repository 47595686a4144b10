#include "base/strings.h"
#include "json/each.h"
#include "lang/workflow/expression.h"
#include "lang/workflow/run.h"

namespace stepmill::workflow {
namespace {

/// Lays the evaluated members of `layer` over `env`.
Result<Json> Overlay(Json env, const Json& layer, const Scope& scope) {
  MILL_TRY(const Json values, InterpolateValue(layer, scope));
  for (const auto& member : MembersOf(values)) env = env.With(member.name, ToText(member.value));
  return env;
}

struct Shell {
  std::vector<std::string> argv;
  std::string extension = ".sh";
};

Shell ShellOf(const std::string& name) {
  if (name.empty()) return {{"bash", "-e", "{0}"}};
  if (name == "bash") return {{"bash", "--noprofile", "--norc", "-eo", "pipefail", "{0}"}};
  if (name == "sh") return {{"sh", "-e", "{0}"}};
  if (name == "python") return {{"python3", "{0}"}, ".py"};
  if (name == "pwsh") return {{"pwsh", "-command", ". '{0}'"}, ".ps1"};
  Shell shell;
  shell.extension = "";
  for (const auto part : Split(name, ' '))
    if (!part.empty()) shell.argv.emplace_back(part);
  return shell;
}

}  // namespace

Result<ResolvedStep> ResolveStep(
    const Json& what, const Json& secrets, const Json& runner,
    std::function<Result<std::string>(const std::vector<std::string>&)> hash_files) {
  const Json& step = what["step"];
  ResolvedStep out;
  out.name = what.StringOr("title", "");
  Scope scope{what["contexts"].With("secrets", secrets).With("runner", runner),
              what.BoolOr("hasFailed", false) ? Status::kFailure : Status::kSuccess,
              std::move(hash_files)};
  MILL_TRY(Json env, Overlay(Json::Object(), what["workflowEnv"], scope));
  MILL_TRY(env, Overlay(env, what["jobEnv"], scope));
  for (const auto& member : MembersOf(what["env"])) env = env.With(member.name, member.value);
  scope.contexts = scope.contexts.With("env", env);

  MILL_TRY(const bool is_wanted, EvaluateCondition(step.StringOr("if", ""), scope));
  out.is_skipped = !is_wanted;
  MILL_TRY(env, Overlay(env, step["env"], scope));
  scope.contexts = scope.contexts.With("env", env);
  if (auto name = Interpolate(out.name, scope)) out.name = *name;
  if (out.is_skipped) return out;

  MILL_TRY(const Json continues, InterpolateValue(step["continueOnError"], scope));
  out.continue_on_error =
      continues.is_string() ? continues.AsString() == "true" : IsTruthy(continues);
  MILL_TRY(const Json minutes, InterpolateValue(step["timeoutMinutes"], scope));
  const double timeout = minutes.is_number()   ? minutes.AsDouble()
                         : minutes.is_string() ? std::strtod(minutes.AsString().c_str(), nullptr)
                                               : 0;
  if (timeout > 0) out.timeout = Seconds(static_cast<int64_t>(timeout * 60));
  MILL_TRY(const Json with, InterpolateValue(step["with"], scope));
  for (const auto& member : MembersOf(with))
    out.with.emplace_back(member.name, ToText(member.value));
  for (const auto& member : MembersOf(env)) out.env.emplace_back(member.name, ToText(member.value));
  out.uses = step.StringOr("uses", "");
  if (!out.uses.empty()) return out;

  MILL_TRY(out.script, Interpolate(step.StringOr("run", ""), scope));
  const auto pick = [&](const char* name) { return step.StringOr(name, what.StringOr(name, "")); };
  MILL_TRY(const std::string shell_name, Interpolate(pick("shell"), scope));
  MILL_TRY(out.working_directory, Interpolate(pick("workingDirectory"), scope));
  Shell shell = ShellOf(shell_name);
  out.argv = std::move(shell.argv);
  out.script_extension = std::move(shell.extension);
  return out;
}

}  // namespace stepmill::workflow
