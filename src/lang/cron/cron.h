#pragma once

#include <array>
#include <bitset>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace stepmill::cron {

/// A schedule of EventBridge: "cron(minute hour day-of-month month day-of-week year)" in UTC, or
/// "rate(n minutes|hours|days)". Plain value.
struct Schedule {
  std::optional<Millis> rate;  ///< present: a rate, and the rest does not count

  std::bitset<60> minutes;
  std::bitset<24> hours;
  std::bitset<32> days;          ///< of the month, 1 to 31
  bool is_last_day = false;      ///< "L"
  bool is_last_weekday = false;  ///< "LW"
  int nearest_weekday = 0;       ///< "15W"; 0: none
  bool has_days = false;         ///< the day of the month counts, not the day of the week
  std::bitset<13> months;
  std::bitset<8> weekdays;       ///< 1 is Sunday
  std::bitset<8> last_weekdays;  ///< "6L": the last Friday
  int nth_weekday = 0, nth = 0;  ///< "3#2": the second Tuesday; 0: none
  std::bitset<2200> years;       ///< 1970 to 2199
};

/// ValidationException "Parameter ScheduleExpression is not valid."
Result<Schedule> Parse(std::string_view text);

/// The five fields of POSIX crontab ("30 5 * * 1-5", days of the week 0 to 6 from Sunday), as
/// GitHub's `schedule` has them. Both days restricted: either one counts, so two schedules.
Result<std::vector<Schedule>> ParsePosix(std::string_view text);

/// The first time after `after` at which the schedule fires; nullopt: never again. `start`: when a
/// rate began to count (its first firing is one period later).
std::optional<Time> Next(const Schedule& schedule, Time after, Time start);

}  // namespace stepmill::cron
