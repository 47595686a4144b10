#include "base/time.h"

#include <ctime>

namespace stepmill {
namespace {

std::tm UtcParts(Time t) {
  const std::time_t secs = std::chrono::floor<Seconds>(t).time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&secs, &parts);
  return parts;
}

/// Reads exactly `count` digits at `pos` and moves past them; -1 when they are not there.
int Digits(std::string_view text, size_t& pos, int count) {
  int value = 0;
  for (int i = 0; i < count; ++i, ++pos) {
    if (pos >= text.size() || text[pos] < '0' || text[pos] > '9') return -1;
    value = value * 10 + (text[pos] - '0');
  }
  return value;
}

bool Take(std::string_view text, size_t& pos, char c) {
  if (pos >= text.size() || text[pos] != c) return false;
  ++pos;
  return true;
}

}  // namespace

std::string FormatTime(Time t, const char* format) {
  const std::tm parts = UtcParts(t);
  char buffer[128];
  const size_t n = std::strftime(buffer, sizeof buffer, format, &parts);
  return std::string(buffer, n);
}

std::string FormatIso(Time t, bool with_millis) {
  std::string out = FormatTime(t, "%Y-%m-%dT%H:%M:%S");
  if (with_millis) {
    char fraction[8];
    const int64_t ms =
        MillisSinceEpoch(t) - std::chrono::floor<Seconds>(t).time_since_epoch().count() * 1000;
    std::snprintf(fraction, sizeof fraction, ".%03d", static_cast<int>(ms));
    out += fraction;
  }
  return out + "Z";
}

Result<Time> ParseIso(std::string_view text) {
  const Error bad{Code::kInvalid, "ValidationException",
                  "'" + std::string(text.substr(0, 64)) + "' is not an RFC 3339 timestamp"};
  size_t pos = 0;
  const int year = Digits(text, pos, 4);
  if (year < 0 || !Take(text, pos, '-')) return bad;
  const int month = Digits(text, pos, 2);
  if (month < 1 || month > 12 || !Take(text, pos, '-')) return bad;
  const int day = Digits(text, pos, 2);
  if (day < 1 || day > 31 || !(Take(text, pos, 'T') || Take(text, pos, 't'))) return bad;
  const int hour = Digits(text, pos, 2);
  if (hour < 0 || hour > 23 || !Take(text, pos, ':')) return bad;
  const int minute = Digits(text, pos, 2);
  if (minute < 0 || minute > 59 || !Take(text, pos, ':')) return bad;
  const int second = Digits(text, pos, 2);
  if (second < 0 || second > 60) return bad;
  int millis = 0;
  if (Take(text, pos, '.')) {
    int place = 100;
    const size_t first = pos;
    for (; pos < text.size() && text[pos] >= '0' && text[pos] <= '9'; ++pos, place /= 10)
      millis += (text[pos] - '0') * place;
    if (pos == first) return bad;
  }
  int offset_minutes = 0;
  if (!Take(text, pos, 'Z') && !Take(text, pos, 'z')) {
    if (pos >= text.size() || (text[pos] != '+' && text[pos] != '-')) return bad;
    const int sign = text[pos++] == '+' ? 1 : -1;
    const int hours = Digits(text, pos, 2);
    if (hours < 0 || hours > 23 || !Take(text, pos, ':')) return bad;
    const int minutes = Digits(text, pos, 2);
    if (minutes < 0 || minutes > 59) return bad;
    offset_minutes = sign * (hours * 60 + minutes);
  }
  if (pos != text.size()) return bad;
  using namespace std::chrono;
  const year_month_day date{std::chrono::year(year), std::chrono::month(month),
                            std::chrono::day(day)};
  if (!date.ok()) return bad;
  return Time(sys_days(date)) + hours(hour) + minutes(minute - offset_minutes) + seconds(second) +
         milliseconds(millis);
}

}  // namespace stepmill
