#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/strings.h"
#include "json/json.h"

namespace stepmill {

/// One page of a list that fits in memory: {list: items, token: where the next one starts}. The
/// members that carry limit and token are named by the service ("MaxResults", "Limit"); a token
/// that is none is kInvalid with `token_error`.
inline Result<Json> PageOf(const Json& input, std::string_view list, const Json::Array& items,
                           std::string_view max_member, std::string_view token_member,
                           const Error& token_error) {
  const std::string token = input.StringOr(token_member, "");
  const auto start =
      token.empty() ? std::optional<int64_t>(0) : ParseInt(Unbase64(token).value_or(""));
  if (!start || *start < 0) return token_error;
  const size_t from = std::min(items.size(), static_cast<size_t>(*start));
  const int64_t wanted = max_member.empty() ? 0 : input.IntOr(max_member, 0);
  const size_t limit = wanted > 0 ? static_cast<size_t>(wanted) : items.size();
  const size_t to = std::min(items.size(), from + limit);
  Json::Object page;
  page.Add(std::string(list), Json(Json::Array(items.begin() + static_cast<std::ptrdiff_t>(from),
                                               items.begin() + static_cast<std::ptrdiff_t>(to))));
  if (to < items.size()) page.Add(std::string(token_member), Base64(std::to_string(to)));
  return Json(std::move(page));
}

}  // namespace stepmill
