#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lang/jsonata/fault.h"

namespace stepmill::jsonata {

/// How an integer is written: a picture of XPath's fn:format-integer
/// (www.w3.org/TR/xpath-functions-31/#func-format-integer).
struct IntegerFormat {
  enum class Primary { kDecimal, kLetters, kRoman, kWords, kSequence };
  enum class Case { kUpper, kLower, kTitle };
  struct Separator {
    int position = 0;  ///< digits to its right
    std::string text;
  };

  Primary primary = Primary::kDecimal;
  Case letter_case = Case::kLower;
  bool is_ordinal = false;
  bool is_regular = false;  ///< one separator, repeated
  uint32_t zero = '0';      ///< of the digits' family
  int mandatory_digits = 0;
  int optional_digits = 0;
  int parse_width = 0;  ///< digits to read, 0: as many as there are
  std::vector<Separator> separators;
  std::string token;  ///< kSequence: the picture
};

/// Each of these: false, and `fault` has the code, for what is no picture.
bool ReadIntegerPicture(std::string_view picture, IntegerFormat& out, Fault& fault);
bool FormatInteger(double value, const IntegerFormat& format, std::string& out, Fault& fault);
/// A regular expression of what such an integer looks like.
bool IntegerPattern(const IntegerFormat& format, std::string& out, Fault& fault);
/// NaN where it is no number.
double ParseInteger(std::string_view text, const IntegerFormat& format);

}  // namespace stepmill::jsonata
