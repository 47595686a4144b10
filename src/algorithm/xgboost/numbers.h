#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace stepmill::xgboost {

/// A decimal number, "inf" or "nan" in any case, with an optional sign; the whole text.
std::optional<double> ParseNumber(std::string_view text);
/// As Python prints a float: "0.1", "1.0", "1e-05", "nan".
std::string PythonFloat(double value);

}  // namespace stepmill::xgboost
