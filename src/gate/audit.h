#pragma once

#include "gate/door.h"

namespace stepmill {

/// The stream of audit records.
inline constexpr char kAuditStream[] = "audit";

/// Adds a CloudTrail-shaped record of a call to its batch (docs: "CloudTrail record contents").
/// Parameters are left out: they may hold secrets. `error`: why it was refused, or null.
void Audit(Batch& batch, const Service& service, const Operation& row, const Request& request,
           Time now, const Error* error);

/// Removes the audit records from before `until`, some at a time.
Task<> TruncateAudit(Store& store, Time until);

}  // namespace stepmill
