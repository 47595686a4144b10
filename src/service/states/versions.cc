#include "service/states/versions.h"

#include "base/strings.h"
#include "service/ports.h"
#include "service/states/documents.h"
#include "service/states/errors.h"

namespace stepmill::states {
namespace {

constexpr int kVersionsMax = 1000;  // Step Functions: "Quotas"
constexpr int kAliasesMax = 100;

std::string VersionArn(const Json& machine, int64_t number) {
  return machine.StringOr("stateMachineArn", "") + ":" + std::to_string(number);
}

}  // namespace

Task<Published> Publish(Call& call, Json machine, std::string description) {
  const std::string name = machine.StringOr("name", "");
  Published out;
  out.machine = machine;
  if (const Json* number = machine.Find("version")) {
    const Key key = VersionKey(call, name, number->AsInteger());
    MILL_CO_TRY(const auto known, co_await call.ports.store.Get(key));
    if (known) {
      out.version = known->body;
      co_return out;
    }
  }
  const int64_t number = machine.IntOr("lastVersion", 0) + 1;
  if (number > kVersionsMax) {  // numbers are not reused: count only where it can matter
    const Key prefix = VersionPrefix(call, name);
    const Key end = PrefixEnd(prefix);
    MILL_CO_TRY(const auto versions,
                co_await call.ports.store.Range(prefix, end, Direction::kForward, kVersionsMax));
    if (static_cast<int>(versions.size()) == kVersionsMax)
      co_return QuotaExceeded("The maximum number of versions of a state machine (" +
                              std::to_string(kVersionsMax) + ") is reached: " + name);
  }
  Json::Object version{{"stateMachineVersionArn", VersionArn(machine, number)},
                       {"number", number},
                       {"revision", machine["revision"]},
                       {"createdAt", MillisSinceEpoch(call.Now())}};
  if (!description.empty()) version.Set("description", description);
  out.version = std::move(version);
  call.batch.Create(VersionKey(call, name, number), out.version);
  out.machine = machine.With("version", number).With("lastVersion", number);
  co_return out;
}

Task<Json> PublishStateMachineVersion(Call& call) {
  const std::string arn = call.input.StringOr("stateMachineArn", "");
  MILL_CO_TRY(const Document machine, co_await RequireMachine(call, arn));
  const std::string current = machine.body.StringOr("revisionId", "INITIAL");
  if (const Json* wanted = call.input.Find("revisionId"); wanted && wanted->AsString() != current)
    co_return Conflict("Failed to publish the State Machine version for revision " +
                       wanted->AsString() + ". The current State Machine revision is " + current +
                       ".");
  const std::string description = call.input.StringOr("description", "");
  MILL_CO_TRY(const Published published, co_await Publish(call, machine.body, description));
  if (published.machine != machine.body) call.batch.Replace(machine, published.machine);
  co_return Json::Object{{"creationDate", SecondsOf(published.version["createdAt"])},
                         {"stateMachineVersionArn", published.version["stateMachineVersionArn"]}};
}

Task<Json> ListStateMachineVersions(Call& call) {
  const std::string arn = call.input.StringOr("stateMachineArn", "");
  MILL_CO_TRY(const StatesArn parsed, ParseArnOf("stateMachine", arn));
  if (!parsed.rest.empty()) co_return InvalidArnPrefix(arn);
  const Key prefix = VersionPrefix(call, parsed.name);
  MILL_CO_TRY(const Page page, co_await ReadPage(call, prefix, Direction::kBackward));
  Json::Array list;
  for (const Document& version : page.documents)
    list.push_back(Json::Object{{"stateMachineVersionArn", version.body["stateMachineVersionArn"]},
                                {"creationDate", SecondsOf(version.body["createdAt"])}});
  Json::Object out{{"stateMachineVersions", Json(std::move(list))}};
  if (page.next_token) out.Set("nextToken", *page.next_token);
  co_return out;
}

Task<Json> DeleteStateMachineVersion(Call& call) {
  const std::string arn = call.input.StringOr("stateMachineVersionArn", "");
  MILL_CO_TRY(const StatesArn parsed, ParseArnOf("stateMachine", arn));
  if (!IsVersionNumber(parsed.rest)) co_return InvalidArnPrefix(arn);
  const int64_t number = ParseInt(parsed.rest).value_or(0);
  const Key key = VersionKey(call, parsed.name, number);
  MILL_CO_TRY(const auto version, co_await call.ports.store.Get(key));
  if (!version || !IsHere(call, parsed)) co_return Json::Object{};
  const Key prefix = AliasPrefix(call, parsed.name);
  const Key end = PrefixEnd(prefix);
  MILL_CO_TRY(const auto aliases,
              co_await call.ports.store.Range(prefix, end, Direction::kForward, kAliasesMax));
  std::string users;
  for (const Document& alias : aliases)
    for (const Json& route : alias.body["routingConfiguration"].items())
      if (route.StringOr("stateMachineVersionArn", "") == arn)
        users += (users.empty() ? "" : ", ") + alias.body.StringOr("name", "");
  if (!users.empty())
    co_return Conflict(
        "Version to be deleted must not be referenced by an alias. Current list of aliases "
        "referencing this version: [" +
        users + "]");
  call.batch.expects.push_back({key, version->version});
  call.batch.Delete(key);
  co_return Json::Object{};
}

}  // namespace stepmill::states
