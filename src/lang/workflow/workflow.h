#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/json.h"

namespace stepmill::workflow {

/// {"group", "cancels"} of an evaluated `concurrency` (a text, or {group, cancel-in-progress});
/// null when it names none. Groups compare without case.
Json GroupOf(const Json& concurrency);

struct Finding {
  TextPosition at;
  std::string message;
  bool is_warning = false;  ///< the file still runs
};

/// A workflow file in its one checked shape. Texts may hold `${{ }}`; what is absent in the file is
/// absent here, unless a default is named:
///
///     {"name", "runName", "on": {event: filters}, "env": {}, "shell", "workingDirectory",
///      "concurrency": {"group", "cancel-in-progress"}, "permissions": as given,
///      "jobs": [{"id", "name", "needs": [id], "if", "runsOn": as given, "environment", "outputs",
///                "env", "shell", "workingDirectory", "matrix": as given or an expression,
///                "failFast" (true), "maxParallel", "timeoutMinutes" (360), "continueOnError",
///                "container", "services", "uses", "with", "secrets", "concurrency",
///                "steps": [{"id", "name", "if", "uses", "run", "workingDirectory", "shell",
///                           "with": {}, "env": {}, "continueOnError", "timeoutMinutes"}]}]}
///
/// Filters of push and pull_request have their file names (`branches-ignore`) and lists of texts.
struct Parsed {
  Json workflow;  ///< null when a finding is no warning
  std::vector<Finding> findings;
};

Parsed Parse(std::string_view text);
Parsed Read(const Json& document, const Positions& positions);

/// Parse for those who need one error: kInvalid, name InvalidWorkflow,
/// "line:column: message" of the first finding that is no warning.
Result<Json> ParseOrError(std::string_view text);

/// Matrix of one job -> its combinations (objects), in GitHub's order: the product of the lists,
/// `exclude` takes away by partial match, `include` adds members to the combinations it does not
/// contradict, else a combination of its own. kInvalid for a wrong shape, kLimit above 256.
Result<std::vector<Json>> ExpandMatrix(const Json& matrix);

}  // namespace stepmill::workflow
