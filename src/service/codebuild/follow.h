#pragma once

#include <string>

#include "engine/engine.h"

/// The machine that follows an execution which a build started: a status on the build's commit,
/// pending until the execution has ended. So a commit whose build is green while the training that
/// it started failed is not.
namespace stepmill::codebuild {

inline constexpr char kFollowMachine[] = "codebuild.follow";

/// Events: "start" {"executionArn", "repository", "commit", "targetUrl"}; the execution's status
/// changes; effects "look:N" (DescribeExecution, at the start and after each recovery) and
/// "status:N". State: what it was started with, and
///
///     {"looks", "statuses": numbers of the last effects, "isReporting", "isOver": bool,
///      "toReport": the status that follows the one on its way}
Step AdvanceFollow(const std::string& instance_id, const Json& state, const Event& event);

}  // namespace stepmill::codebuild
