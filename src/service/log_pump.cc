#include "service/log_pump.h"

#include "base/strings.h"
#include "compute/backend.h"
#include "store/events.h"
#include "store/store.h"
#include "task/ports.h"

namespace stepmill {
namespace {

constexpr size_t kRangeBytesMax = 256 * 1024;  // of output in one PutLogEvents
constexpr size_t kLineBytesMax = 200 * 1024;   // PutLogEvents takes 256 KiB an event
constexpr size_t kEventsMax = 10'000;          // of one PutLogEvents

Key PumpKey(const Asker& asker, const std::string& id) {
  return MakeKey({asker.account, asker.region, "log-pump", id});
}

Task<> MakeTarget(Asker asker, LogTarget target) {
  const Json group = Json::Object{{"logGroupName", target.group}};
  const Json stream =
      Json::Object{{"logGroupName", target.group}, {"logStreamName", target.stream}};
  const auto made_group = co_await AskService(asker, "logs", "CreateLogGroup", group);
  if (!made_group && made_group.error().name != "ResourceAlreadyExistsException")
    co_return made_group.error();
  const auto made_stream = co_await AskService(asker, "logs", "CreateLogStream", stream);
  if (!made_stream && made_stream.error().name != "ResourceAlreadyExistsException")
    co_return made_stream.error();
  co_return Result<>();
}

/// The effect ids of the calls that put `count` lines.
std::vector<std::string> PutIds(const std::string& effect_id, size_t count) {
  std::vector<std::string> ids;
  for (size_t from = 0; from < count; from += kEventsMax)
    ids.push_back(from == 0 ? effect_id : effect_id + "+" + std::to_string(from));
  return ids;
}

Task<> PutEvents(Asker asker, LogTarget target, std::vector<std::string> lines,
                 std::string effect_id) {
  const std::vector<std::string> ids = PutIds(effect_id, lines.size());
  const int64_t now = MillisSinceEpoch(asker.ports.clock.Now());
  for (size_t from = 0; from < lines.size(); from += kEventsMax) {
    Json::Array events;
    for (size_t i = from; i < lines.size() && i < from + kEventsMax; ++i) {
      const std::string_view text = TruncateUtf8(lines[i], kLineBytesMax);
      // An event's message is at least one character.
      events.push_back(
          Json::Object{{"timestamp", now}, {"message", text.empty() ? "\n" : std::string(text)}});
    }
    const Json input = Json::Object{{"logGroupName", target.group},
                                    {"logStreamName", target.stream},
                                    {"logEvents", std::move(events)}};
    const std::string& id = ids[from / kEventsMax];
    MILL_CO_TRY(const Json put, co_await AskService(asker, "logs", "PutLogEvents", input, id));
  }
  co_return Result<>();
}

/// What is known of the output behind `offset`.
struct Window {
  uint64_t offset = 0;  // of the first byte that is not put yet
  std::string bytes;
  bool is_end = false;
};

/// Reads until there is a whole line, or the end.
Task<> Fill(Asker asker, JobId job, Window& window) {
  while (!window.is_end && window.bytes.find('\n') == std::string::npos &&
         window.bytes.size() < kRangeBytesMax) {
    MILL_CO_TRY(const LogChunk chunk,
                co_await asker.ports.backend.ReadLog(job, window.offset + window.bytes.size()));
    window.bytes += chunk.bytes;
    window.is_end = chunk.is_end;
  }
  co_return Result<>();
}

/// Shows the lines of [0, end) to `see`.
Task<> ReadEarlier(Asker asker, JobId job, uint64_t end,
                   std::function<void(const std::string&)> see) {
  std::string open;
  for (uint64_t at = 0; at < end;) {
    MILL_CO_TRY(const LogChunk chunk, co_await asker.ports.backend.ReadLog(job, at));
    if (chunk.bytes.empty()) break;
    at += chunk.bytes.size();
    open += chunk.bytes;
    for (size_t newline; (newline = open.find('\n')) != std::string::npos;) {
      see(open.substr(0, newline));
      open.erase(0, newline + 1);
    }
  }
  co_return Result<>();
}

/// How many bytes to put now: whole lines, or what there is at the end or when a line is too long.
size_t RangeOf(const Window& window) {
  const size_t most = std::min(window.bytes.size(), kRangeBytesMax);
  const size_t newline = window.bytes.rfind('\n', most == 0 ? 0 : most - 1);
  if (newline != std::string::npos && newline < most) return newline + 1;
  return most;
}

}  // namespace

Task<> PutLogLines(Asker asker, LogTarget target, std::vector<std::string> lines,
                   std::string effect_id) {
  if (lines.empty()) co_return Result<>();
  MILL_CO_CHECK(co_await MakeTarget(asker, target));
  co_return co_await PutEvents(asker, target, std::move(lines), std::move(effect_id));
}

Task<> RunLogPump(Asker asker, LogTarget target, LogPump pump) {
  MILL_CO_CHECK(co_await MakeTarget(asker, target));
  const Key key = PumpKey(asker, pump.id);
  const JobId job{pump.job_id};
  MILL_CO_TRY(const auto known, co_await asker.ports.store.Get(key));
  Window window;
  uint64_t planned_end = 0;           // of a range that may have been put already
  std::vector<std::string> last_put;  // effect ids of the range before
  if (known) {
    window.offset = static_cast<uint64_t>(known->body.IntOr("from", 0));
    planned_end = static_cast<uint64_t>(known->body.IntOr("to", 0));
  }
  if (pump.earlier && window.offset > 0)
    MILL_CO_CHECK(co_await ReadEarlier(asker, job, window.offset, pump.earlier));
  while (true) {
    const bool is_repeat = planned_end > window.offset;
    const size_t least = is_repeat ? planned_end - window.offset : 0;
    while (window.bytes.size() < least && !window.is_end) {
      MILL_CO_TRY(const LogChunk chunk,
                  co_await asker.ports.backend.ReadLog(job, window.offset + window.bytes.size()));
      window.bytes += chunk.bytes;
      window.is_end = chunk.is_end;
    }
    if (!is_repeat) MILL_CO_CHECK(co_await Fill(asker, job, window));
    const size_t range = is_repeat ? std::min(least, window.bytes.size()) : RangeOf(window);
    if (range == 0 && !window.is_end) continue;
    const uint64_t end = window.offset + range;
    if (!is_repeat && (range > 0 || !last_put.empty())) {
      Batch batch;
      // What was put before cannot be repeated any more.
      for (const std::string& id : last_put) batch.Delete(AnswerKey(id));
      batch.PutDocument(key, Json::Object{{"from", static_cast<int64_t>(window.offset)},
                                          {"to", static_cast<int64_t>(end)}});
      MILL_CO_CHECK(co_await asker.ports.store.Commit(std::move(batch)));
    }
    if (range == 0) co_return Result<>();
    std::string_view text(window.bytes.data(), range);
    if (text.ends_with('\n')) text.remove_suffix(1);
    std::vector<std::string> lines;
    for (std::string_view one : Split(text, '\n')) {
      if (one.ends_with('\r')) one.remove_suffix(1);
      // A progress bar rewrites its line: what stands last is what is seen.
      if (const size_t back = one.rfind('\r'); back != std::string_view::npos)
        one.remove_prefix(back + 1);
      if (auto shown = pump.line(std::string(one))) lines.push_back(std::move(*shown));
    }
    const std::string effect_id = "log-pump:" + asker.account + "/" + asker.region + "/" + pump.id +
                                  ":" + std::to_string(window.offset) + "-" + std::to_string(end);
    last_put = PutIds(effect_id, lines.size());
    if (!lines.empty()) {
      MILL_CO_CHECK(co_await PutEvents(asker, target, lines, effect_id));
      if (pump.after) MILL_CO_CHECK(co_await pump.after(effect_id, std::move(lines)));
    }
    window.bytes.erase(0, range);
    window.offset = end;
    planned_end = 0;
  }
}

void ForgetLogPump(const Asker& asker, const std::string& id, Batch& batch) {
  batch.Delete(PumpKey(asker, id));
}

}  // namespace stepmill
