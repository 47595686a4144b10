#pragma once

#include <string>
#include <vector>

#include "gate/model.h"
#include "json/json.h"

namespace stepmill {

/// The constraints of `shape` that `value` (of the right type) breaks, in AWS's words:
/// "Member must have length less than or equal to 80".
std::vector<std::string> BrokenConstraints(const Shape& shape, const Json& value);
/// Every constraint that `shape` has, in AWS's words.
std::vector<std::string> AllConstraints(const Shape& shape);
/// True when the whole of `text` matches an AWS pattern (a Java regular expression). A pattern that
/// RE2 cannot read counts as matching: the service itself answers for such a member.
bool MatchesPattern(std::string_view pattern, std::string_view text);
/// As Java prints a value in AWS's messages: {a=1, b=[x, y]}.
std::string JavaText(const Json& value);

}  // namespace stepmill
