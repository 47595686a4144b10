#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gate/operation.h"

/// Buses and rules as documents.
///
///   events/bus/BUS          name, description, created, changed (ms), tags; "default" has none
///   events/rule/BUS/RULE    name, bus, pattern, schedule (texts), state, description, roleArn,
///                           tags, targets (as PutTargets got them), scheduleStart (ms), tick (the
///                           instance that waits for the next firing)
namespace stepmill::events {

inline constexpr size_t kRulesMax = 300;  ///< of one bus
inline constexpr size_t kTargetsMax = 5;  ///< of one rule
inline constexpr size_t kEntryBytesMax = 256 * 1024;
inline constexpr int kPageReadMax = 400;  ///< documents at a time; above kRulesMax

Key BusKey(const Call& call, std::string_view bus);
Key RuleKey(const Call& call, std::string_view bus, std::string_view rule);
std::string BusArn(const Call& call, std::string_view bus);
std::string RuleArn(const Call& call, const Json& rule);
/// A name or an ARN of a bus -> its name; "" is "default".
std::string BusName(std::string_view text);
/// ResourceNotFoundException unless it is there; the default one always is.
Task<> CheckBus(Call& call, std::string bus);
Task<Document> FindRule(Call& call, std::string bus, std::string rule);
/// All rules of a bus.
Task<std::vector<Document>> ReadRules(Call& call, std::string bus);
bool IsEnabled(const Json& rule);

/// Starts or stops the wait for the next firing, as the rule's schedule and state say. `before`:
/// the rule as it was. Returns the rule with its tick.
Json Reschedule(Call& call, const Json& before, Json rule);

Task<Json> PutRule(Call& call);
Task<Json> DescribeRule(Call& call);
Task<Json> ListRules(Call& call);
Task<Json> DeleteRule(Call& call);
Task<Json> EnableRule(Call& call);
Task<Json> DisableRule(Call& call);
Task<Json> TagResource(Call& call);
Task<Json> UntagResource(Call& call);
Task<Json> ListTagsForResource(Call& call);
Task<Json> PutTargets(Call& call);
Task<Json> RemoveTargets(Call& call);
Task<Json> ListTargetsByRule(Call& call);
Task<Json> ListRuleNamesByTarget(Call& call);
Task<Json> CreateEventBus(Call& call);
Task<Json> DeleteEventBus(Call& call);
Task<Json> DescribeEventBus(Call& call);
Task<Json> ListEventBuses(Call& call);
Task<Json> PutEvents(Call& call);
Task<Json> TestEventPattern(Call& call);
/// Internal: {"rule", "event"}, an event of the default bus that the engine found the rule's.
Task<Json> MatchRule(Call& call);
/// Internal: a schedule's time has come.
Task<Json> FireSchedule(Call& call);
/// Internal: an event that a target forwards to a bus.
Task<Json> ReceiveEvent(Call& call);

}  // namespace stepmill::events
