#pragma once

#include "gate/operation.h"

namespace stepmill::glue {

/// The table of Glue: jobs, their runs and tags.
extern const Service kService;

}  // namespace stepmill::glue
