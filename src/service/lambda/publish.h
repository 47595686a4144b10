#pragma once

#include <string>

#include "gate/operation.h"
#include "json/json.h"

namespace stepmill::lambda {

/// Adds to the batch the version that follows from `function` (records.h) as it is. Returns its
/// configuration; its number is one more than "lastVersion".
Json AddVersion(Call& call, const Json& function, const std::string& description);
/// Adds to the batch that `config`, once committed, becomes active.
void Activate(Call& call, const std::string& name, const Json& config);

}  // namespace stepmill::lambda
