#pragma once

#include <string>

#include "gate/operation.h"
#include "service/lambda/records.h"
#include "task/task.h"

namespace stepmill::lambda {

/// A service (events, sns, s3) may invoke only what a statement of the function's policy lets it;
/// users, roles and Lambda itself pass. `source_arn`: for which of its resources it asks, when it
/// says so.
Task<> CheckServiceMayInvoke(Call& call, FunctionName name, std::string source_arn);

}  // namespace stepmill::lambda
