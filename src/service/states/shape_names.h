#pragma once

#include <string>
#include <vector>

#include "gate/model.h"
#include "json/json.h"

namespace stepmill::states {

/// How times appear in task results.
enum class DateStyle { kEpochMillis, kIso };

/// Task parameters to a service's own input: members are matched by their names with a capital
/// first letter, texts that the service wants are made of values that are none, times are read.
/// Names that the shape does not have are collected in `unknown` and dropped.
Json ToService(const Shape& shape, const Json& value, std::vector<std::string>& unknown);

/// The names of members of a Parameters template (with or without ".$") that the shape does not
/// have, at any depth.
void FindUnknownNames(const Shape& shape, const Json& parameters,
                      std::vector<std::string>& unknown);

/// A service's output to a task result: member names with a capital first letter, dates as
/// `dates` says.
Json FromService(const Shape& shape, const Json& value, DateStyle dates);

/// The bytes of a service's JSON answer as AWS's services print it: a time as a Java double
/// ("1.658073723456E9").
size_t AwsJsonSize(const Shape& shape, const Json& value);

}  // namespace stepmill::states
