#include <algorithm>
#include <array>
#include <cmath>

#include "json/json.h"
#include "lang/jsonata/date_picture.h"
#include "lang/jsonata/heap.h"
#include "lang/jsonata/regex.h"

namespace stepmill::jsonata {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

/// The leading integer of a text, as JavaScript's parseInt; NaN: none.
double LeadingInteger(std::string_view text) {
  size_t at = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  const size_t begin = at;
  double out = 0;
  for (; at < text.size() && IsDigit(text[at]); ++at) out = out * 10 + (text[at] - '0');
  if (at == begin) return NAN;
  return text[0] == '-' ? -out : out;
}

std::string Escaped(std::string_view literal) {
  constexpr std::string_view kSpecial = ".*+?^${}()|[]\\";
  std::string out;
  for (const char c : literal) {
    if (kSpecial.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

/// The text between hours and minutes of an offset; empty: none.
std::string_view OffsetSeparator(const DatePart& part) {
  return part.integer->is_regular ? std::string_view(part.integer->separators[0].text)
                                  : std::string_view();
}

bool PartPattern(const DatePart& part, std::string& out, Fault& fault) {
  if (!part.component) {
    out = Escaped(part.literal);
  } else if (part.component == 'Z' || part.component == 'z') {
    out = part.component == 'z' ? "GMT[-+][0-9]+" : "[-+][0-9]+";
    const std::string_view separator = OffsetSeparator(part);
    if (!separator.empty()) out += std::string(separator) + "[0-9]+";
  } else if (part.component == 'f') {
    out = "[0-9]+";
  } else if (part.integer) {
    return IntegerPattern(*part.integer, out, fault);
  } else {
    out = "[a-zA-Z]+";
    if (std::string_view("MxFP").find(part.component) == std::string_view::npos) {
      fault.code = "D3133";
      fault.value = "\"" + std::string(1, part.component) + "\"";
      return false;
    }
  }
  return true;
}

double ParseOffset(const DatePart& part, std::string_view text) {
  if (part.component == 'z') text.remove_prefix(std::min<size_t>(3, text.size()));
  double hours, minutes = 0;
  const std::string_view separator = OffsetSeparator(part);
  if (!separator.empty()) {
    const size_t at = text.find(separator);
    hours = LeadingInteger(text.substr(0, at));
    minutes = LeadingInteger(text.substr(std::min(text.size(), at + 1)));
  } else if (text.size() <= 3) {
    hours = LeadingInteger(text);
  } else {
    hours = LeadingInteger(text.substr(0, 3));
    minutes = LeadingInteger(text.substr(3));
  }
  return hours * 60 + minutes;
}

std::optional<double> ParseName(const DatePart& part, std::string_view text) {
  const auto matches = [&](std::string_view name) {
    return text ==
           (part.width_max > 0 ? name.substr(0, static_cast<size_t>(part.width_max)) : name);
  };
  // The last of equal short names counts, as in a table that is filled in
  // order.
  if (part.component == 'F') {
    for (int i = 7; i > 0; --i)
      if (matches(kDayNames[i])) return i;
  } else if (part.component == 'P') {
    if (text == "am" || text == "AM") return 0;
    if (text == "pm" || text == "PM") return 1;
  } else {
    for (int i = 11; i >= 0; --i)
      if (matches(kMonthNames[i])) return i + 1;
  }
  return std::nullopt;
}

std::optional<double> ParsePart(const DatePart& part, std::string_view text) {
  if (part.component == 'Z' || part.component == 'z') return ParseOffset(part, text);
  if (part.component == 'f') {
    return std::strtod(("0." + std::string(text.substr(0, 3))).c_str(), nullptr) * 1000;
  }
  if (part.integer) return ParseInteger(text, *part.integer);
  return ParseName(part, text);
}

/// What a text told, by component letter.
class Components {
 public:
  std::optional<double>& operator[](char component) {
    return values_[static_cast<unsigned char>(component) & 127];
  }
  /// Told, and neither 0 nor NaN.
  bool Has(char component) {
    const auto& value = (*this)[component];
    return value && *value == *value && *value != 0;
  }
  bool is_empty = true;

 private:
  std::array<std::optional<double>, 128> values_;
};

/// What is told must all be of the type, and one of it at least.
bool IsOfType(Components& told, std::string_view all, std::string_view type) {
  bool has_one = false;
  for (const char component : all) {
    if (!told.Has(component)) continue;
    if (type.find(component) == std::string_view::npos) return false;
    has_one = true;
  }
  return has_one;
}

/// Fills what was left out: in front of what is told from `now`, behind it with
/// nothing. False: a gap in between.
bool FillIn(Components& told, std::string_view order, double now) {
  bool is_begun = false, is_ended = false;
  for (const char component : order) {
    auto& value = told[component];
    if (value) {
      is_begun = true;
      if (is_ended) return false;
    } else if (is_begun) {
      value = component == 'M' || component == 'D' || component == 'd' ? 1 : 0;
      is_ended = true;
    } else {
      value = DateComponent(now, component);
    }
  }
  return true;
}

bool ReadDigits(std::string_view text, size_t& at, size_t count, double& out) {
  if (at + count > text.size()) return false;
  out = 0;
  for (size_t i = 0; i < count; ++i, ++at) {
    if (!IsDigit(text[at])) return false;
    out = out * 10 + (text[at] - '0');
  }
  return true;
}

}  // namespace

bool ParseDate(std::string_view text, const std::vector<DatePart>& picture, double now,
               std::optional<double>& out, Fault& fault) {
  out.reset();
  std::string pattern = "^";
  for (const DatePart& part : picture) {
    std::string one;
    if (!PartPattern(part, one, fault)) return false;
    pattern += "(" + one + ")";
  }
  pattern += "$";
  Heap heap(SIZE_MAX);
  std::string problem;
  const Regex* regex = CompileRegex(pattern, "i", heap, problem);
  if (!regex) {
    fault.code = "D3136";
    return false;
  }
  RegexMatcher matcher(*regex, text);
  if (matcher.Search(0) != RegexMatcher::Outcome::kFound) return true;
  Components told;
  for (size_t i = 0; i < picture.size(); ++i) {
    if (!picture[i].component) continue;
    told[picture[i].component] = ParsePart(picture[i], matcher.group(static_cast<uint32_t>(i + 1)));
    told.is_empty = false;
  }
  if (told.is_empty) return true;
  // A date is one of Y M D, Y d, X x w F, X W F; a time one of H m s f, P h m s
  // f.
  constexpr std::string_view kDates = "YXMxWwdD", kTimes = "PHhmsf";
  const bool is_plain = IsOfType(told, kDates, "YMD");
  const bool is_year_day = !is_plain && IsOfType(told, kDates, "Yd");
  const bool is_month_week = IsOfType(told, kDates, "Xxw");
  const bool is_week = !is_month_week && IsOfType(told, kDates, "XW");
  const bool is_twelve = !IsOfType(told, kTimes, "Hmsf") && IsOfType(told, kTimes, "Phmsf");
  std::string order = is_year_day ? "YD" : is_month_week ? "XxwF" : is_week ? "XWF" : "YMD";
  order += is_twelve ? "Phmsf" : "Hmsf";
  if (!FillIn(told, order, now) || is_month_week || is_week) {
    fault.code = "D3136";
    return false;
  }
  double month = told['M'] && *told['M'] > 0 ? *told['M'] - 1 : 0;
  double day = told['D'].value_or(NAN);
  if (is_year_day) {
    const double first = UtcMillis(*told['Y'], 0, 1, 0, 0, 0, 0);
    const double date = first + (*told['d'] - 1) * 86'400'000;
    month = DateComponent(date, 'M') - 1;
    day = DateComponent(date, 'D');
  }
  double hour = told['H'].value_or(NAN);
  if (is_twelve) {
    hour = *told['h'] == 12 ? 0 : *told['h'];
    if (*told['P'] == 1) hour += 12;
  }
  double millis = UtcMillis(*told['Y'], month, day, hour, *told['m'], *told['s'], *told['f']);
  if (told.Has('Z')) {
    millis -= *told['Z'] * 60'000;
  } else if (told.Has('z')) {
    millis -= *told['z'] * 60'000;
  }
  out = millis;
  return true;
}

std::optional<double> ParseIsoDate(std::string_view text) {
  // YYYY[-MM][-DD][Thh:mm:ss][.fraction][(+|-)hh[:]mm | Z]
  size_t at = 0;
  double year, month = 1, day = 1, hour = 0, minute = 0, second = 0, milli = 0, offset = 0;
  const auto is = [&](char c) { return at < text.size() && text[at] == c; };
  if (!ReadDigits(text, at, 4, year)) return std::nullopt;
  const auto part = [&](double& value, char most) {
    if (!is('-') || at + 3 > text.size() || text[at + 1] > most || !IsDigit(text[at + 1]) ||
        !IsDigit(text[at + 2]) || (at + 3 < text.size() && IsDigit(text[at + 3]))) {
      return;
    }
    ++at;
    ReadDigits(text, at, 2, value);
  };
  part(month, '1');
  part(day, '3');
  bool has_time = false;
  if (is('T')) {
    ++at;
    if (!ReadDigits(text, at, 2, hour) || !is(':')) return std::nullopt;
    ++at;
    if (!ReadDigits(text, at, 2, minute) || !is(':')) return std::nullopt;
    ++at;
    if (!ReadDigits(text, at, 2, second)) return std::nullopt;
    if (hour >= 30 || minute >= 60 || second >= 60) return std::nullopt;
    has_time = true;
  }
  bool has_fraction = false;
  if (is('.')) {
    const size_t begin = ++at;
    while (at < text.size() && IsDigit(text[at])) ++at;
    if (at == begin) return std::nullopt;
    milli = std::floor(
        std::strtod(("0." + std::string(text.substr(begin, 3))).c_str(), nullptr) * 1000 + 0.5);
    has_fraction = true;
  }
  bool has_offset = false;
  if (is('Z')) {
    ++at;
  } else if (is('+') || is('-')) {
    const double sign = text[at++] == '-' ? -1 : 1;
    double hours, minutes;
    if (!ReadDigits(text, at, 2, hours) || hours >= 30) return std::nullopt;
    if (is(':')) ++at;
    if (!ReadDigits(text, at, 2, minutes) || minutes >= 60) return std::nullopt;
    offset = sign * (hours * 60 + minutes);
    has_offset = true;
    if (hours >= 24) return NAN;
  }
  if (at != text.size()) return std::nullopt;
  if ((has_fraction || has_offset) && !has_time) return NAN;
  const bool is_midnight = hour == 24 && minute == 0 && second == 0 && milli == 0;
  if (month < 1 || month > 12 || day < 1 || day > 31 || (hour >= 24 && !is_midnight)) return NAN;
  // Years below 100 are meant as they are; UtcMillis would take them for the
  // 1900s.
  const double cycle = year < 100 ? 400 : 0;
  double millis = UtcMillis(year + cycle, month - 1, day, hour, minute, second, milli);
  if (cycle > 0) millis -= 146'097.0 * 86'400'000;
  return millis - offset * 60'000;
}

}  // namespace stepmill::jsonata
