#pragma once

#include <string>

#include "engine/engine.h"

/// An asynchronous invocation, from the 202 to its end.
/// AWS: "How Lambda handles errors and retries with asynchronous invocation": a function's error is
/// tried again after one minute and after two, what is throttled until the event is too old.
///
/// start data: {"account", "region", "name", "qualifier", "requestId", "payload", "clientContext",
/// "at": milliseconds}. The effect "invoke:N" (lambda.event.invoke) answers {"payload", "error",
/// "version", "arn", "retries", "maxAge": seconds, "onSuccess", "onFailure", "deadLetters"}; "tell"
/// (lambda.event.tell) hands on what became of it. Deterministic; no I/O.
namespace stepmill::lambda {

inline constexpr char kEventMachine[] = "lambda-event";

Step AdvanceEvent(const std::string& instance_id, const Json& state, const Event& event);

/// "lambda/ACCOUNT/REGION/event/REQUEST"
std::string EventInstance(const std::string& account, const std::string& region,
                          const std::string& request_id);

}  // namespace stepmill::lambda
