#include "app/wiring.h"

#include "service/ports.h"

namespace stepmill {

namespace {

constexpr std::string_view kStacks = "/cloudformation/";      // of documents and streams of events
constexpr std::string_view kFunctions = "/lambda/function/";  // variables may hold secrets
constexpr std::string_view kVersions = "/lambda/version/";
constexpr std::string_view kStackOperations = "cfn/";  // instances

/// The pattern of every static subscription is checked at start; a wrong one is a bug.
Json PatternOf(const EventRow& row) {
  auto pattern = ParseJson(row.pattern);
  MILL_ASSERT(pattern.has_value());
  return *std::move(pattern);
}

/// The performer "door": an effect's or a subscriber's call.
Task<Json> AskDoor(Door& door, Engine::Performance performance) {
  const Json& what = performance.what;
  Request request;
  request.service = what.StringOr("service", "");
  request.operation = what.StringOr("operation", "");
  request.account = what.StringOr("account", "");
  request.region = what.StringOr("region", "");
  request.input = what["input"];
  request.is_internal = what.BoolOr("internal", false);
  request.effect_id = performance.effect_id;
  request.source_ip = "stepmill";
  MILL_CO_TRY(request.principal, PrincipalFromJson(what["principal"]));
  MILL_CO_TRY(Answer answer, co_await door.Ask(std::move(request)));
  co_return answer.output;
}

/// The performer of an EventRow: hands the event to the service's own internal operation.
Task<Json> HandEvent(Door& door, const Service& service, Engine::Performance performance) {
  const Json& event = performance.what["event"];
  Request request;
  request.service = service.name;
  request.operation = performance.what.StringOr("operation", "");
  request.account = event.StringOr("account", "");
  request.region = event.StringOr("region", "");
  request.principal = ServicePrincipal(service.host, request.account);
  request.input = performance.what.Without("operation");  // the event, and what its row adds
  request.is_internal = true;
  request.effect_id = performance.effect_id;
  request.source_ip = service.host;
  MILL_CO_TRY(Answer answer, co_await door.Ask(std::move(request)));
  co_return answer.output;
}

}  // namespace

void WireServices(Ports& ports, const std::vector<const Service*>& services) {
  Door& door = ports.door;
  Engine& engine = ports.engine;
  engine.AddPerformer("door", [&door](Engine::Performance performance) {
    return AskDoor(door, std::move(performance));
  });
  for (const Service* service : services) {
    door.Add(*service);
    const std::string performer = "events of " + std::string(service->name);
    engine.AddPerformer(performer, [&door, service](Engine::Performance performance) {
      return HandEvent(door, *service, std::move(performance));
    });
    for (const EventRow& row : service->events)
      engine.AddSubscriber(std::string(service->name) + "." + std::string(row.operation),
                           PatternOf(row), performer, Json::Object{{"operation", row.operation}});
  }
  for (const Service* service : services)
    if (service->wire_up) service->wire_up(ports);
}

bool IsKeptSealed(std::string_view place, const Json& body) {
  if (place.find(kStacks) != place.npos) return true;
  if (place.find(kFunctions) != place.npos || place.find(kVersions) != place.npos) return true;
  if (place.size() > 2 && place.substr(2).starts_with(kStackOperations)) return true;  // i/, f/, t/
  if (body.StringOr("instance", "").starts_with(kStackOperations)) return true;
  return body["d"]["output"].BoolOr("isSecret", false);
}

}  // namespace stepmill
