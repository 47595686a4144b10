#pragma once

#include "service/ports.h"
#include "task/task.h"

namespace stepmill {

/// DIR/credentials, AWS's shared-credentials format, profile "default", mode 0600: the root user's
/// access key. Made when the file is not there (a second call does nothing).
Task<> EnsureCredentials(Ports& ports);

}  // namespace stepmill
