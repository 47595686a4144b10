#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace stepmill {

/// A moment, UTC, to the millisecond (the precision AWS keeps). Comes from the Clock port only.
using Time = std::chrono::sys_time<std::chrono::milliseconds>;
using Millis = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

inline int64_t MillisSinceEpoch(Time t) { return t.time_since_epoch().count(); }
inline Time TimeFromMillis(int64_t ms) { return Time(Millis(ms)); }
/// Seconds with a fraction, as the AWS JSON protocols carry timestamps.
inline double SecondsSinceEpoch(Time t) {
  return static_cast<double>(MillisSinceEpoch(t)) / 1000.0;
}
inline Time TimeFromSeconds(double s) {
  return Time(Millis(static_cast<int64_t>(s * 1000.0 + (s < 0 ? -0.5 : 0.5))));
}

/// "2022-07-18T01:02:03.456Z"; without the fraction when `with_millis` is false.
std::string FormatIso(Time t, bool with_millis = true);
/// RFC 3339 ("2022-07-18T01:02:03[.fraction](Z|+hh:mm)"). kInvalid otherwise.
Result<Time> ParseIso(std::string_view text);
/// strftime in UTC, e.g. FormatTime(t, "%a, %d %b %Y %H:%M:%S GMT").
std::string FormatTime(Time t, const char* format);

}  // namespace stepmill
