#include "service/cloudwatch/alarms.h"

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "json/each.h"
#include "service/ask.h"
#include "service/cloudwatch/metrics.h"
#include "service/ports.h"
#include "store/events.h"

namespace stepmill::cloudwatch {

namespace {

constexpr char kHost[] = "cloudwatch.amazonaws.com";
constexpr Seconds kTryAgain{10};
constexpr int kAlarmsPage = 100;

/// "2022-11-21T12:00:00.000+0000", as CloudWatch's events write times.
std::string EventTime(const Json& seconds) {
  const Time time = TimeFromSeconds(seconds.is_number() ? seconds.AsDouble() : 0);
  std::string text = FormatIso(time);
  text.pop_back();
  return text + "+0000";
}

Json StateOf(const Json& alarm) {
  Json::Object state{{"value", alarm["StateValue"]},
                     {"reason", alarm["StateReason"]},
                     {"timestamp", EventTime(alarm["StateUpdatedTimestamp"])}};
  if (alarm.Has("StateReasonData")) state.Set("reasonData", alarm["StateReasonData"]);
  return Json(std::move(state));
}

/// CloudWatch User Guide: "Alarm events and EventBridge", the configuration.
Json ConfigurationOf(const Json& alarm) {
  Json::Array metrics;
  for (const Json& query : ItemsOf(QueriesOf(alarm))) {
    Json::Object one{{"id", query["Id"]}, {"returnData", query.BoolOr("ReturnData", true)}};
    if (query.Has("Expression")) one.Set("expression", query["Expression"]);
    if (query.Has("Label")) one.Set("label", query["Label"]);
    if (query.Has("MetricStat")) {
      const Json stat = query["MetricStat"];
      Json::Object dimensions;
      for (const Json& dimension : ItemsOf(stat["Metric"]["Dimensions"]))
        dimensions.Set(dimension.StringOr("Name", ""), dimension["Value"]);
      one.Set("metricStat",
              Json::Object{{"metric", Json::Object{{"namespace", stat["Metric"]["Namespace"]},
                                                   {"name", stat["Metric"]["MetricName"]},
                                                   {"dimensions", Json(std::move(dimensions))}}},
                           {"period", stat["Period"]},
                           {"stat", stat["Stat"]}});
    }
    metrics.push_back(Json(std::move(one)));
  }
  Json::Object out{{"metrics", std::move(metrics)}};
  if (alarm.Has("AlarmDescription")) out.Set("description", alarm["AlarmDescription"]);
  return Json(std::move(out));
}

/// What a topic's subscribers get (User Guide: "Amazon SNS notifications").
Json MessageOf(const Call& call, const Json& alarm, const Json& before) {
  Json::Object out{{"AlarmName", alarm["AlarmName"]},
                   {"AlarmDescription", alarm["AlarmDescription"]},
                   {"AWSAccountId", call.account},
                   {"NewStateValue", alarm["StateValue"]},
                   {"NewStateReason", alarm["StateReason"]},
                   {"StateChangeTime", EventTime(alarm["StateUpdatedTimestamp"])},
                   {"Region", call.region},
                   {"AlarmArn", alarm["AlarmArn"]},
                   {"OldStateValue", before["StateValue"]}};
  Json::Object trigger;
  for (const char* name :
       {"MetricName", "Namespace", "Statistic", "Unit", "Period", "EvaluationPeriods",
        "ComparisonOperator", "Threshold", "TreatMissingData", "Metrics", "Dimensions"})
    trigger.SetIf(name, alarm.Find(name));
  out.Add("Trigger", std::move(trigger));
  return Json(std::move(out));
}

/// As a topic takes it (SNS: "Publish"): ASCII, fewer than 100 characters.
std::string SubjectOf(std::string text) {
  constexpr size_t kLengthMax = 99;
  for (char& c : text)
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  if (text.size() > kLengthMax) text.resize(kLengthMax);
  return text;
}

Task<Json> PerformAction(Ports& ports, Json what) {
  const std::string arn = what.StringOr("arn", "");
  const std::string account = what.StringOr("account", "");
  const Asker asker{ports, ServicePrincipal(kHost, account), account, what.StringOr("region", "")};
  Json input = Json::Object{{"TopicArn", arn},
                            {"Subject", SubjectOf(what.StringOr("subject", ""))},
                            {"Message", what["message"].Print()}};
  std::string service = "sns", operation = "Publish";
  if (arn.starts_with("arn:aws:lambda:")) {
    service = "lambda";
    operation = "Invoke";
    input = Json::Object{{"FunctionName", arn},
                         {"InvocationType", "Event"},
                         {"Payload", Base64(what["message"].Print())}};
  }
  const auto done = co_await AskService(asker, service, operation, input);
  if (!done) {
    MILL_LOG(kWarn, "the action " + arn + " of an alarm failed: " + done.error().message);
    co_return done.error();
  }
  co_return Json::Object{};
}

}  // namespace

Key AlarmKey(const Call& call, const std::string& name) {
  return call.KeyFor({"cloudwatch", "alarm", name});
}

Error NoSuchAlarm(const std::string& name) {
  return {Code::kNotFound, "ResourceNotFound", "Unable to find the alarm " + name};
}

Json QueriesOf(const Json& alarm) {
  if (alarm.Has("Metrics")) return alarm["Metrics"];
  Json::Object metric{{"Namespace", alarm["Namespace"]}, {"MetricName", alarm["MetricName"]}};
  metric.SetIf("Dimensions", alarm.Find("Dimensions"));
  Json::Object stat{
      {"Metric", std::move(metric)},
      {"Period", alarm["Period"]},
      {"Stat", alarm.Has("Statistic") ? alarm["Statistic"] : alarm["ExtendedStatistic"]}};
  stat.SetIf("Unit", alarm.Find("Unit"));
  return Json::Array{Json::Object{{"Id", "m1"}, {"MetricStat", std::move(stat)}}};
}

int64_t PeriodOfAlarm(const Json& alarm) {
  int64_t longest = 1;
  for (const Json& query : ItemsOf(QueriesOf(alarm)))
    longest = std::max(longest, query["MetricStat"].IntOr("Period", 1));
  return longest;
}

Task<> WakeAlarms(Call& call, std::string metric_id, int64_t at_ms) {
  const Key prefix = call.KeyFor({"cloudwatch", "alarm-of", metric_id}) + "/";
  MILL_CO_TRY(
      const std::vector<Document> links,
      co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward, kAlarmsPage));
  const int64_t now = MillisSinceEpoch(call.now);
  for (const Document& link : links) {
    const Key key = AlarmKey(call, KeyParts(link.key).back());
    MILL_CO_TRY(const auto found, co_await call.ports.store.Get(key));
    if (!found) continue;
    const int64_t period = PeriodOfAlarm(found->body["alarm"]) * 1000;
    const int64_t due = std::max(now, at_ms - at_ms % period + period);
    const int64_t tick = found->body.IntOr("tick", 0);
    // An evaluation that is ahead will see the data; one that is due may have read already.
    if (tick != 0 && tick <= due && (tick > now || due > now)) continue;
    const int64_t at = due == tick ? due + 1 : due;
    bool is_woken = false;  // by another of its metrics
    for (const Batch::Put& put : call.batch.puts) is_woken |= put.key == key;
    if (is_woken) continue;
    call.batch.Replace(*found, found->body.With("tick", at));
    StartTick(call, at, "EvaluateAlarm",
              Json::Object{{"name", found->body["alarm"]["AlarmName"]}, {"at", at}});
  }
  co_return Result<>();
}

void StartTick(Call& call, int64_t at_ms, std::string_view operation, Json input) {
  call.ports.engine.Start(call.batch, "cloudwatch-tick/" + call.ports.random.NewUuid(),
                          kTickMachine,
                          Json::Object{{"at", at_ms},
                                       {"operation", operation},
                                       {"input", std::move(input)},
                                       {"account", call.account},
                                       {"region", call.region}});
}

Step AdvanceTick(const std::string&, const Json& state, const Event& event) {
  Step step;
  step.state = state;
  if (event.kind == "start") {
    step.state = event.data.With("attempt", 1);
    step.turn.timers.push_back({"tick", TimeFromMillis(event.data.IntOr("at", 0))});
  } else if (event.kind == "timer") {
    const std::string account = state.StringOr("account", "");
    step.turn.effects.push_back(
        {"tick-" + std::to_string(state.IntOr("attempt", 1)), "door",
         DoorCall("cloudwatch", state.StringOr("operation", ""), state["input"],
                  ServicePrincipal(kHost, account), account, state.StringOr("region", ""), true)});
  } else if (event.kind == "effect" && event.data.Has("error")) {
    step.state = state.With("attempt", state.IntOr("attempt", 1) + 1);
    step.turn.timers.push_back({"tick", event.at + kTryAgain});
  } else {
    step.turn.is_finished = true;
  }
  return step;
}

Engine::Performer MakeActionPerformer(Ports& ports) {
  return [&ports](Engine::Performance performance) {
    return PerformAction(ports, std::move(performance.what));
  };
}

Json ChangedState(Call& call, const Json& alarm, const std::string& value,
                  const std::string& reason, const std::string& reason_data) {
  const double now = SecondsSinceEpoch(call.now);
  Json after = alarm.With("StateValue", value)
                   .With("StateReason", reason)
                   .With("StateUpdatedTimestamp", now);
  after = reason_data.empty() ? after.Without("StateReasonData")
                              : after.With("StateReasonData", reason_data);
  if (alarm.StringOr("StateValue", "") == value) return after;
  after = after.With("StateTransitionedTimestamp", now);
  call.batch.events.push_back(MakeEvent("aws.cloudwatch", "CloudWatch Alarm State Change",
                                        call.account, call.region, Json::Array{after["AlarmArn"]},
                                        Json::Object{{"alarmName", after["AlarmName"]},
                                                     {"state", StateOf(after)},
                                                     {"previousState", StateOf(alarm)},
                                                     {"configuration", ConfigurationOf(after)}}));
  if (!after.BoolOr("ActionsEnabled", true)) return after;
  const char* list = value == "OK"      ? "OKActions"
                     : value == "ALARM" ? "AlarmActions"
                                        : "InsufficientDataActions";
  for (const Json& arn : ItemsOf(after[list]))
    call.ports.engine.Deliver(
        call.batch, "cloudwatch-action/" + call.ports.random.NewUuid(), kActionPerformer,
        Json::Object{
            {"arn", arn},
            {"subject", value + ": \"" + after.StringOr("AlarmName", "") + "\" in " + call.region},
            {"message", MessageOf(call, after, alarm)},
            {"account", call.account},
            {"region", call.region}});
  return after;
}

}  // namespace stepmill::cloudwatch
