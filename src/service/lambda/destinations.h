#pragma once

#include <string>

#include "gate/operation.h"
#include "json/json.h"
#include "service/ask.h"

/// Where the end of an asynchronous invocation is told.
/// AWS: "Retaining records of asynchronous invocations".
namespace stepmill::lambda {

/// That each destination is a queue, a topic, a bus or a function whose service is here.
Result<> CheckDestinations(const Call& call, const Json& config, const std::string& function_arn);

/// Hands `record` (JSON text) to what `arn` names, as the function's role. `attributes`: of a
/// message to a dead-letter queue.
Task<Json> TellDestination(Asker asker, std::string arn, Json record, Json attributes,
                           std::string effect_id);

}  // namespace stepmill::lambda
