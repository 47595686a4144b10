#include "base/log.h"

#include <atomic>
#include <cstdio>

namespace stepmill {
namespace {
// The one global of base: a function pointer that main() sets once, before any thread starts.
std::atomic<LogSink> g_sink{nullptr};
}  // namespace

void SetLogSink(LogSink sink) { g_sink = sink; }

void Log(LogLevel level, std::string_view line) {
  if (const LogSink sink = g_sink.load()) {
    sink(level, line);
  } else if (level >= LogLevel::kWarn) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
  }
}

}  // namespace stepmill
