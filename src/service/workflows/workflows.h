#pragma once

#include "gate/operation.h"

namespace stepmill::workflows {

/// The table of workflow runs, and what starts them: events of the git host.
extern const Service kService;

}  // namespace stepmill::workflows
