#include "service/lambda/async_machine.h"

#include <algorithm>

#include "service/lambda/limits.h"

namespace stepmill::lambda {

namespace {

constexpr Seconds kThrottleDelayMax{300};

class Machine {
 public:
  Machine(const Json& state, const Event& event) : state_(state), event_(event) {}

  Step Run() {
    if (event_.kind == "start") {
      state_ = event_.data.With("attempt", 0).With("failures", 0);
      Invoke();
    }
    if (event_.kind == "timer") Invoke();
    if (event_.kind == "effect" && event_.data.StringOr("tag", "") == "tell")
      turn_.is_finished = true;  // also when it could not be told: the log has it
    if (event_.kind == "effect" && event_.data.StringOr("tag", "") == Tag()) OnInvoked();
    return {state_, std::move(turn_)};
  }

 private:
  std::string Tag() const { return "invoke:" + std::to_string(state_.IntOr("attempt", 0)); }

  void Invoke() {
    state_ = state_.With("attempt", state_.IntOr("attempt", 0) + 1);
    turn_.effects.push_back({Tag(), "lambda.event.invoke", state_.Without("last")});
  }

  void OnInvoked() {
    const Json* error = event_.data.Find("error");
    if (error) return OnRefused(*error);
    const Json& output = event_.data["output"];
    state_ = state_.With("last", output);
    if (output.StringOr("error", "").empty()) return Tell("Success", output["onSuccess"]);
    const int64_t failures = state_.IntOr("failures", 0) + 1;
    state_ = state_.With("failures", failures);
    if (failures > output.IntOr("retries", kRetriesDefault))
      return Tell("RetriesExhausted", output["onFailure"]);
    if (!Again(std::chrono::minutes(failures), output))
      Tell("EventAgeExceeded", output["onFailure"]);
  }

  /// The invocation itself was refused: throttled, or the function is gone.
  void OnRefused(const Json& error) {
    const std::string name = error.StringOr("name", "");
    const bool passes = name == "TooManyRequestsException" || name == "ServiceException";
    const int64_t attempt = state_.IntOr("attempt", 1);
    const Seconds delay =
        std::min(Seconds(int64_t{1} << std::min<int64_t>(attempt - 1, 10)), kThrottleDelayMax);
    if (passes && Again(delay, state_["last"])) return;
    turn_.is_finished = true;
  }

  /// False: the event would be too old by then.
  bool Again(Seconds delay, const Json& settings) {
    const Time at = event_.at + delay;
    const int64_t age_ms = MillisSinceEpoch(at) - state_.IntOr("at", 0);
    if (age_ms > settings.IntOr("maxAge", kEventAgeSecondsDefault) * 1000) return false;
    turn_.timers.push_back({"again", at});
    return true;
  }

  void Tell(const char* condition, const Json& destination) {
    const Json& last = state_["last"];
    const bool is_good = last.StringOr("error", "").empty();
    const std::string letters = is_good ? "" : last.StringOr("deadLetters", "");
    if (!destination.is_string() && letters.empty()) {
      turn_.is_finished = true;
      return;
    }
    turn_.effects.push_back({"tell", "lambda.event.tell",
                             state_.With("condition", condition)
                                 .With("destination", destination)
                                 .With("deadLetters", letters)});
  }

  Json state_;
  const Event& event_;
  Turn turn_;
};

}  // namespace

Step AdvanceEvent(const std::string& /*instance_id*/, const Json& state, const Event& event) {
  return Machine(state, event).Run();
}

std::string EventInstance(const std::string& account, const std::string& region,
                          const std::string& request_id) {
  return "lambda/" + account + "/" + region + "/event/" + request_id;
}

}  // namespace stepmill::lambda
