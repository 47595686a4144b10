#include "service/events/rules.h"

#include "base/strings.h"
#include "engine/engine.h"
#include "json/each.h"
#include "lang/cron/cron.h"
#include "lang/pattern/pattern.h"
#include "service/events/delivery.h"
#include "service/events/errors.h"
#include "service/ports.h"

namespace stepmill::events {

Key BusKey(const Call& call, std::string_view bus) { return call.KeyFor({"events", "bus", bus}); }
Key RuleKey(const Call& call, std::string_view bus, std::string_view rule) {
  return call.KeyFor({"events", "rule", bus, rule});
}
std::string BusArn(const Call& call, std::string_view bus) {
  return call.Arn("events", "event-bus/" + std::string(bus));
}
std::string RuleArn(const Call& call, const Json& rule) {
  const std::string bus = rule.StringOr("bus", "default");
  return call.Arn("events",
                  "rule/" + (bus == "default" ? "" : bus + "/") + rule.StringOr("name", ""));
}

std::string BusName(std::string_view text) {
  constexpr std::string_view kMark = ":event-bus/";
  if (const size_t at = text.find(kMark); at != std::string_view::npos)
    text.remove_prefix(at + kMark.size());
  return text.empty() ? "default" : std::string(text);
}

Task<> CheckBus(Call& call, std::string bus) {
  if (bus == "default") co_return Result<>();
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(BusKey(call, bus)));
  if (!found) co_return NoSuchBus(bus);
  co_return Result<>();
}

Task<Document> FindRule(Call& call, std::string bus, std::string rule) {
  MILL_CO_CHECK(co_await CheckBus(call, bus));
  MILL_CO_TRY(auto found, co_await call.ports.store.Get(RuleKey(call, bus, rule)));
  if (!found) co_return NoSuchRule(rule, bus);
  co_return *std::move(found);
}

Task<std::vector<Document>> ReadRules(Call& call, std::string bus) {
  const Key prefix = call.KeyFor({"events", "rule", bus}) + "/";
  co_return co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward,
                                            kPageReadMax);
}

bool IsEnabled(const Json& rule) { return rule.StringOr("state", "") != "DISABLED"; }

Json Reschedule(Call& call, const Json& before, Json rule) {
  const std::string schedule = rule.StringOr("schedule", "");
  const bool was_running = before.Has("tick");
  const bool is_wanted = !schedule.empty() && IsEnabled(rule);
  const bool is_same = schedule == before.StringOr("schedule", "");
  if (was_running && is_wanted && is_same) return rule;
  if (was_running) {
    call.ports.engine.Post(call.batch, before.StringOr("tick", ""), "stop", Json::Object{});
    rule = rule.Without("tick");
  }
  if (!is_wanted) return rule;
  // A rate counts from the moment at which it was set.
  if (!is_same || !rule.Has("scheduleStart"))
    rule = rule.With("scheduleStart", MillisSinceEpoch(call.now));
  const auto parsed = cron::Parse(schedule);
  const Time start = TimeFromMillis(rule.IntOr("scheduleStart", 0));
  const auto next = parsed ? cron::Next(*parsed, call.now, start) : std::nullopt;
  if (!next) return rule;  // never again
  const std::string tick = "events-tick/" + call.ports.random.NewUuid();
  call.ports.engine.Start(call.batch, tick, kTickMachine,
                          Json::Object{{"at", MillisSinceEpoch(*next)},
                                       {"rule", rule["name"]},
                                       {"bus", rule["bus"]},
                                       {"account", call.account},
                                       {"region", call.region}});
  return rule.With("tick", tick);
}

namespace {

Json Print(const Call& call, const Json& rule) {
  Json::Object shown{{"Name", rule["name"]}, {"Arn", RuleArn(call, rule)}};
  shown.SetIf("EventPattern", rule.Find("pattern"));
  shown.SetIf("ScheduleExpression", rule.Find("schedule"));
  shown.Add("State", rule["state"]);
  shown.SetIf("Description", rule.Find("description"));
  shown.SetIf("RoleArn", rule.Find("roleArn"));
  shown.Add("EventBusName", rule["bus"]);
  return shown;
}

Json TagsOf(Json tags, const Json& list) {
  for (const Json& tag : ItemsOf(list)) tags = tags.With(tag.StringOr("Key", ""), tag["Value"]);
  return tags;
}

/// A rule of the default bus with a pattern is a durable subscription of the engine, so that an
/// event without a match costs no call.
void Listen(Call& call, const Json& rule) {
  const std::string bus = rule.StringOr("bus", ""), name = rule.StringOr("name", "");
  if (bus != "default") return;
  const Key id = RuleKey(call, bus, name);
  const auto pattern = ParseJson(rule.StringOr("pattern", ""));
  if (pattern && IsEnabled(rule)) {
    call.ports.engine.Subscribe(call.batch, id, *pattern, "events of events",
                                Json::Object{{"operation", "MatchRule"}, {"rule", name}});
  } else {
    call.ports.engine.Unsubscribe(call.batch, id);
  }
}

Task<Json> SetState(Call& call, std::string state) {
  const std::string bus = BusName(call.input.StringOr("EventBusName", ""));
  MILL_CO_TRY(const Document rule, co_await FindRule(call, bus, call.input.StringOr("Name", "")));
  Json changed = Reschedule(call, rule.body, rule.body.With("state", state));
  Listen(call, changed);
  call.batch.Replace(rule, std::move(changed));
  co_return Json(Json::Object{});
}

/// The document whose tags are meant: a rule's or a bus's.
Task<Document> FindTagged(Call& call) {
  const std::string arn = call.input.StringOr("ResourceARN", "");
  const size_t bus_at = arn.find(":event-bus/");
  const size_t rule_at = arn.find(":rule/");
  if (bus_at != std::string::npos) {
    const std::string bus = BusName(arn);
    MILL_CO_TRY(auto found, co_await call.ports.store.Get(BusKey(call, bus)));
    if (!found) co_return NoSuchBus(bus);
    co_return *std::move(found);
  }
  if (rule_at == std::string::npos) co_return Invalid("Parameter ResourceARN is not valid.");
  const std::string path = arn.substr(rule_at + 6);
  const size_t slash = path.rfind('/');
  const std::string bus = slash == std::string::npos ? "default" : path.substr(0, slash);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  co_return co_await FindRule(call, bus, name);
}

}  // namespace

Task<Json> PutRule(Call& call) {
  const Json& input = call.input;
  const std::string name = input.StringOr("Name", "");
  const std::string bus = BusName(input.StringOr("EventBusName", ""));
  const std::string pattern = input.StringOr("EventPattern", "");
  const std::string schedule = input.StringOr("ScheduleExpression", "");
  MILL_CO_CHECK(co_await CheckBus(call, bus));
  if (pattern.empty() && schedule.empty())
    co_return Invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.");
  if (!schedule.empty()) {
    if (bus != "default")
      co_return Invalid("ScheduleExpression is supported only on the default event bus.");
    MILL_CO_CHECK(cron::Parse(schedule));
  }
  if (!pattern.empty()) MILL_CO_CHECK(pattern::Compile(pattern));
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(RuleKey(call, bus, name)));
  if (!found) {
    MILL_CO_TRY(const auto all, co_await ReadRules(call, bus));
    if (all.size() >= kRulesMax) co_return LimitExceeded();
  }
  const Json before = found ? found->body : Json();
  Json::Object rule{{"name", name}, {"bus", bus}};
  if (!pattern.empty()) rule.Add("pattern", pattern);
  if (!schedule.empty()) rule.Add("schedule", schedule);
  rule.Add("state", input.StringOr("State", "ENABLED"));
  rule.SetIf("description", input.Find("Description"));
  rule.SetIf("roleArn", input.Find("RoleArn"));
  rule.Add("tags", found ? before["tags"] : TagsOf(Json::Object{}, input["Tags"]));
  rule.Add("targets", found ? before["targets"] : Json(Json::Array{}));
  rule.SetIf("scheduleStart", before.Find("scheduleStart"));
  rule.SetIf("tick", before.Find("tick"));
  Json body = Reschedule(call, before, Json(std::move(rule)));
  Json answer = Json::Object{{"RuleArn", RuleArn(call, body)}};
  Listen(call, body);
  if (found)
    call.batch.Replace(*found, std::move(body));
  else
    call.batch.Create(RuleKey(call, bus, name), std::move(body));
  co_return answer;
}

Task<Json> DescribeRule(Call& call) {
  const std::string bus = BusName(call.input.StringOr("EventBusName", ""));
  MILL_CO_TRY(const Document rule, co_await FindRule(call, bus, call.input.StringOr("Name", "")));
  co_return Print(call, rule.body).With("CreatedBy", call.account);
}

Task<Json> ListRules(Call& call) {
  const std::string bus = BusName(call.input.StringOr("EventBusName", ""));
  MILL_CO_CHECK(co_await CheckBus(call, bus));
  const std::string prefix = call.input.StringOr("NamePrefix", "");
  const std::string token = call.input.StringOr("NextToken", "");
  const std::string from = Unbase64(token).value_or("");
  if (!token.empty() && from.empty()) co_return Invalid("Invalid nextToken.");
  const auto limit = static_cast<size_t>(call.input.IntOr("Limit", 100));
  MILL_CO_TRY(const auto all, co_await ReadRules(call, bus));
  Json::Array rules;
  for (const Document& rule : all) {
    const std::string name = rule.body.StringOr("name", "");
    if (!name.starts_with(prefix) || rule.key < from) continue;
    if (rules.size() == limit)
      co_return Json::Object{{"Rules", std::move(rules)}, {"NextToken", Base64(rule.key)}};
    rules.push_back(Print(call, rule.body));
  }
  co_return Json::Object{{"Rules", std::move(rules)}};
}

Task<Json> DeleteRule(Call& call) {
  const std::string bus = BusName(call.input.StringOr("EventBusName", ""));
  MILL_CO_CHECK(co_await CheckBus(call, bus));
  const Key key = RuleKey(call, bus, call.input.StringOr("Name", ""));
  MILL_CO_TRY(const auto rule, co_await call.ports.store.Get(key));
  if (!rule) co_return Json(Json::Object{});  // AWS: deleting what is not there succeeds
  if (rule->body["targets"].size() > 0)
    co_return Invalid("Rule can't be deleted since it has targets.");
  const Json stopped = rule->body.With("state", "DISABLED");
  (void)Reschedule(call, rule->body, stopped);  // stops its tick
  Listen(call, stopped);
  call.batch.expects.push_back({rule->key, rule->version});
  call.batch.Delete(rule->key);
  co_return Json(Json::Object{});
}

Task<Json> EnableRule(Call& call) { return SetState(call, "ENABLED"); }
Task<Json> DisableRule(Call& call) { return SetState(call, "DISABLED"); }

Task<Json> TagResource(Call& call) {
  MILL_CO_TRY(const Document found, co_await FindTagged(call));
  call.batch.Replace(found,
                     found.body.With("tags", TagsOf(found.body["tags"], call.input["Tags"])));
  co_return Json(Json::Object{});
}

Task<Json> UntagResource(Call& call) {
  MILL_CO_TRY(const Document found, co_await FindTagged(call));
  Json tags = found.body["tags"];
  for (const Json& key : ItemsOf(call.input["TagKeys"])) tags = tags.Without(key.AsString());
  call.batch.Replace(found, found.body.With("tags", std::move(tags)));
  co_return Json(Json::Object{});
}

Task<Json> ListTagsForResource(Call& call) {
  MILL_CO_TRY(const Document found, co_await FindTagged(call));
  Json::Array tags;
  for (const Json::Member& tag : found.body["tags"].members())
    tags.push_back(Json::Object{{"Key", tag.name}, {"Value", tag.value}});
  co_return Json::Object{{"Tags", std::move(tags)}};
}

}  // namespace stepmill::events
