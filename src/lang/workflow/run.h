#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "json/json.h"

/// The pure run machine of one workflow run: which job and which step comes next.
namespace stepmill::workflow {

/// The first event. `contexts`: {"github", "inputs", "vars"}.
struct RunStarted {
  Json workflow;  ///< Parsed::workflow
  Json contexts;
};
/// A job's sandbox is up.
struct JobOpened {
  std::string key;
};
/// It could not come up, or was lost.
struct JobLost {
  std::string key, message;
};
/// `result`: {"outcome": "success" | "failure" | "skipped", "message", "outputs": {}, "env": {},
/// "path": [], "continueOnError": bool, "name"}; see PerformStep.
struct StepEnded {
  std::string key;
  size_t index = 0;
  Json result;
};
struct RunCancelled {};
/// One job is cancelled: by another one of its concurrency group.
struct JobCancelled {
  std::string key, message;
};
using RunEvent =
    std::variant<RunStarted, JobOpened, JobLost, StepEnded, RunCancelled, JobCancelled>;

/// Make the sandbox of a job; answers JobOpened or JobLost.
struct OpenJob {
  std::string key;
  Json job;  ///< {"id", "name", "runsOn", "container", "concurrency": {"group", "cancels"}}
};
/// Perform a step; answers StepEnded. `what` is all that ResolveStep needs; `deadline` is the
/// job's.
struct PerformStep {
  std::string key;
  size_t index = 0;
  Json what;
  Time deadline;
};
/// A job's state changed: for statuses. state: pending, success, failure, error, skipped.
struct JobChanged {
  std::string key, name, state, description;
};
/// End the job's sandbox; what still runs in it is killed.
struct CloseJob {
  std::string key, result;
};
/// conclusion: success, failure, cancelled, skipped.
struct FinishRun {
  std::string conclusion;
};
using RunEffect = std::variant<OpenJob, PerformStep, JobChanged, CloseJob, FinishRun>;

struct RunStep {
  Json state;
  std::vector<RunEffect> effects;
};

/// Decides what follows. State: {"workflow", "contexts", "cancelled", "conclusion",
/// "jobs": [{"key", "id", "name", "status": "waiting" | "queued" | "in_progress" | "completed",
///   "result", "message", "startedAt", "completedAt", "deadline", "steps": [{"name", "status",
///   "outcome", "conclusion", "startedAt", "completedAt"}], ...}]}.
RunStep AdvanceRun(const Json& state, const RunEvent& event, Time at);

/// A step with everything evaluated, ready to be run.
struct ResolvedStep {
  bool is_skipped = false;
  bool continue_on_error = false;
  std::string name;
  std::string uses;               ///< or
  std::string script;             ///< the text of `run`
  std::vector<std::string> argv;  ///< `{0}` stands for the script's path
  std::string script_extension;   ///< ".sh", ".py"
  std::string working_directory;  ///< relative to the workspace, or absolute; "" the workspace
  std::vector<std::pair<std::string, std::string>> env, with;
  std::optional<Seconds> timeout;
};
/// Evaluates a step of `what` (PerformStep). `secrets` is an object NAME -> text; it and what was
/// made from it must not be stored. `runner` is the context of that name.
Result<ResolvedStep> ResolveStep(
    const Json& what, const Json& secrets, const Json& runner,
    std::function<Result<std::string>(const std::vector<std::string>&)> hash_files);

}  // namespace stepmill::workflow
