#pragma once

#include "task/task.h"

namespace stepmill {

struct Ports;

/// Removes what is kept for a time only, once a day from the start on: records of finished
/// instances and audit records, both after 90 days (AWS: execution history, CloudTrail's event
/// history). Returns when the loop ends.
Task<> KeepHouse(Ports& ports);

}  // namespace stepmill
