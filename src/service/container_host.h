#pragma once

#include <string>

#include "json/json.h"

namespace stepmill {

struct Ports;

/// One container that runs to its end under a machine: what Batch's jobs and ECS's tasks do alike.
///
/// A plan (Json) says which:
///
///   {"id": JobId, "image", "entrypoint": [..] (absent: the image's), "command": [..],
///    "env": {name: value}, "workingDir", "memoryMib", "cpus", "roleArn" (absent: none),
///    "account", "region", "service": "batch.amazonaws.com" (who puts the log),
///    "logGroup" (absent: no log), "logStream", "grace": seconds, "group", "hostName"}
///
/// The performers' `what` is {"plan": ...}. Each may be repeated.
///
///   NAME.run    starts it. {} or {"failure": why it never will}
///   NAME.log    copies its output to CloudWatch Logs, to its end
///   NAME.end    waits for its end. {"exitCode"}, "isOutOfMemory", "failure" (it never ran)
///   NAME.stop   TERM, KILL after the grace
///   NAME.clean  takes it away
///
/// `name` is the service's: "batch".
void AddContainerPerformers(Ports& ports, const std::string& name);

/// A sandbox's id from what names the container for ever.
std::string ContainerIdOf(const std::string& kind, const std::string& name);

}  // namespace stepmill
