#pragma once

#include <string>

#include "engine/engine.h"

/// The machine of a batch of builds (CodeBuild: "Batch builds").
namespace stepmill::codebuild {

inline constexpr char kBatchMachine[] = "codebuild.batch";

/// Events: "start" {"batch": the record}; effects "spec" (what lang/buildspec/batch.h gives, and
/// "resolvedSourceVersion"), "begin:N" (a build was started), "look:N" (BatchGetBuilds), "stop:N",
/// "status:N"; the project's build state changes; timer "timeout"; posted "stop"; "retry" {"type"}
/// after the end. State:
///
///     {"batch": record, "fastFail": bool, "number": of the last effect,
///      "groups": [as read, and "status": "" (not begun) | "BEGINNING" | as of a build, "arn",
///                 "requestedOn", "prior": [summaries]],
///      "begins": {effect's number: group's index}, "end": a status that was decided already,
///      "lastStatus": number of the last status that was put}
Step AdvanceBatch(const std::string& instance_id, const Json& state, const Event& event);

}  // namespace stepmill::codebuild
