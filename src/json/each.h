#pragma once

#include <utility>
#include <vector>

#include "json/json.h"

namespace stepmill {

/// The items of a list, the members of an object; none for any other value. For loops over values
/// that may be absent. A temporary gives a list of its own.
inline const Json::Array& ItemsOf(const Json& value) {
  static const Json::Array kNone;
  return value.is_array() ? value.items() : kNone;
}
inline const std::vector<Json::Member>& MembersOf(const Json& value) {
  static const std::vector<Json::Member> kNone;
  return value.is_object() ? value.members() : kNone;
}
inline Json::Array ItemsOf(Json&& value) { return ItemsOf(std::as_const(value)); }
inline std::vector<Json::Member> MembersOf(Json&& value) { return MembersOf(std::as_const(value)); }

}  // namespace stepmill
