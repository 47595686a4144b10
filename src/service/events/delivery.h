#pragma once

#include <string>
#include <string_view>

#include "engine/engine.h"
#include "gate/operation.h"

/// What becomes of an event that a rule took: each target gets it by an instance of its own, which
/// tries again as the target's RetryPolicy says.
namespace stepmill::events {

inline constexpr std::string_view kDeliveryMachine = "events-delivery";
inline constexpr std::string_view kTickMachine = "events-tick";
inline constexpr std::string_view kDeliverer = "events-deliver";

/// Where a target's ARN leads.
struct TargetKind {
  std::string_view service;    ///< as the ARN names it
  std::string_view operation;  ///< that is asked for; empty: not built
  bool needs_role = false;
};
/// kInvalid text is no ARN of a target.
Result<TargetKind> KindOfTarget(std::string_view arn);

/// The placeholders and the template of an InputTransformer are sound. ValidationException.
Result<> CheckTransformer(const Json& target);
/// The text that a target gets: Input, InputPath, InputTransformer or the whole event.
std::string ShapeInput(const Json& target, const Json& event, std::string_view rule_name,
                       std::string_view rule_arn, Time now);

/// Starts the deliveries of one event to all targets of a rule.
void Deliver(Call& call, const Json& rule, const Json& event);
/// The rule gets the event when it is enabled and its pattern matches.
void Offer(Call& call, const Json& rule, const Json& event);
/// The rules of a bus that match get the event.
Task<> Dispatch(Call& call, std::string bus, Json event);

Step AdvanceDelivery(const std::string& instance_id, const Json& state, const Event& event);
Step AdvanceTick(const std::string& instance_id, const Json& state, const Event& event);
/// The performer of a delivery: one call of the target as its role.
Task<Json> PerformDelivery(Ports& ports, Engine::Performance performance);

}  // namespace stepmill::events
