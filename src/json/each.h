#pragma once

#include <vector>

#include "json/json.h"

namespace stepmill {

/// The items of a list, the members of an object; none for any other value. For loops over values
/// that may be absent. A temporary is refused: its items would be gone before the loop begins.
inline const Json::Array& ItemsOf(const Json& value) {
  static const Json::Array kNone;
  return value.is_array() ? value.items() : kNone;
}
inline const std::vector<Json::Member>& MembersOf(const Json& value) {
  static const std::vector<Json::Member> kNone;
  return value.is_object() ? value.members() : kNone;
}
const Json::Array& ItemsOf(Json&&) = delete;
const std::vector<Json::Member>& MembersOf(Json&&) = delete;

}  // namespace stepmill
