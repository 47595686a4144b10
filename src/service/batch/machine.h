#pragma once

#include "engine/engine.h"

namespace stepmill::batch {

/// A job's life: dependencies, a place in its queue, one container an attempt, the end. An array's
/// parent has no container: it ends when its children have. Events from outside: "placed" (it has
/// its turn), "child" {"jobId", "status"}, "cancel" and "terminate" {"reason"}.
Step AdvanceJob(const std::string& instance_id, const Json& state, const Event& event);

}  // namespace stepmill::batch
