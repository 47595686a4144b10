#include "base/strings.h"
#include "json/each.h"
#include "lang/pattern/pattern.h"
#include "service/events/delivery.h"
#include "service/events/errors.h"
#include "service/events/rules.h"
#include "service/ports.h"
#include "store/events.h"
#include "task/ports.h"

namespace stepmill::events {

namespace {

struct Refusal {
  std::string code, message;
};

std::optional<Refusal> Refuse(const Json& entry) {
  for (const char* member : {"Source", "DetailType", "Detail"})
    if (entry.StringOr(member, "").empty())
      return Refusal{"InvalidArgument", std::string("Parameter ") + member +
                                            " is not valid. Reason: " + member +
                                            " is a required argument."};
  if (entry.StringOr("Source", "").starts_with("aws."))
    return Refusal{"NotAuthorizedForSourceException", "Not authorized for the source."};
  const auto detail = ParseJson(entry.StringOr("Detail", ""));
  if (!detail || !detail->is_object()) return Refusal{"MalformedDetail", "Detail is malformed."};
  return std::nullopt;
}

size_t SizeOf(const Json& entry) {
  size_t bytes = entry.Has("Time") ? 14 : 0;
  for (const char* member : {"Source", "DetailType", "Detail"})
    bytes += entry.StringOr(member, "").size();
  for (const Json& resource : ItemsOf(entry["Resources"])) bytes += resource.AsString().size();
  return bytes;
}

Json EventOf(Call& call, const Json& entry) {
  Json::Array resources =
      entry["Resources"].is_array() ? entry["Resources"].items() : Json::Array{};
  Json event =
      MakeEvent(entry.StringOr("Source", ""), entry.StringOr("DetailType", ""), call.account,
                call.region, std::move(resources), *ParseJson(entry.StringOr("Detail", "")));
  const Time at = entry["Time"].is_number() ? TimeFromSeconds(entry["Time"].AsDouble()) : call.now;
  return event.With("id", call.ports.random.NewUuid()).With("time", FormatIso(at, false));
}

/// The default bus is the engine's; others are ours alone.
Task<> Send(Call& call, std::string bus, Json event) {
  if (bus != "default") co_return co_await Dispatch(call, bus, event);
  call.batch.events.push_back(std::move(event));
  co_return Result<>();
}

}  // namespace

Task<Json> PutEvents(Call& call) {
  if (call.input.Has("EndpointId")) co_return NotBuilt("the member EndpointId");
  const Json::Array entries = call.input["Entries"].items();
  size_t bytes = 0;
  for (const Json& entry : entries) {
    bytes += SizeOf(entry);
    MILL_CO_CHECK(co_await CheckBus(call, BusName(entry.StringOr("EventBusName", ""))));
  }
  if (bytes > kEntryBytesMax)
    co_return Invalid("Total size of the entries in the request is over the limit.");
  Json::Array results;
  int64_t failed_count = 0;
  for (const Json& entry : entries) {
    if (const auto refusal = Refuse(entry)) {
      ++failed_count;
      results.push_back(
          Json::Object{{"ErrorCode", refusal->code}, {"ErrorMessage", refusal->message}});
      continue;
    }
    const Json event = EventOf(call, entry);
    results.push_back(Json::Object{{"EventId", event["id"]}});
    MILL_CO_CHECK(co_await Send(call, BusName(entry.StringOr("EventBusName", "")), event));
  }
  co_return Json::Object{{"FailedEntryCount", failed_count}, {"Entries", std::move(results)}};
}

Task<Json> TestEventPattern(Call& call) {
  MILL_CO_TRY(const auto pattern, pattern::Compile(call.input.StringOr("EventPattern", "")));
  const auto event = ParseJson(call.input.StringOr("Event", ""));
  if (!event || !event->is_object()) co_return Invalid("Parameter Event is not valid.");
  for (const char* member :
       {"id", "account", "source", "time", "region", "resources", "detail-type"})
    if (!event->Has(member))
      co_return Invalid("Parameter Event is not valid. Reason: it has no member " +
                        std::string(member) + ".");
  co_return Json::Object{{"Result", pattern.Matches(*event)}};
}

Task<Json> MatchRule(Call& call) {
  const Key key = RuleKey(call, "default", call.input.StringOr("rule", ""));
  MILL_CO_TRY(const auto rule, co_await call.ports.store.Get(key));
  if (rule) Offer(call, rule->body, call.input["event"]);  // it may have changed since
  co_return Json(Json::Object{});
}

Task<Json> ReceiveEvent(Call& call) {
  const std::string bus = BusName(call.input.StringOr("bus", ""));
  MILL_CO_CHECK(co_await CheckBus(call, bus));
  MILL_CO_CHECK(co_await Send(call, bus, call.input["event"]));
  co_return Json(Json::Object{});
}

}  // namespace stepmill::events
