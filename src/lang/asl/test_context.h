#pragma once

#include <string>

#include "json/json.h"
#include "lang/asl/definition.h"

namespace stepmill::asl {

/// Reads the context object that a TestState call gives for `state`. ValidationException "Invalid
/// Context object provided: ..." in AWS's words.
Result<Json> ReadTestContext(const std::string& text, const State& state);

}  // namespace stepmill::asl
