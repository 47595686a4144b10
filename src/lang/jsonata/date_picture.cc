#include "lang/jsonata/date_picture.h"

#include <algorithm>
#include <cmath>

#include "base/strings.h"
#include "json/json.h"
#include "lang/jsonata/limits.h"
#include "lang/jsonata/text.h"

namespace stepmill::jsonata {

const char* const kMonthNames[12] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
const char* const kDayNames[8] = {"",         "Monday", "Tuesday",  "Wednesday",
                                  "Thursday", "Friday", "Saturday", "Sunday"};

namespace {

constexpr double kDayMillis = 86'400'000;

struct Civil {
  double year, month, day;  // month from 0
};

/// Howard Hinnant's civil_from_days.
Civil CivilOf(double days) {
  const auto z = static_cast<int64_t>(days) + 719468;
  const int64_t era = (z >= 0 ? z : z - 146096) / 146097;
  const auto doe = static_cast<int64_t>(z - era * 146097);
  const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const int64_t mp = (5 * doy + 2) / 153;
  const int64_t month = mp < 10 ? mp + 3 : mp - 9;
  return {static_cast<double>(yoe + era * 400 + (month <= 2)), static_cast<double>(month - 1),
          static_cast<double>(doy - (153 * mp + 2) / 5 + 1)};
}

double DaysOf(double year, double month) {
  year += std::floor(month / 12);
  const auto m = static_cast<int64_t>(month - std::floor(month / 12) * 12) + 1;
  const auto y = static_cast<int64_t>(year) - (m <= 2);
  const int64_t era = (y >= 0 ? y : y - 399) / 400;
  const int64_t yoe = y - era * 400;
  const int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5;
  return static_cast<double>(era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468);
}

double WeekDay(double millis) {  // Monday 1 .. Sunday 7
  const double day = std::fmod(std::floor(millis / kDayMillis) + 4, 7);
  const double sunday_zero = day < 0 ? day + 7 : day;
  return sunday_zero == 0 ? 7 : sunday_zero;
}

struct YearMonth {
  double year, month;
  YearMonth NextMonth() const {
    return month == 11 ? YearMonth{year + 1, 0} : YearMonth{year, month + 1};
  }
  YearMonth PreviousMonth() const {
    return month == 0 ? YearMonth{year - 1, 11} : YearMonth{year, month - 1};
  }
};

/// The Monday of the week that has the first Thursday (ISO 8601, for months
/// too).
double FirstWeek(const YearMonth& at) {
  const double first = UtcMillis(at.year, at.month, 1, 0, 0, 0, 0);
  const double day = WeekDay(first);
  return day > 4 ? first + (8 - day) * kDayMillis : first - (day - 1) * kDayMillis;
}
double Weeks(double from, double to) { return (to - from) / (kDayMillis * 7) + 1; }

double WeekOf(double today, const YearMonth& at, const YearMonth& next, const YearMonth& previous,
              double weeks_max) {
  double week = Weeks(FirstWeek(at), today);
  if (week > weeks_max) {
    if (today >= FirstWeek(next)) week = 1;
  } else if (week < 1) {
    week = Weeks(FirstWeek(previous), today);
  }
  return std::floor(week);
}

std::string DefaultPresentation(char component) {
  constexpr std::string_view kOne = "YMDdWwXxHhf", kName = "FPCE", kTwo = "ms";
  if (kOne.find(component) != std::string_view::npos) return "1";
  if (kName.find(component) != std::string_view::npos) return "n";
  if (kTwo.find(component) != std::string_view::npos) return "01";
  return component == 'Z' || component == 'z' ? "01:01" : "";
}

int ReadWidth(std::string_view text) {
  if (text == "*") return -1;
  int out = 0;
  size_t at = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at)
    out = std::min(out * 10 + (text[at] - '0'), 10'000);
  return at ? out : -1;
}

bool ReadMarker(std::string marker, std::vector<DatePart>& parts, Fault& fault) {
  marker.erase(std::remove_if(marker.begin(), marker.end(),
                              [](char c) { return c == ' ' || (c >= 9 && c <= 13); }),
               marker.end());
  DatePart part;
  part.component = marker.empty() ? '\1' : marker[0];
  std::string presentation = marker.empty() ? "" : marker.substr(1);
  if (const size_t comma = marker.rfind(','); comma != std::string::npos) {
    const std::string width = marker.substr(comma + 1);
    const size_t dash = width.find('-');
    part.width_min = ReadWidth(width.substr(0, dash));
    if (dash != std::string::npos) part.width_max = ReadWidth(width.substr(dash + 1));
    presentation = comma > 0 ? marker.substr(1, comma - 1) : "";
  }
  if (presentation.size() > 1 &&
      std::string_view("atco").find(presentation.back()) != std::string_view::npos) {
    part.modifier = presentation.back();
    presentation.pop_back();
  } else if (presentation.empty()) {
    presentation = DefaultPresentation(part.component);
  }
  if (presentation.empty()) {
    fault.code = "D3132";
    fault.value = Json(marker.substr(0, 1)).Print();
    return false;
  }
  part.presentation = presentation;
  const bool is_integer =
      std::string_view("YMDdFWwXxHhmsf").find(part.component) != std::string_view::npos;
  if (presentation[0] == 'n') {
    part.names = IntegerFormat::Case::kLower;
  } else if (presentation[0] == 'N') {
    const bool is_title = presentation.size() > 1 && presentation[1] == 'n';
    part.names = is_title ? IntegerFormat::Case::kTitle : IntegerFormat::Case::kUpper;
  } else if (is_integer) {
    IntegerFormat format;
    const std::string modifier = part.modifier ? std::string(";") + part.modifier : "";
    if (!ReadIntegerPicture(presentation + modifier, format, fault)) return false;
    const bool is_decimal = format.primary == IntegerFormat::Primary::kDecimal;
    if (is_decimal) format.mandatory_digits = std::max(format.mandatory_digits, part.width_min);
    if (part.component == 'Y') {
      const int digits = format.mandatory_digits + format.optional_digits;
      if (part.width_max >= 0) {
        part.year_digits = format.mandatory_digits = part.width_max;
      } else if (is_decimal && digits >= 2) {
        part.year_digits = digits;
      }
    }
    // Numbers side by side: the first one's width must be known for reading.
    if (!parts.empty() && parts.back().integer) {
      IntegerFormat& previous = *parts.back().integer;
      if (previous.primary == IntegerFormat::Primary::kDecimal)
        previous.parse_width = previous.mandatory_digits;
    }
    part.integer = std::move(format);
  }
  if (part.component == 'Z' || part.component == 'z') {
    IntegerFormat format;
    if (!ReadIntegerPicture(presentation, format, fault)) return false;
    part.integer = std::move(format);
  }
  parts.push_back(std::move(part));
  return true;
}

void AddLiteral(std::string_view text, std::vector<DatePart>& parts) {
  if (text.empty()) return;
  DatePart part;
  part.literal = ReplaceAll(text, "]]", "]");
  parts.push_back(std::move(part));
}

bool FormatOffset(const DatePart& part, double hours, double minutes, std::string& out,
                  Fault& fault) {
  const IntegerFormat& format = *part.integer;
  const double offset = hours * 100 + minutes;
  const int digits =
      format.primary == IntegerFormat::Primary::kDecimal ? format.mandatory_digits : 0;
  if (format.is_regular || digits == 3 || digits == 4) {
    if (!FormatInteger(offset, format, out, fault)) return false;
  } else if (digits == 1 || digits == 2) {
    if (!FormatInteger(hours, format, out, fault)) return false;
    if (minutes != 0) {
      IntegerFormat two;
      two.mandatory_digits = 2;
      std::string text;
      if (!FormatInteger(minutes, two, text, fault)) return false;
      out += ":" + text;
    }
  } else {
    fault.code = "D3134";
    fault.value = std::to_string(digits);
    return false;
  }
  if (offset >= 0) out.insert(0, "+");
  if (part.component == 'z') out.insert(0, "GMT");
  if (offset == 0 && part.modifier == 't') out = "Z";
  return true;
}

bool FormatNames(const DatePart& part, double value, std::string& out, Fault& fault) {
  if (part.component == 'M' || part.component == 'x') {
    out = value >= 1 && value <= 12 ? kMonthNames[static_cast<int>(value) - 1] : "";
  } else if (part.component == 'F') {
    out = value >= 1 && value <= 7 ? kDayNames[static_cast<int>(value)] : "";
  } else {
    fault.code = "D3133";
    fault.value = "\"" + std::string(1, part.component) + "\"";
    return false;
  }
  if (*part.names == IntegerFormat::Case::kUpper) out = ToUpper(out);
  if (*part.names == IntegerFormat::Case::kLower) out = ToLower(out);
  if (part.width_max >= 0 && out.size() > static_cast<size_t>(part.width_max))
    out.resize(static_cast<size_t>(part.width_max));
  return true;
}

}  // namespace

double UtcMillis(double year, double month, double day, double hour, double minute, double second,
                 double milli) {
  const double all = year + month + day + hour + minute + second + milli;
  if (!std::isfinite(all) || std::abs(year) > 400'000 || std::abs(month) > 4'000'000) return NAN;
  year = std::trunc(year);
  if (year >= 0 && year <= 99) year += 1900;
  const double days = DaysOf(year, std::trunc(month)) + std::trunc(day) - 1;
  const double out = days * kDayMillis + std::trunc(hour) * 3'600'000 +
                     std::trunc(minute) * 60'000 + std::trunc(second) * 1000 + std::trunc(milli);
  return std::abs(out) <= 8.64e15 ? out : NAN;
}

double DateComponent(double millis, char component) {
  millis = std::trunc(millis);
  if (!(std::abs(millis) <= 8.64e15)) return NAN;
  const double days = std::floor(millis / kDayMillis);
  const double rest = millis - days * kDayMillis;
  const Civil civil = CivilOf(days);
  const double today = UtcMillis(civil.year, civil.month, civil.day, 0, 0, 0, 0);
  const YearMonth year{civil.year, 0}, month{civil.year, civil.month};
  const double hour = std::floor(rest / 3'600'000);
  switch (component) {
    case 'Y': return civil.year;
    case 'M': return civil.month + 1;
    case 'D': return civil.day;
    case 'd': return (today - UtcMillis(civil.year, 0, 1, 0, 0, 0, 0)) / kDayMillis + 1;
    case 'F': return WeekDay(millis);
    case 'W': return WeekOf(today, year, {civil.year + 1, 0}, {civil.year - 1, 0}, 52);
    case 'w': return WeekOf(today, month, month.NextMonth(), month.PreviousMonth(), 4);
    case 'X':
      if (millis < FirstWeek(year)) return civil.year - 1;
      return millis >= FirstWeek({civil.year + 1, 0}) ? civil.year + 1 : civil.year;
    case 'x':
      if (millis < FirstWeek(month)) return month.PreviousMonth().month + 1;
      return millis >= FirstWeek(month.NextMonth()) ? month.NextMonth().month + 1 : civil.month + 1;
    case 'H': return hour;
    case 'h': return std::fmod(hour, 12) == 0 ? 12 : std::fmod(hour, 12);
    case 'P': return hour >= 12;
    case 'm': return std::fmod(std::floor(rest / 60'000), 60);
    case 's': return std::fmod(std::floor(rest / 1000), 60);
    case 'f': return std::fmod(rest, 1000);
    default: return NAN;
  }
}

bool ReadDatePicture(std::string_view picture, std::vector<DatePart>& out, Fault& fault) {
  if (picture.size() > kPictureBytesMax) {
    fault.code = "D3135";
    return false;
  }
  out.clear();
  size_t begin = 0, at = 0;
  while (at < picture.size()) {
    if (picture[at] != '[') {
      ++at;
      continue;
    }
    AddLiteral(picture.substr(begin, at - begin), out);
    if (at + 1 < picture.size() && picture[at + 1] == '[') {
      AddLiteral("[", out);
      begin = at += 2;
      continue;
    }
    const size_t close = picture.find(']', at);
    if (close == std::string_view::npos) {
      fault.code = "D3135";
      return false;
    }
    if (!ReadMarker(std::string(picture.substr(at + 1, close - at - 1)), out, fault)) return false;
    begin = at = close + 1;
  }
  AddLiteral(picture.substr(begin), out);
  return true;
}

bool FormatDate(double millis, const std::vector<DatePart>& picture, double offset,
                std::string& out, Fault& fault) {
  const double hours = std::floor(offset / 100), minutes = std::fmod(offset, 100);
  const double local = millis + (60 * hours + minutes) * 60'000;
  out.clear();
  for (const DatePart& part : picture) {
    if (!part.component) {
      out += part.literal;
      continue;
    }
    const char component = part.component;
    std::string text;
    double value = DateComponent(local, component);
    if (component == 'Z' || component == 'z') {
      if (!FormatOffset(part, hours, minutes, text, fault)) return false;
    } else if (component == 'P') {
      text = value == 1 ? "pm" : "am";
      if (part.names == IntegerFormat::Case::kUpper) text = ToUpper(text);
    } else if (component == 'C' || component == 'E') {
      text = "ISO";
    } else if (part.names && component != 'f') {
      if (!FormatNames(part, value, text, fault)) return false;
    } else if (part.integer) {
      if (component == 'Y' && part.year_digits >= 0)
        value = std::fmod(value, std::pow(10, part.year_digits));
      if (!FormatInteger(value, *part.integer, text, fault)) return false;
    } else {
      text = "undefined";  // a component that the language does not know, with a
                           // presentation
    }
    out += text;
  }
  return true;
}

}  // namespace stepmill::jsonata
