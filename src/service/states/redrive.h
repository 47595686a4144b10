#pragma once

#include <string>

#include "gate/operation.h"

namespace stepmill::states {

Task<Json> RedriveExecution(Call& call);

/// Why the execution of this document cannot be redriven now, in AWS's words; empty: it can.
Task<std::string> FindReasonAgainstRedrive(Call& call, Json document);

}  // namespace stepmill::states
