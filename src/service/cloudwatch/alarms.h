#pragma once

#include <optional>
#include <string>

#include "engine/engine.h"
#include "gate/operation.h"

/// Alarms.
///
///   cloudwatch/alarm/NAME             {"alarm": as DescribeAlarms shows it, "tick": ms of its next
///                                     evaluation (0: none), "isEmpty": the last one saw no data,
///                                     "tags": [...]}
///   cloudwatch/alarm-of/METRIC/NAME   {}: this alarm looks at that metric
///
/// An alarm is evaluated at the end of a period in which one of its metrics had data, and then at
/// the end of each period until nothing is left in its window: data start a chain of ticks
/// (instances that wait for one moment each), and an alarm without data costs nothing.
namespace stepmill::cloudwatch {

inline constexpr char kTickMachine[] = "cloudwatch-tick";
inline constexpr char kActionPerformer[] = "cloudwatch.action";

/// One of its metrics got data at `at_ms`: the alarm is evaluated when that period is over.
Task<> WakeAlarms(Call& call, std::string metric_id, int64_t at_ms);

/// Waits until data {"at": ms}, then asks for the operation {"operation", "input"} of this service
/// as {"account", "region"}.
Step AdvanceTick(const std::string& instance_id, const Json& state, const Event& event);
void StartTick(Call& call, int64_t at_ms, std::string_view operation, Json input);

/// An action of an alarm: {"arn", "message", "subject", "account", "region"}.
Engine::Performer MakeActionPerformer(Ports& ports);

/// What an alarm's queries are: those given, or the one that its metric makes.
Json QueriesOf(const Json& alarm);
/// In seconds.
int64_t PeriodOfAlarm(const Json& alarm);

Key AlarmKey(const Call& call, const std::string& name);
Error NoSuchAlarm(const std::string& name);
/// The alarm in a new state; the event and the actions that follow are in the call's batch.
Json ChangedState(Call& call, const Json& alarm, const std::string& value,
                  const std::string& reason, const std::string& reason_data);

}  // namespace stepmill::cloudwatch
