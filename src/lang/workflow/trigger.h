#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"

namespace stepmill::workflow {

/// A filter pattern against a branch, tag or path: `*` (not '/'), `**`, `?` (none or one of the
/// character before), `+` (one or more of it), `[a-z]`, `\` takes the next one literally.
bool PatternMatch(std::string_view pattern, std::string_view text);
/// A list of patterns in which `!` takes away again; the last match decides.
bool PatternsMatch(const Json& patterns, std::string_view text);

/// What happened in the repository.
struct Happening {
  std::string event;        ///< push, pull_request, workflow_dispatch, schedule
  std::string action;       ///< pull_request: opened, synchronize, reopened, closed
  std::string ref;          ///< push: refs/heads/x or refs/tags/x
  std::string base_branch;  ///< pull_request: what it goes into
  /// Changed files; absent: not known (a new branch, too many), then path filters let it pass.
  std::optional<std::vector<std::string>> paths = {};
};

/// Does the workflow's `on` (see workflow.h) want this?
bool Wants(const Json& on, const Happening& happening);

/// A commit message that keeps push and pull_request workflows from running: [skip ci] and its kin.
bool SkipsWorkflows(std::string_view message);

}  // namespace stepmill::workflow
