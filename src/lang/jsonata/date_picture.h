#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lang/jsonata/integer_picture.h"

namespace stepmill::jsonata {

/// A part of a picture of XPath's fn:format-dateTime: a text, or a component in
/// brackets (www.w3.org/TR/xpath-functions-31/#rules-for-datetime-formatting).
struct DatePart {
  std::string literal;  ///< component 0
  char component = 0;   ///< Y M D d F W w X x H h P m s f Z z C E
  std::string presentation;
  char modifier = 0;  ///< a t c o
  std::optional<IntegerFormat::Case> names;
  std::optional<IntegerFormat> integer;
  int width_min = -1;  ///< -1: none
  int width_max = -1;
  int year_digits = -1;
};

bool ReadDatePicture(std::string_view picture, std::vector<DatePart>& out, Fault& fault);

/// `millis` since 1970 UTC; `offset` as "+0530" read as a number (530), NaN
/// where it is none.
bool FormatDate(double millis, const std::vector<DatePart>& picture, double offset,
                std::string& out, Fault& fault);
/// nullopt without a fault: the text does not look like the picture. `now`:
/// what is left out.
bool ParseDate(std::string_view text, const std::vector<DatePart>& picture, double now,
               std::optional<double>& out, Fault& fault);
/// An ISO 8601 timestamp as Date.parse reads it; nullopt: it is none, NaN: no
/// such moment.
std::optional<double> ParseIsoDate(std::string_view text);

/// Number of a component at a moment; am 0, pm 1.
double DateComponent(double millis, char component);
/// Date.UTC: month from 0; years 0 to 99 are 1900 to 1999.
double UtcMillis(double year, double month, double day, double hour, double minute, double second,
                 double milli);
extern const char* const kMonthNames[12];
extern const char* const kDayNames[8];  ///< [1] is Monday

}  // namespace stepmill::jsonata
