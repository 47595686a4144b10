#include "base/strings.h"
#include "json/each.h"
#include "service/events/errors.h"
#include "service/events/rules.h"
#include "service/ports.h"

namespace stepmill::events {

namespace {

Json Print(const Call& call, const Json& bus) {
  const std::string name = bus.StringOr("name", "default");
  Json::Object shown{{"Name", name}, {"Arn", BusArn(call, name)}};
  shown.SetIf("Description", bus.Find("description"));
  if (bus.Has("created")) {
    const double created = SecondsSinceEpoch(TimeFromMillis(bus.IntOr("created", 0)));
    shown.Add("CreationTime", created);
    shown.Add("LastModifiedTime", created);
  }
  return shown;
}

}  // namespace

Task<Json> CreateEventBus(Call& call) {
  const std::string name = call.input.StringOr("Name", "");
  for (const char* member :
       {"EventSourceName", "KmsKeyIdentifier", "DeadLetterConfig", "LogConfig"})
    if (call.input.Has(member)) co_return NotBuilt(std::string("the member ") + member);
  if (name.find('/') != std::string::npos)
    co_return Invalid("Event bus name must not contain '/'.");
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(BusKey(call, name)));
  if (found || name == "default") co_return BusExists(name);
  Json tags = Json::Object{};
  for (const Json& tag : ItemsOf(call.input["Tags"]))
    tags = tags.With(tag.StringOr("Key", ""), tag["Value"]);
  Json::Object bus{{"name", name}, {"created", MillisSinceEpoch(call.now)}, {"tags", tags}};
  bus.SetIf("description", call.input.Find("Description"));
  call.batch.Create(BusKey(call, name), std::move(bus));
  Json::Object answer{{"EventBusArn", BusArn(call, name)}};
  answer.SetIf("Description", call.input.Find("Description"));
  co_return Json(std::move(answer));
}

Task<Json> DeleteEventBus(Call& call) {
  const std::string name = BusName(call.input.StringOr("Name", ""));
  if (name == "default") co_return Invalid("Cannot delete event bus default.");
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(BusKey(call, name)));
  if (!found) co_return Json(Json::Object{});  // AWS: deleting what is not there succeeds
  MILL_CO_TRY(const auto rules, co_await ReadRules(call, name));
  if (!rules.empty()) co_return Invalid("Event bus can't be deleted since it has rules.");
  call.batch.expects.push_back({found->key, found->version});
  call.batch.Delete(found->key);
  co_return Json(Json::Object{});
}

Task<Json> DescribeEventBus(Call& call) {
  const std::string name = BusName(call.input.StringOr("Name", ""));
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(BusKey(call, name)));
  if (!found && name != "default") co_return NoSuchBus(name);
  co_return Print(call, found ? found->body : Json());
}

Task<Json> ListEventBuses(Call& call) {
  const std::string prefix = call.input.StringOr("NamePrefix", "");
  const std::string token = call.input.StringOr("NextToken", "");
  const Key all = BusKey(call, prefix);
  Key from = all;
  if (!token.empty()) {
    from = Unbase64(token).value_or("");
    if (!from.starts_with(all)) co_return Invalid("Invalid nextToken.");
  }
  const int limit = static_cast<int>(call.input.IntOr("Limit", 100));
  MILL_CO_TRY(auto found, co_await call.ports.store.Range(from, PrefixEnd(all), Direction::kForward,
                                                          limit + 1));
  Json::Object answer;
  if (found.size() > static_cast<size_t>(limit)) {
    answer.Add("NextToken", Base64(found.back().key));
    found.pop_back();
  }
  Json::Array buses;
  if (token.empty() && std::string_view("default").starts_with(prefix))
    buses.push_back(Print(call, Json()));
  for (const Document& bus : found) buses.push_back(Print(call, bus.body));
  answer.Add("EventBuses", std::move(buses));
  co_return Json(std::move(answer));
}

}  // namespace stepmill::events
