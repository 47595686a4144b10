#include "service/states/aliases.h"

#include <set>

#include "base/strings.h"
#include "service/ports.h"
#include "service/states/documents.h"
#include "service/states/errors.h"

namespace stepmill::states {
namespace {

constexpr int kAliasesMax = 100;  // of one machine; Step Functions: "Quotas"

/// The model's pattern looks ahead, which the checker of constraints does not.
Result<> CheckAliasName(const std::string& name) {
  bool has_other_than_digits = false;
  bool is_right = !name.empty();
  for (const char c : name) {
    const bool is_mark = c == '_' || c == '-' || c == '.';
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    is_right = is_right && (is_mark || is_letter || (c >= '0' && c <= '9'));
    has_other_than_digits = has_other_than_digits || is_mark || is_letter;
  }
  if (is_right && has_other_than_digits) return {};
  return Validation("1 validation error detected: Value '" + name +
                    "' at 'name' failed to satisfy constraint: Member must satisfy regular "
                    "expression pattern: ^(?=.*[a-zA-Z_\\-\\.])[a-zA-Z0-9_\\-\\.]+$");
}

template <class Print>
std::string ListOf(const Json& routes, Print print) {
  std::string out = "[";
  for (const Json& route : routes.items()) out += (out.size() == 1 ? "" : ", ") + print(route);
  return out + "]";
}

std::string ArnOf(const Json& route) { return route.StringOr("stateMachineVersionArn", ""); }

/// The name of the machine whose versions they are.
Task<std::string> CheckRouting(Call& call, Json routes) {
  std::set<std::string> distinct;
  int64_t sum = 0;
  for (const Json& route : routes.items()) {
    distinct.insert(ArnOf(route));
    sum += route.IntOr("weight", 0);
  }
  if (distinct.size() != routes.size())
    co_return Validation(
        "Routing configuration must contain distinct state machine version "
        "ARNs. Received: " +
            ListOf(routes, ArnOf),
        "INVALID_ROUTING_CONFIGURATION");
  if (sum != 100)
    co_return Validation(
        "Sum of routing configuration weights must equal 100. Received: " +
            ListOf(routes,
                   [](const Json& route) { return std::to_string(route.IntOr("weight", 0)); }),
        "INVALID_ROUTING_CONFIGURATION");
  std::string machine;
  for (const Json& route : routes.items()) {
    const std::string arn = ArnOf(route);
    MILL_CO_TRY(const StatesArn parsed, ParseArnOf("stateMachine", arn));
    std::optional<Document> version;
    if (IsVersionNumber(parsed.rest) && IsHere(call, parsed)) {
      const Key key = VersionKey(call, parsed.name, ParseInt(parsed.rest).value_or(0));
      MILL_CO_TRY(version, co_await call.ports.store.Get(key));
    }
    if (!version)
      co_return Validation(
          "Routing configuration must contain state machine version ARNs. "
          "Received: " +
              ListOf(routes, ArnOf),
          "INVALID_ROUTING_CONFIGURATION");
    // It must still be there when the alias is.
    call.batch.expects.push_back({version->key, version->version});
    if (!machine.empty() && machine != parsed.name)
      co_return Validation(
          "Routing configuration must contain versions of one state machine. "
          "Received: " +
              ListOf(routes, ArnOf),
          "INVALID_ROUTING_CONFIGURATION");
    machine = parsed.name;
  }
  co_return machine;
}

/// nullopt: no such alias.
Task<std::optional<Document>> FindAlias(Call& call, std::string arn) {
  MILL_CO_TRY(const StatesArn parsed, ParseArnOf("stateMachine", arn));
  if (parsed.rest.empty() || IsVersionNumber(parsed.rest)) co_return InvalidArnPrefix(arn);
  if (!IsHere(call, parsed)) co_return std::optional<Document>();
  co_return co_await call.ports.store.Get(AliasKey(call, parsed.name, parsed.rest));
}

}  // namespace

Task<Json> CreateStateMachineAlias(Call& call) {
  const std::string name = call.input.StringOr("name", "");
  MILL_CO_CHECK(CheckAliasName(name));
  const Json routes = call.input["routingConfiguration"];
  MILL_CO_TRY(const std::string machine, co_await CheckRouting(call, routes));
  const std::string arn = MachineArn(call, machine) + ":" + name;
  const Key key = AliasKey(call, machine, name);
  MILL_CO_TRY(const auto existing, co_await call.ports.store.Get(key));
  const std::string description = call.input.StringOr("description", "");
  if (existing) {
    const bool is_same = existing->body["routingConfiguration"] == routes &&
                         existing->body.StringOr("description", "") == description;
    if (!is_same)
      co_return Conflict(
          "Failed to create alias because an alias with the same name and a different routing "
          "configuration already exists.");
    co_return Json::Object{{"stateMachineAliasArn", arn},
                           {"creationDate", SecondsOf(existing->body["createdAt"])}};
  }
  const Key prefix = AliasPrefix(call, machine);
  const Key end = PrefixEnd(prefix);
  MILL_CO_TRY(const auto others,
              co_await call.ports.store.Range(prefix, end, Direction::kForward, kAliasesMax));
  if (static_cast<int>(others.size()) == kAliasesMax)
    co_return QuotaExceeded("The maximum number of aliases of a state machine (" +
                            std::to_string(kAliasesMax) + ") is reached: " + machine);
  const int64_t now = MillisSinceEpoch(call.Now());
  Json::Object alias{{"stateMachineAliasArn", arn},
                     {"name", name},
                     {"routingConfiguration", routes},
                     {"createdAt", now},
                     {"updatedAt", now}};
  alias.SetIf("description", call.input.Find("description"));
  call.batch.Create(key, std::move(alias));
  co_return Json::Object{{"stateMachineAliasArn", arn}, {"creationDate", SecondsOf(now)}};
}

Task<Json> UpdateStateMachineAlias(Call& call) {
  const std::string arn = call.input.StringOr("stateMachineAliasArn", "");
  const Json* routes = call.input.Find("routingConfiguration");
  const Json* description = call.input.Find("description");
  if (!routes && !description)
    co_return Validation("Either the description or the RoutingConfiguration must be specified",
                         "MISSING_REQUIRED_PARAMETER");
  std::string machine;
  if (routes) {
    const Json wanted = *routes;
    MILL_CO_TRY(machine, co_await CheckRouting(call, wanted));
  }
  MILL_CO_TRY(const auto alias, co_await FindAlias(call, arn));
  if (!alias) co_return ReferencedNotFound();
  MILL_CO_TRY(const StatesArn parsed, ParseArn(arn));
  if (routes && machine != parsed.name)
    co_return Validation(
        "Routing configuration must contain versions of one state machine. "
        "Received: " +
            ListOf(*routes, ArnOf),
        "INVALID_ROUTING_CONFIGURATION");
  const int64_t now = MillisSinceEpoch(call.Now());
  Json changed = alias->body.With("updatedAt", now);
  if (routes) changed = changed.With("routingConfiguration", *routes);
  if (description) changed = changed.With("description", *description);
  call.batch.Replace(*alias, changed);
  co_return Json::Object{{"updateDate", SecondsOf(now)}};
}

Task<Json> DescribeStateMachineAlias(Call& call) {
  const std::string arn = call.input.StringOr("stateMachineAliasArn", "");
  MILL_CO_TRY(const auto alias, co_await FindAlias(call, arn));
  if (!alias) co_return ReferencedNotFound();
  Json::Object out;
  for (const char* member : {"stateMachineAliasArn", "name", "description", "routingConfiguration"})
    out.SetIf(member, alias->body.Find(member));
  out.Set("creationDate", SecondsOf(alias->body["createdAt"]));
  out.Set("updateDate", SecondsOf(alias->body["updatedAt"]));
  co_return out;
}

Task<Json> DeleteStateMachineAlias(Call& call) {
  const std::string arn = call.input.StringOr("stateMachineAliasArn", "");
  MILL_CO_TRY(const auto alias, co_await FindAlias(call, arn));
  if (alias) call.batch.Delete(alias->key);
  co_return Json::Object{};
}

Task<Json> ListStateMachineAliases(Call& call) {
  const std::string arn = call.input.StringOr("stateMachineArn", "");
  MILL_CO_TRY(const MachineTarget target, co_await RequireTarget(call, arn, false));
  const std::string machine = target.machine.StringOr("name", "");
  const Key prefix = AliasPrefix(call, machine);
  MILL_CO_TRY(const Page page, co_await ReadPage(call, prefix, Direction::kForward));
  Json::Array list;
  for (const Document& alias : page.documents) {
    bool is_wanted = target.version_arn.empty();
    for (const Json& route : alias.body["routingConfiguration"].items())
      is_wanted = is_wanted || ArnOf(route) == target.version_arn;
    if (is_wanted)
      list.push_back(Json::Object{{"stateMachineAliasArn", alias.body["stateMachineAliasArn"]},
                                  {"creationDate", SecondsOf(alias.body["createdAt"])}});
  }
  Json::Object out{{"stateMachineAliases", Json(std::move(list))}};
  if (page.next_token) out.Set("nextToken", *page.next_token);
  co_return out;
}

}  // namespace stepmill::states
