#pragma once

#include <string>

#include "engine/engine.h"

namespace stepmill::workflows {

/// The machine of one run: lang/workflow decides jobs and steps, this one turns what it decides
/// into effects of the engine ("open:JOB", "step:JOB:INDEX", "log:JOB", "close:JOB", "remove:JOB",
/// "status:N", "enter:" and "leave:" of concurrency groups) and keeps the record.
Step AdvanceRunMachine(const std::string& instance_id, const Json& state, const Event& event);

/// The machine that waits for the next firing of a repository's schedules (schedule.cc).
inline constexpr char kTickMachine[] = "workflows.tick";
Step AdvanceTick(const std::string& instance_id, const Json& state, const Event& event);

}  // namespace stepmill::workflows
