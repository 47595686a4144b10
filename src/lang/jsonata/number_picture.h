#pragma once

#include <string>
#include <string_view>

#include "lang/jsonata/fault.h"

namespace stepmill::jsonata {

/// The characters that a number picture uses
/// (www.w3.org/TR/xpath-functions-31/#defining-decimal-format).
struct NumberSymbols {
  std::u32string decimal_separator = U".";
  std::u32string grouping_separator = U",";
  std::u32string exponent_separator = U"e";
  std::u32string minus_sign = U"-";
  std::u32string percent = U"%";
  std::u32string per_mille = U"\u2030";
  std::u32string zero_digit = U"0";
  std::u32string digit = U"#";
  std::u32string pattern_separator = U";";
  /// By its name ("decimal-separator"); what is not known says nothing.
  void Set(std::string_view name, std::string_view text);
};

/// XPath's fn:format-number. False: the picture is none, `fault` has the code.
bool FormatNumber(double value, std::string_view picture, const NumberSymbols& symbols,
                  std::string& out, Fault& fault);

}  // namespace stepmill::jsonata
