#include "service/sweep.h"

#include "gate/door.h"
#include "gate/principal.h"
#include "service/ports.h"

namespace stepmill {

namespace {

constexpr Seconds kAgain{10};
constexpr int kDocumentsMax = 500;  // of one transaction

Step Sweep(const Json& state) {
  const int64_t round = state.IntOr("round", 0) + 1;
  const std::string account = state.StringOr("account", "");
  const std::string service = state.StringOr("service", "");
  Step step;
  step.state = state.With("round", round);
  step.turn.effects.push_back(
      {"sweep-" + std::to_string(round), "door",
       DoorCall(service, state.StringOr("row", ""), Json::Object{{"prefixes", state["prefixes"]}},
                ServicePrincipal(service + ".amazonaws.com", account), account,
                state.StringOr("region", ""), true)});
  return step;
}

}  // namespace

void StartSweep(Call& call, std::string_view service, std::string_view row,
                std::string_view machine, const std::string& id, const std::vector<Key>& prefixes) {
  Json::Array keys;
  for (const Key& prefix : prefixes) keys.push_back(Json(prefix));
  call.ports.engine.Start(call.batch, std::string(machine) + "/" + id, machine,
                          Json::Object{{"service", service},
                                       {"row", row},
                                       {"prefixes", std::move(keys)},
                                       {"account", call.account},
                                       {"region", call.region}});
}

Step AdvanceSweep(const std::string&, const Json& state, const Event& event) {
  if (event.kind == "start") return Sweep(event.data);
  if (event.kind == "timer") return Sweep(state);
  Step step;
  step.state = state;
  if (event.kind == "effect" && event.data.Has("error")) {
    step.turn.timers.push_back({"again", event.at + kAgain});
    return step;
  }
  if (event.kind == "effect" && !event.data["output"].BoolOr("isDone", true)) return Sweep(state);
  step.turn.is_finished = true;
  return step;
}

Task<Json> SweepLeftovers(Call& call) {
  int left = kDocumentsMax;
  const Json::Array prefixes = call.input["prefixes"].items();
  for (const Json& each : prefixes) {
    const Key prefix = each.AsString();
    const Key end = PrefixEnd(prefix);
    MILL_CO_TRY(const auto found,
                co_await call.ports.store.Range(prefix, end, Direction::kForward, left));
    for (const Document& document : found) call.batch.Delete(document.key);
    left -= static_cast<int>(found.size());
    if (left == 0) break;
  }
  co_return Json::Object{{"isDone", left > 0}};
}

}  // namespace stepmill
