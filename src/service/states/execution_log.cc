#include "service/states/execution_log.h"

#include <cmath>

#include "base/digest.h"
#include "base/strings.h"
#include "gate/principal.h"
#include "service/ask.h"
#include "service/log_pump.h"

namespace stepmill::states {
namespace {

constexpr size_t kLineBytesMax = 248 * 1024;

bool IsLogged(const std::string& level, const std::string& type) {
  if (level == "ALL") return true;
  if (type == "ExecutionAborted" || type == "ExecutionFailed" || type == "ExecutionTimedOut")
    return level == "FATAL" || level == "ERROR";
  return level == "ERROR" && (type == "FailStateEntered" || type.ends_with("Failed") ||
                              type.ends_with("TimedOut") || type.ends_with("Aborted"));
}

std::string Line(const Json& event, const Json& details, const std::string& arn, int64_t redrives) {
  const auto millis = static_cast<int64_t>(std::llround(event["timestamp"].AsDouble() * 1000.0));
  return Json(Json::Object{{"id", std::to_string(event.IntOr("id", 0))},
                           {"type", event["type"]},
                           {"details", details},
                           {"previous_event_id", std::to_string(event.IntOr("previousEventId", 0))},
                           {"event_timestamp", std::to_string(millis)},
                           {"execution_arn", arn},
                           {"redrive_count", std::to_string(redrives)}})
      .Print();
}

Json WithoutData(Json details, bool is_truncated) {
  for (const char* name : {"input", "output", "parameters", "assignedVariables"}) {
    if (details.Has(name)) details = details.Without(name);
    const std::string about = std::string(name) + "Details";
    if (!details.Has(about)) continue;
    details = is_truncated ? details.With(about, Json::Object{{"truncated", true}})
                           : details.Without(about);
  }
  return details;
}

Asker DeliveryOf(Ports& ports, const Json& what) {
  const std::string account = what.StringOr("account", "");
  return Asker{ports, ServicePrincipal("delivery.logs.amazonaws.com", account), account,
               what.StringOr("region", "")};
}

Task<Json> CheckLog(Ports& ports, Engine::Performance performance) {
  const LogSettings settings = ReadLogSettings(performance.what["logging"]);
  const LogTarget target{settings.group,
                         "log_stream_created_by_aws_to_validate_log_delivery_subscriptions"};
  std::vector<std::string> lines{
      "Permissions are set correctly to allow AWS CloudWatch Logs to write into your logs while "
      "creating a subscription."};
  const Asker asker = DeliveryOf(ports, performance.what);
  MILL_CO_CHECK(
      co_await PutLogLines(asker, target, std::move(lines), std::move(performance.effect_id)));
  co_return Json(Json::Object{});
}

}  // namespace

Task<Json> PutLog(Ports& ports, Engine::Performance performance) {
  const Json& what = performance.what;
  const LogTarget target{what.StringOr("group", ""), what.StringOr("stream", "")};
  std::vector<std::string> lines;
  for (const Json& line : what["lines"].items()) lines.push_back(line.AsString());
  const Asker asker = DeliveryOf(ports, what);
  MILL_CO_CHECK(
      co_await PutLogLines(asker, target, std::move(lines), std::move(performance.effect_id)));
  co_return Json(Json::Object{});
}

std::string LogStreamName(const std::string& machine, Time started_at,
                          const std::string& execution_arn) {
  return "states/" + machine + "/" + FormatTime(started_at, "%Y-%m-%d-%H-%M") + "/" +
         Hex(Sha256(execution_arn)).substr(0, 8);
}

LogSettings ReadLogSettings(const Json& logging) {
  LogSettings settings;
  settings.level = logging.StringOr("level", "OFF");
  settings.with_data = logging.BoolOr("includeExecutionData", false);
  const Json& destinations = logging["destinations"];
  if (!destinations.is_array() || destinations.size() == 0) return settings;
  // arn:aws:logs:REGION:ACCOUNT:log-group:NAME[:*]
  const std::string arn = destinations.At(0)["cloudWatchLogsLogGroup"].StringOr("logGroupArn", "");
  const auto parts = Split(arn, ':');
  if (parts.size() >= 7 && parts[2] == "logs" && parts[5] == "log-group") settings.group = parts[6];
  return settings;
}

std::optional<std::string> LogLine(const LogSettings& settings, const Json& event,
                                   const std::string& execution_arn, int64_t redrives) {
  if (!IsLogged(settings.level, event.StringOr("type", ""))) return std::nullopt;
  Json details = Json(Json::Object{});
  for (const Json::Member& member : event.members())
    if (member.name.ends_with("EventDetails")) details = member.value;
  if (!settings.with_data) details = WithoutData(details, false);
  std::string line = Line(event, details, execution_arn, redrives);
  if (line.size() > kLineBytesMax)
    line = Line(event, WithoutData(details, true), execution_arn, redrives);
  return line;
}

Engine::Performer MakeLogPerformer(Ports& ports) {
  return
      [&ports](Engine::Performance performance) { return PutLog(ports, std::move(performance)); };
}

Engine::Performer MakeLogCheckPerformer(Ports& ports) {
  return
      [&ports](Engine::Performance performance) { return CheckLog(ports, std::move(performance)); };
}

}  // namespace stepmill::states
