#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "json/json.h"
#include "lang/xml/xml.h"

namespace stepmill::report {

std::string Attribute(const xml::Element& element, std::string_view name);
int64_t Count(const xml::Element& element, std::string_view name);  ///< 0 when it is no number
/// Calls `visit` for every element of this name, in the document's order.
void Each(const xml::Element& root, std::string_view name,
          const std::function<void(const xml::Element&)>& visit);
/// "1,234.5" seconds -> nanoseconds; 0 for what is no number.
int64_t NanosOfSeconds(std::string_view seconds);

/// Items up to a bound.
struct Items {
  Json::Array list;
  bool is_truncated = false;
  void Add(Json item, size_t most) {
    if (list.size() < most)
      list.push_back(std::move(item));
    else
      is_truncated = true;
  }
};

Result<Items> ReadTests(std::string_view format, const xml::Element& root);
Result<Items> ReadCucumber(const Json& document);
Result<Items> ReadCoverage(std::string_view format, const xml::Element& root);
Result<Items> ReadSimpleCov(const Json& document);

}  // namespace stepmill::report
