#pragma once

#include <string>
#include <string_view>

namespace stepmill {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

/// Where log lines go. `app` installs a sink at start; without one lines at kWarn and above go to
/// standard error. Any thread may log.
using LogSink = void (*)(LogLevel level, std::string_view line);
void SetLogSink(LogSink sink);
void Log(LogLevel level, std::string_view line);

#define MILL_LOG(level, text) ::stepmill::Log(::stepmill::LogLevel::level, (text))

}  // namespace stepmill
