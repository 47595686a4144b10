#pragma once

#include <string>
#include <string_view>

#include "gate/model.h"
#include "json/json.h"

namespace stepmill::wire {

enum class TimestampFormat { kIso8601, kRfc822, kEpoch };

/// The format of a member's timestamp; `usual` where the model gives none.
TimestampFormat FormatOf(const ShapeMember& member, TimestampFormat usual);

/// A scalar from text (a form field, an attribute, a header): numbers, booleans and times become
/// what the model says; text that does not fit stays text, and the check of input answers for it.
Json ScalarFromText(const Shape& shape, std::string_view text);
/// The other way.
std::string TextFromScalar(const Shape& shape, const Json& value, TimestampFormat format);

}  // namespace stepmill::wire
