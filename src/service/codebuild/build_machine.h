#pragma once

#include <string>

#include "engine/engine.h"

/// The machine of one build, and its performers. State and effects are plain JSON; the order of
/// phases and commands is decided by lang/buildspec.
namespace stepmill::codebuild {

inline constexpr char kMachine[] = "codebuild.build";

/// The record with its first two phases, SUBMITTED and QUEUED.
Json Queued(const Json& build, Time at);

/// Events: "start" {"build", "folder", "isQueued"}, effects "admit:N" "provision" "source" "log"
/// "step:N" "upload" "status:N" "close" "finish", timers "timeout" "queued" "give-up", the event of
/// another build's end while it is queued, posted "stop".
Step AdvanceBuild(const std::string& instance_id, const Json& state, const Event& event);

/// Where things are inside a build's sandbox.
inline constexpr char kOutputFolder[] = "/codebuild/output";
inline constexpr char kStateFolder[] = "/codebuild/output/tmp";
/// CODEBUILD_SRC_DIR.
std::string SourceFolder(const Json& build, const Json& folder);
std::string JobIdOf(const Json& build);

}  // namespace stepmill::codebuild
