#pragma once

#include <string>
#include <vector>

#include "json/json.h"

/// A tuning job has one training job definition, with its ranges and objective in the
/// configuration, or several with their own. Here they look the same. Pure.
namespace stepmill::sagemaker {

/// Each with HyperParameterRanges and TuningObjective.
std::vector<Json> DefinitionsOf(const Json& tuning);
/// The one that an entry of "Own" {"jobs"} was made from.
Json DefinitionOf(const Json& tuning, const Json& entry);
/// "Maximize": all objectives of a tuning job go the same way.
bool IsUp(const Json& tuning);

}  // namespace stepmill::sagemaker
