#pragma once

#include "engine/engine.h"

namespace stepmill::ecs {

/// A task's life: its containers in the order of their dependsOn, until an essential one ends or
/// all have; then the rest is stopped. "stop" {"reason"} comes from outside. An hour after the end
/// the task goes.
Step AdvanceTask(const std::string& instance_id, const Json& state, const Event& event);

}  // namespace stepmill::ecs
