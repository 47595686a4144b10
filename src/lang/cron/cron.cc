#include "lang/cron/cron.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "base/strings.h"

namespace stepmill::cron {

namespace {

using std::chrono::day;
using std::chrono::days;
using std::chrono::month;
using std::chrono::sys_days;
using std::chrono::weekday;
using std::chrono::year;
using std::chrono::year_month_day;

constexpr int kYearFirst = 1970;
constexpr int kYearLast = 2199;
constexpr const char* kMonths[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                   "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr const char* kWeekdays[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

/// One of the six fields: the numbers it may hold and their names.
struct Field {
  int low, high;
  const char* const* names = nullptr;

  std::optional<int> Value(std::string_view text) const {
    if (names)
      for (int i = 0; i <= high - low; ++i)
        if (EqualsIgnoreCase(text, names[i])) return low + i;
    const auto number = text.size() <= 4 ? ParseInt(text) : std::nullopt;
    if (!number || *number < low || *number > high) return std::nullopt;
    return static_cast<int>(*number);
  }

  /// "*", "a", "a-b" (which may wrap), each with "/step"; a value with a step runs to the end.
  bool Add(std::string_view text, auto& set) const {
    int step = 1;
    const size_t slash = text.find('/');
    if (slash != std::string_view::npos) {
      const auto number = ParseInt(text.substr(slash + 1));
      if (!number || *number < 1 || *number > high) return false;
      step = static_cast<int>(*number);
      text = text.substr(0, slash);
    }
    int from = low, to = high;
    if (text != "*") {
      const size_t dash = text.find('-');
      const auto first = Value(text.substr(0, dash));
      if (!first) return false;
      from = *first;
      if (dash != std::string_view::npos) {
        const auto last = Value(text.substr(dash + 1));
        if (!last) return false;
        to = *last;
      } else if (slash == std::string_view::npos) {
        to = from;
      }
    }
    const int length = to >= from ? to - from : to - from + (high - low + 1);
    for (int i = 0; i <= length; i += step) {
      int value = from + i;
      if (value > high) value -= high - low + 1;
      set.set(static_cast<size_t>(value));
    }
    return true;
  }

  bool AddAll(std::string_view text, auto& set) const {
    for (const std::string_view part : Split(text, ','))
      if (part.empty() || !Add(part, set)) return false;
    return true;
  }
};

constexpr Field kMinuteField{0, 59};
constexpr Field kHourField{0, 23};
constexpr Field kDayField{1, 31};
constexpr Field kMonthField{1, 12, kMonths};
constexpr Field kWeekdayField{1, 7, kWeekdays};
constexpr Field kYearField{kYearFirst, kYearLast};

bool ParseDays(std::string_view text, Schedule& schedule) {
  schedule.has_days = true;
  for (const std::string_view part : Split(text, ',')) {
    if (EqualsIgnoreCase(part, "L")) {
      schedule.is_last_day = true;
    } else if (EqualsIgnoreCase(part, "LW")) {
      schedule.is_last_weekday = true;
    } else if (part.size() > 1 && (part.back() == 'W' || part.back() == 'w')) {
      const auto wanted = kDayField.Value(part.substr(0, part.size() - 1));
      if (!wanted) return false;
      schedule.nearest_weekday = *wanted;
    } else if (part.empty() || !kDayField.Add(part, schedule.days)) {
      return false;
    }
  }
  return true;
}

bool ParseWeekdays(std::string_view text, Schedule& schedule) {
  const size_t hash = text.find('#');
  if (hash != std::string_view::npos) {  // the only expression of its field
    const auto wanted = kWeekdayField.Value(text.substr(0, hash));
    const auto nth = ParseInt(text.substr(hash + 1));
    if (!wanted || !nth || *nth < 1 || *nth > 5) return false;
    schedule.nth_weekday = *wanted;
    schedule.nth = static_cast<int>(*nth);
    return true;
  }
  for (const std::string_view part : Split(text, ',')) {
    if (EqualsIgnoreCase(part, "L")) {
      schedule.weekdays.set(7);
    } else if (part.size() > 1 && (part.back() == 'L' || part.back() == 'l')) {
      const auto wanted = kWeekdayField.Value(part.substr(0, part.size() - 1));
      if (!wanted) return false;
      schedule.last_weekdays.set(static_cast<size_t>(*wanted));
    } else if (part.empty() || !kWeekdayField.Add(part, schedule.weekdays)) {
      return false;
    }
  }
  return true;
}

bool ParseCron(std::string_view text, Schedule& schedule) {
  std::vector<std::string_view> fields;
  for (const std::string_view part : Split(text, ' '))
    if (!part.empty()) fields.push_back(part);
  if (fields.size() != 6) return false;
  // Exactly one of the two days is "?".
  if ((fields[2] == "?") == (fields[4] == "?")) return false;
  return kMinuteField.AddAll(fields[0], schedule.minutes) &&
         kHourField.AddAll(fields[1], schedule.hours) &&
         (fields[2] == "?" || ParseDays(fields[2], schedule)) &&
         kMonthField.AddAll(fields[3], schedule.months) &&
         (fields[4] == "?" || ParseWeekdays(fields[4], schedule)) &&
         kYearField.AddAll(fields[5], schedule.years);
}

bool ParseRate(std::string_view text, Schedule& schedule) {
  std::vector<std::string_view> words;
  for (const std::string_view part : Split(text, ' '))
    if (!part.empty()) words.push_back(part);
  if (words.size() != 2 || words[0].size() > 9) return false;
  const auto count = ParseInt(words[0]);
  if (!count || *count < 1) return false;
  // The singular for one, the plural for more.
  std::string unit(words[1]);
  if (*count > 1) {
    if (!unit.ends_with('s')) return false;
    unit.pop_back();
  }
  if (unit == "minute")
    schedule.rate = std::chrono::minutes(*count);
  else if (unit == "hour")
    schedule.rate = std::chrono::hours(*count);
  else if (unit == "day")
    schedule.rate = std::chrono::hours(24 * *count);
  else
    return false;
  return true;
}

int WeekdayNumber(sys_days date) { return static_cast<int>(weekday(date).c_encoding()) + 1; }

/// The weekday (Monday to Friday) nearest to a day, within its month.
sys_days NearestWeekday(sys_days date) {
  const year_month_day ymd(date);
  const sys_days first = ymd.year() / ymd.month() / day(1);
  const sys_days last = ymd.year() / ymd.month() / std::chrono::last;
  if (WeekdayNumber(date) == 7) return date == first ? date + days(2) : date - days(1);
  if (WeekdayNumber(date) == 1) return date == last ? date - days(2) : date + days(1);
  return date;
}

bool IsDay(const Schedule& schedule, sys_days date) {
  const year_month_day ymd(date);
  if (!schedule.years.test(static_cast<size_t>(static_cast<int>(ymd.year())))) return false;
  if (!schedule.months.test(static_cast<unsigned>(ymd.month()))) return false;
  const auto number = static_cast<unsigned>(ymd.day());
  const sys_days last = ymd.year() / ymd.month() / std::chrono::last;
  if (schedule.has_days) {
    if (schedule.days.test(number)) return true;
    if (schedule.is_last_day && date == last) return true;
    if (schedule.is_last_weekday && date == NearestWeekday(last)) return true;
    if (schedule.nearest_weekday != 0) {
      const auto wanted = ymd.year() / ymd.month() / day(unsigned(schedule.nearest_weekday));
      if (wanted.ok() && date == NearestWeekday(sys_days(wanted))) return true;
    }
    return false;
  }
  const int weekday_number = WeekdayNumber(date);
  if (schedule.weekdays.test(static_cast<size_t>(weekday_number))) return true;
  if (schedule.last_weekdays.test(static_cast<size_t>(weekday_number)) && last - date < days(7))
    return true;
  return schedule.nth_weekday == weekday_number &&
         static_cast<int>((number - 1) / 7) + 1 == schedule.nth;
}

/// The first set bit at or after `from`, or -1.
template <size_t n>
int FindFrom(const std::bitset<n>& set, int from) {
  for (int i = from; i < static_cast<int>(n); ++i)
    if (set.test(static_cast<size_t>(i))) return i;
  return -1;
}

}  // namespace

Result<Schedule> Parse(std::string_view text) {
  Schedule schedule;
  bool is_valid = false;
  if (text.size() <= 256 && text.ends_with(')')) {
    const std::string_view inside = text.substr(0, text.size() - 1);
    if (inside.starts_with("cron(")) is_valid = ParseCron(inside.substr(5), schedule);
    if (inside.starts_with("rate(")) is_valid = ParseRate(inside.substr(5), schedule);
  }
  if (!is_valid)
    return Error{Code::kInvalid, "ValidationException",
                 "Parameter ScheduleExpression is not valid."};
  return schedule;
}

std::optional<Time> Next(const Schedule& schedule, Time after, Time start) {
  if (schedule.rate) {
    if (after < start) return start + *schedule.rate;
    return start + ((after - start) / *schedule.rate + 1) * *schedule.rate;
  }
  const auto minute = std::chrono::floor<std::chrono::minutes>(after) + std::chrono::minutes(1);
  sys_days date = std::chrono::floor<days>(minute);
  auto in_day = minute - date;
  const sys_days end = year(kYearLast + 1) / month(1) / day(1);
  for (; date < end; date += days(1), in_day = std::chrono::minutes(0)) {
    if (date < sys_days(year(kYearFirst) / month(1) / day(1))) continue;
    if (!IsDay(schedule, date)) continue;
    int hour = static_cast<int>(in_day.count() / 60);
    int from_minute = static_cast<int>(in_day.count() % 60);
    for (hour = FindFrom(schedule.hours, hour); hour >= 0;
         hour = FindFrom(schedule.hours, hour + 1), from_minute = 0) {
      if (hour != in_day.count() / 60) from_minute = 0;
      const int found = FindFrom(schedule.minutes, from_minute);
      if (found >= 0) return date + std::chrono::hours(hour) + std::chrono::minutes(found);
    }
  }
  return std::nullopt;
}

}  // namespace stepmill::cron
