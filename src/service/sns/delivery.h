#pragma once

#include <string>
#include <string_view>

#include "engine/engine.h"
#include "service/sns/topics.h"

/// How a message reaches a subscriber: by an instance of the loop each, which tries again. What is
/// to be delivered is durable with the publication; it happens after that.
namespace stepmill::sns {

inline constexpr std::string_view kDeliveryMachine = "sns-delivery";
inline constexpr std::string_view kDeliverer = "sns-deliver";

/// A message as it was published.
struct Message {
  std::string id, text, subject;
  Json texts;       ///< MessageStructure "json": a text for each protocol; else null
  Json attributes;  ///< as given
  std::string group, dedup, sequence;
  Time at;
  std::string TextFor(std::string_view protocol) const;
};

/// Whether a subscription's filter policy lets a message pass.
bool Passes(const Json& subscription, const Message& message);
/// InvalidParameter for a policy that cannot be one.
Result<> CheckFilterPolicy(const std::string& text);
/// What a subscriber gets: the message alone (RawMessageDelivery), or AWS's envelope around it.
std::string Envelope(const Topic& topic, const Json& subscription, const Message& message);
/// SendMessage's input for a subscribed queue.
Json QueueInput(const Topic& topic, const Json& subscription, const Message& message);

/// Starts the delivery of a message to one subscriber.
void Deliver(Call& call, const Topic& topic, const Json& subscription, const Message& message);
/// Starts asking an endpoint whether it wants to be subscribed.
void AskToConfirm(Call& call, const Topic& topic, const Json& subscription);

Step AdvanceDelivery(const std::string& instance_id, const Json& state, const Event& event);
Task<Json> PerformDelivery(Ports& ports, Engine::Performance performance);

}  // namespace stepmill::sns
