// The operations on alarms (API reference: "PutMetricAlarm" and its siblings).
#include <algorithm>

#include "base/strings.h"
#include "json/each.h"
#include "service/cloudwatch/alarms.h"
#include "service/cloudwatch/errors.h"
#include "service/cloudwatch/metrics.h"
#include "service/cloudwatch/operations.h"
#include "service/cloudwatch/query.h"
#include "service/page.h"
#include "service/ports.h"

namespace stepmill::cloudwatch {

namespace {

constexpr int kAlarmsMax = 5000;  ///< of an account and region
constexpr int64_t kRangeMaxS = 7 * 86'400, kDayS = 86'400;

std::string ArnOf(const Call& call, const std::string& name) {
  return call.Arn("cloudwatch", "alarm:" + name);
}

Result<> CheckOne(const Json& input) {
  for (const char* name : {"MetricName", "Namespace", "Period"})
    if (!input.Has(name))
      return ValidationError("The parameter " + std::string(name) + " is required.");
  if (input.Has("Statistic") == input.Has("ExtendedStatistic"))
    return InvalidCombination(
        "Exactly one of the parameters Statistic and ExtendedStatistic must be specified.");
  const int64_t period = input.IntOr("Period", 60);
  if (period % 60 != 0 && period != 10 && period != 20 && period != 30)
    return ValidationError("Metric alarm period must be 10, 20, 30, or a multiple of 60.");
  const std::string extended = input.StringOr("ExtendedStatistic", "");
  if (!extended.empty() && !Statistic::Parse(extended))
    return InvalidValue("The value " + extended +
                        " for parameter ExtendedStatistic is not supported.");
  return Result<>();
}

Result<> CheckAlarm(const Json& input) {
  if (input.Has("Metrics")) {
    for (const char* name : {"MetricName", "Namespace", "Period", "Statistic", "ExtendedStatistic",
                             "Dimensions", "Unit"})
      if (input.Has(name))
        return InvalidCombination("The parameter " + std::string(name) +
                                  " cannot be used with Metrics.");
    MILL_CHECK(CheckQueries(input["Metrics"], "Metrics"));
    int returned = 0;
    for (const Json& query : ItemsOf(input["Metrics"]))
      returned += query.BoolOr("ReturnData", true);
    if (returned != 1)
      return ValidationError("Exactly one element of the metrics list should return data.");
  } else {
    MILL_CHECK(CheckOne(input));
  }
  if (!input.Has("Threshold")) return MissingParameter("The parameter Threshold is required.");
  if (!input.Has("EvaluationPeriods"))
    return MissingParameter("The parameter EvaluationPeriods is required.");
  if (!input.Has("ComparisonOperator"))
    return MissingParameter("The parameter ComparisonOperator is required.");
  const std::string comparison = input.StringOr("ComparisonOperator", "");
  if (!comparison.ends_with("ToThreshold") && !comparison.ends_with("ThanThreshold"))
    return ValidationError("ComparisonOperator " + comparison +
                           " (anomaly detection) is not supported by stepmill");
  const int64_t periods = input.IntOr("EvaluationPeriods", 1);
  if (input.IntOr("DatapointsToAlarm", periods) > periods)
    return ValidationError("DatapointsToAlarm must be less than or equal to EvaluationPeriods.");
  const std::string missing = input.StringOr("TreatMissingData", "missing");
  if (missing != "missing" && missing != "ignore" && missing != "breaching" &&
      missing != "notBreaching")
    return ValidationError("Option " + missing +
                           " is not supported by TreatMissingData. Supported options: [breaching, "
                           "notBreaching, ignore, missing]");
  const int64_t range = PeriodOfAlarm(input) * periods;
  if (range > (PeriodOfAlarm(input) >= 3600 ? kRangeMaxS : kDayS))
    return ValidationError(
        "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= "
        "86400).");
  for (const char* list : {"AlarmActions", "OKActions", "InsufficientDataActions"})
    for (const Json& arn : ItemsOf(input[list]))
      if (!arn.AsString().starts_with("arn:aws:sns:") &&
          !arn.AsString().starts_with("arn:aws:lambda:"))
        return ValidationError("The action " + arn.AsString() +
                               " is not supported by stepmill: topics and functions are.");
  return Result<>();
}

/// Links from the metrics that an alarm looks at.
Result<std::vector<Key>> LinksOf(const Call& call, const Json& alarm) {
  std::vector<Key> out;
  for (const Json& query : ItemsOf(QueriesOf(alarm))) {
    if (!query.Has("MetricStat")) continue;
    const Json metric = query["MetricStat"]["Metric"];
    MILL_TRY(const MetricId id,
             MakeMetricId(metric.StringOr("Namespace", ""), metric.StringOr("MetricName", ""),
                          metric["Dimensions"]));
    out.push_back(call.KeyFor({"cloudwatch", "alarm-of", id.id, alarm.StringOr("AlarmName", "")}));
  }
  return out;
}

Task<std::vector<Document>> AllAlarms(Call& call) {
  const Key from = call.KeyFor({"cloudwatch", "alarm"}) + "/";
  co_return co_await call.ports.store.Range(from, PrefixEnd(from), Direction::kForward, kAlarmsMax);
}

/// An alarm by its ARN: the ListTags family.
Task<Document> AlarmOfArn(Call& call) {
  const std::string arn = call.input.StringOr("ResourceARN", "");
  const std::string front = ArnOf(call, "");
  if (!arn.starts_with(front))
    co_return InvalidValue("The value " + arn + " for parameter ResourceARN is invalid.");
  MILL_CO_TRY(auto found, co_await call.ports.store.Get(AlarmKey(call, arn.substr(front.size()))));
  if (!found)
    co_return Error{Code::kNotFound, "ResourceNotFoundException", "Unknown resource: " + arn};
  co_return std::move(*found);
}

Task<Json> SetActions(Call& call, bool is_enabled) {
  const Json names = call.input["AlarmNames"];
  for (const Json& name : ItemsOf(names)) {
    MILL_CO_TRY(const auto found, co_await call.ports.store.Get(AlarmKey(call, name.AsString())));
    if (!found) continue;
    call.batch.Replace(
        *found, found->body.With("alarm", found->body["alarm"].With("ActionsEnabled", is_enabled)));
  }
  co_return Json();
}

}  // namespace

Task<Json> PutMetricAlarm(Call& call) {
  MILL_CO_CHECK(CheckAlarm(call.input));
  const std::string name = call.input.StringOr("AlarmName", "");
  const Key key = AlarmKey(call, name);
  const double now = SecondsSinceEpoch(call.now);
  MILL_CO_TRY(const auto before, co_await call.ports.store.Get(key));
  Json alarm = call.input.Without("Tags");
  if (!alarm.Has("ActionsEnabled")) alarm = alarm.With("ActionsEnabled", true);
  for (const char* list : {"AlarmActions", "OKActions", "InsufficientDataActions"})
    if (!alarm.Has(list)) alarm = alarm.With(list, Json::Array{});
  if (!alarm.Has("Metrics") && !alarm.Has("Dimensions"))
    alarm = alarm.With("Dimensions", Json::Array{});
  alarm = alarm.With("AlarmArn", ArnOf(call, name)).With("AlarmConfigurationUpdatedTimestamp", now);
  if (before) {  // a change keeps the state
    const Json old = before->body["alarm"];
    for (const char* member : {"StateValue", "StateReason", "StateReasonData",
                               "StateUpdatedTimestamp", "StateTransitionedTimestamp"})
      if (old.Has(member)) alarm = alarm.With(member, old[member]);
    MILL_CO_TRY(const std::vector<Key> links, LinksOf(call, old));
    for (const Key& link : links) call.batch.Delete(link);
  } else {
    alarm = alarm.With("StateValue", "INSUFFICIENT_DATA")
                .With("StateReason", "Unchecked: Initial alarm creation")
                .With("StateUpdatedTimestamp", now)
                .With("StateTransitionedTimestamp", now);
  }
  MILL_CO_TRY(const std::vector<Key> links, LinksOf(call, alarm));
  for (const Key& link : links) call.batch.PutDocument(link, Json::Object{});
  // What is there already is looked at once, now.
  const int64_t due = MillisSinceEpoch(call.now);
  const Json tags = before ? before->body["tags"] : call.input["Tags"];
  const Json body = Json::Object{
      {"alarm", alarm}, {"tick", due}, {"tags", tags.is_array() ? tags : Json(Json::Array{})}};
  if (before)
    call.batch.Replace(*before, body);
  else
    call.batch.Create(key, body);
  StartTick(call, due, "EvaluateAlarm", Json::Object{{"name", name}, {"at", due}});
  co_return Json();
}

Task<Json> DescribeAlarms(Call& call) {
  const Json& input = call.input;
  if (input.Has("AlarmNames") && input.Has("AlarmNamePrefix"))
    co_return ValidationError("AlarmNames and AlarmNamePrefix cannot be specified together.");
  const Json types = input["AlarmTypes"];
  bool wants_metric = types.size() == 0;
  for (const Json& type : ItemsOf(types)) wants_metric |= type == Json("MetricAlarm");
  const Json names = input["AlarmNames"];
  const std::string prefix = input.StringOr("AlarmNamePrefix", "");
  const std::string state = input.StringOr("StateValue", "");
  const std::string action = input.StringOr("ActionPrefix", "");
  MILL_CO_TRY(const std::vector<Document> all, co_await AllAlarms(call));
  Json::Array alarms;
  for (const Document& document : all) {
    const Json alarm = document.body["alarm"];
    const std::string name = alarm.StringOr("AlarmName", "");
    if (!wants_metric || !name.starts_with(prefix)) continue;
    const auto& wanted = ItemsOf(names);
    if (!wanted.empty() && std::none_of(wanted.begin(), wanted.end(), [&name](const Json& one) {
          return one.AsString() == name;
        }))
      continue;
    if (!state.empty() && alarm.StringOr("StateValue", "") != state) continue;
    bool has_action = action.empty();
    for (const char* list : {"AlarmActions", "OKActions", "InsufficientDataActions"})
      for (const Json& arn : ItemsOf(alarm[list])) has_action |= arn.AsString().starts_with(action);
    if (has_action) alarms.push_back(alarm);
  }
  const Error bad_token{Code::kInvalid, "InvalidNextToken", "The NextToken is invalid."};
  const Json paged = input.Has("MaxRecords") ? input : input.With("MaxRecords", 50);
  MILL_CO_TRY(const Json page,
              PageOf(paged, "MetricAlarms", alarms, "MaxRecords", "NextToken", bad_token));
  co_return page.With("CompositeAlarms", Json::Array{});
}

Task<Json> DescribeAlarmsForMetric(Call& call) {
  const Json& input = call.input;
  MILL_CO_TRY(const MetricId metric,
              MakeMetricId(input.StringOr("Namespace", ""), input.StringOr("MetricName", ""),
                           input["Dimensions"]));
  const Key prefix = call.KeyFor({"cloudwatch", "alarm-of", metric.id}) + "/";
  MILL_CO_TRY(
      const std::vector<Document> links,
      co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward, kAlarmsMax));
  Json::Array alarms;
  for (const Document& link : links) {
    MILL_CO_TRY(const auto found,
                co_await call.ports.store.Get(AlarmKey(call, KeyParts(link.key).back())));
    if (!found || found->body["alarm"].Has("Metrics")) continue;
    bool fits = true;
    for (const char* member : {"Statistic", "ExtendedStatistic", "Period", "Unit"})
      fits &= !input.Has(member) || found->body["alarm"][member] == input[member];
    if (fits) alarms.push_back(found->body["alarm"]);
  }
  co_return Json::Object{{"MetricAlarms", std::move(alarms)}};
}

Task<Json> DeleteAlarms(Call& call) {
  const Json names = call.input["AlarmNames"];
  std::vector<std::string> done;
  for (const Json& name : ItemsOf(names)) {
    if (std::find(done.begin(), done.end(), name.AsString()) != done.end()) continue;
    done.push_back(name.AsString());
    MILL_CO_TRY(const auto found, co_await call.ports.store.Get(AlarmKey(call, name.AsString())));
    if (!found) continue;  // AWS deletes what is there
    MILL_CO_TRY(const std::vector<Key> links, LinksOf(call, found->body["alarm"]));
    for (const Key& link : links) call.batch.Delete(link);
    call.batch.expects.push_back({found->key, found->version});
    call.batch.Delete(found->key);
  }
  co_return Json();
}

Task<Json> SetAlarmState(Call& call) {
  const std::string name = call.input.StringOr("AlarmName", "");
  const std::string data = call.input.StringOr("StateReasonData", "");
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(AlarmKey(call, name)));
  if (!found) co_return NoSuchAlarm(name);
  if (!data.empty() && !ParseJson(data))
    co_return Error{Code::kInvalid, "InvalidFormatFault", "StateReasonData is no valid JSON."};
  const Json alarm = ChangedState(call, found->body["alarm"], call.input.StringOr("StateValue", ""),
                                  call.input.StringOr("StateReason", ""), data);
  // The state holds for a period at least; then, or when data come, it is what they say.
  const int64_t period = PeriodOfAlarm(alarm) * 1000;
  const int64_t now = MillisSinceEpoch(call.now);
  const int64_t due = now - now % period + 2 * period;
  const Json body = found->body.With("alarm", alarm).With("tick", due);
  StartTick(call, due, "EvaluateAlarm", Json::Object{{"name", name}, {"at", due}});
  call.batch.Replace(*found, body);
  co_return Json();
}

Task<Json> EnableAlarmActions(Call& call) { co_return co_await SetActions(call, true); }
Task<Json> DisableAlarmActions(Call& call) { co_return co_await SetActions(call, false); }

Task<Json> ListTagsForResource(Call& call) {
  MILL_CO_TRY(const Document alarm, co_await AlarmOfArn(call));
  co_return Json::Object{{"Tags", alarm.body["tags"]}};
}

Task<Json> TagResource(Call& call) {
  MILL_CO_TRY(const Document alarm, co_await AlarmOfArn(call));
  Json::Array tags = ItemsOf(alarm.body["tags"]);
  for (const Json& tag : ItemsOf(call.input["Tags"])) {
    std::erase_if(tags, [&tag](const Json& old) { return old["Key"] == tag["Key"]; });
    tags.push_back(tag);
  }
  call.batch.Replace(alarm, alarm.body.With("tags", std::move(tags)));
  co_return Json::Object{};
}

Task<Json> UntagResource(Call& call) {
  MILL_CO_TRY(const Document alarm, co_await AlarmOfArn(call));
  Json::Array tags = ItemsOf(alarm.body["tags"]);
  for (const Json& key : ItemsOf(call.input["TagKeys"]))
    std::erase_if(tags, [&key](const Json& old) { return old["Key"] == key; });
  call.batch.Replace(alarm, alarm.body.With("tags", std::move(tags)));
  co_return Json::Object{};
}

}  // namespace stepmill::cloudwatch
