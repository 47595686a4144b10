#pragma once

#include <string>
#include <string_view>

#include "json/json.h"

/// A function's configuration: what is refused, and what stands where nothing was said. Pure.
namespace stepmill::lambda {

enum class RuntimeKind { kPython, kNode, kProvided, kImage };
/// Of a configuration that was checked.
RuntimeKind KindOfRuntime(const Json& config);

/// The members of a CreateFunction or UpdateFunctionConfiguration request that are more than the
/// model says of them. InvalidParameterValueException, in AWS's words.
Result<> CheckConfiguration(const Json& input);
/// What only a new function must have.
Result<> CheckCreation(const Json& input);

/// The configuration of a new function, without its code's members.
Json NewConfiguration(const Json& input, const std::string& name, const std::string& account,
                      const std::string& region);
/// `config` with the members of an UpdateFunctionConfiguration request.
Json ChangedConfiguration(const Json& config, const Json& input);

/// True when a new version would be the same as the one with this configuration.
bool IsSameVersion(const Json& latest, const Json& published);

}  // namespace stepmill::lambda
