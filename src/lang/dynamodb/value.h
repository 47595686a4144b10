#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "json/json.h"

/// Attribute values, as the JSON of the API has them: {"S": "x"}, {"N": "1"}, {"M": {...}}. An item
/// is an object of names and values.
namespace stepmill::dynamodb {

/// The one type of a checked value: "S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL".
std::string_view TypeOf(const Json& value);

/// The value with its numbers as DynamoDB prints them. ValidationException in AWS's words: none or
/// two types, a number that is none, a set that is empty or has something twice, nested too deeply.
Result<Json> CheckValue(const Json& value);
/// The same for all values of an item (or a key).
Result<Json> CheckItem(const Json& item);

/// Of checked values. Sets are equal in any order.
bool AreEqual(const Json& a, const Json& b);
/// Negative, 0, positive; nullopt for values that have no order: other types than S, N and B, or
/// two types.
std::optional<int> CompareValues(const Json& a, const Json& b);

/// Bytes of an item by DynamoDB's rules: names, values, 3 bytes for a list or map and 1 for each
/// thing in it. (AWS: "DynamoDB item sizes and formats")
size_t SizeOfItem(const Json& item);

}  // namespace stepmill::dynamodb
