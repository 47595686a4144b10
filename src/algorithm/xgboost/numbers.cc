#include "algorithm/xgboost/numbers.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

namespace stepmill::xgboost {

std::optional<double> ParseNumber(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range && end == text.data() + text.size())
    return std::strtod(std::string(text).c_str(), nullptr);  // too large or too small: inf or 0
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::string PythonFloat(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[40];
  const auto [end, error] =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  std::string text(buffer, end);
  const size_t e = text.find('e');
  const int exponent = std::atoi(text.c_str() + e + 1);
  constexpr int kSmallest = -4, kLargest = 16;  // repr's own bounds
  if (exponent < kSmallest || exponent >= kLargest) return text;
  const auto [last, ignored] =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
  text.assign(buffer, last);
  return text.find('.') == std::string::npos ? text + ".0" : text;
}

}  // namespace stepmill::xgboost
