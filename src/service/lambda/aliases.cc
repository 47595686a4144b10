#include "json/each.h"
#include "service/lambda/errors.h"
#include "service/lambda/limits.h"
#include "service/lambda/records.h"
#include "service/page.h"
#include "service/ports.h"
#include "task/ports.h"

namespace stepmill::lambda {

namespace {

Error AliasNotFound(const std::string& arn) { return NotFound("Cannot find alias arn: " + arn); }

/// The versions that an alias names must be there.
Task<> CheckVersions(Call& call, std::string name, Json alias) {
  std::vector<std::string> versions{alias.StringOr("FunctionVersion", "")};
  const Json& weights = alias["RoutingConfig"]["AdditionalVersionWeights"];
  if (weights.size() > 1)
    co_return InvalidValue("Number of items in AdditionalVersionWeights cannot be greater than 1");
  for (const auto& weight : MembersOf(weights)) {
    if (versions[0] == kLatest || weight.name == kLatest)
      co_return InvalidValue(
          "$LATEST is not supported for an alias pointing to more than 1 version");
    if (weight.name == versions[0])
      co_return InvalidValue("Invalid function version " + weight.name + ". Function version " +
                             weight.name + " is already included in routing configuration.");
    versions.push_back(weight.name);
  }
  for (const std::string& version : versions) {
    if (version == kLatest) continue;
    const Key key = VersionKey(call.account, call.region, name, version);
    MILL_CO_TRY(const auto found, co_await call.ports.store.Get(key));
    if (!found) co_return FunctionNotFound(FunctionArn(call.account, call.region, name, version));
  }
  co_return Result<>();
}

Json WithRouting(Json alias, const Json& routing) {
  if (routing["AdditionalVersionWeights"].size() == 0) return alias.Without("RoutingConfig");
  return alias.With("RoutingConfig", routing);
}

}  // namespace

Task<Json> CreateAlias(Call& call) {
  MILL_CO_TRY(const FunctionName name, NameOf(call));
  MILL_CO_TRY(const Document function, co_await RequireFunction(call, name));
  const std::string alias_name = call.input.StringOr("Name", "");
  if (IsVersion(alias_name))
    co_return Constraint(alias_name, "name",
                         "Member must satisfy regular expression pattern: "
                         "(?!^[0-9]+$)([a-zA-Z0-9-_]+)");
  const std::string arn = FunctionArn(call.account, call.region, name.name, alias_name);
  const Key key = AliasKey(call, name.name, alias_name);
  MILL_CO_TRY(const auto known, co_await call.ports.store.Get(key));
  if (known) co_return Conflict("Alias already exists: " + arn);
  Json alias = Json::Object{{"AliasArn", arn},
                            {"Name", alias_name},
                            {"FunctionVersion", call.input["FunctionVersion"]},
                            {"Description", call.input.StringOr("Description", "")},
                            {"RevisionId", call.ports.random.NewUuid()}};
  alias = WithRouting(alias, call.input["RoutingConfig"]);
  MILL_CO_CHECK(co_await CheckVersions(call, name.name, alias));
  call.batch.Create(key, alias);
  co_return alias;
}

Task<Json> GetAlias(Call& call) {
  MILL_CO_TRY(const FunctionName name, NameOf(call));
  const std::string alias = call.input.StringOr("Name", "");
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(AliasKey(call, name.name, alias)));
  if (!found) co_return AliasNotFound(FunctionArn(call.account, call.region, name.name, alias));
  co_return found->body;
}

Task<Json> UpdateAlias(Call& call) {
  MILL_CO_TRY(const FunctionName name, NameOf(call));
  const std::string alias_name = call.input.StringOr("Name", "");
  MILL_CO_TRY(const auto found,
              co_await call.ports.store.Get(AliasKey(call, name.name, alias_name)));
  if (!found)
    co_return AliasNotFound(FunctionArn(call.account, call.region, name.name, alias_name));
  const std::string revision = call.input.StringOr("RevisionId", "");
  if (!revision.empty() && found->body.StringOr("RevisionId", "") != revision)
    co_return WrongRevision();
  Json alias = found->body.With("RevisionId", call.ports.random.NewUuid());
  for (const char* member : {"FunctionVersion", "Description"})
    if (const Json* given = call.input.Find(member)) alias = alias.With(member, *given);
  if (call.input.Has("RoutingConfig")) alias = WithRouting(alias, call.input["RoutingConfig"]);
  MILL_CO_CHECK(co_await CheckVersions(call, name.name, alias));
  call.batch.Replace(*found, alias);
  co_return alias;
}

Task<Json> DeleteAlias(Call& call) {
  MILL_CO_TRY(const FunctionName name, NameOf(call));
  MILL_CO_TRY(const Document function, co_await RequireFunction(call, name));
  const std::string alias = call.input.StringOr("Name", "");
  call.batch.Delete(AliasKey(call, name.name, alias));
  const FunctionName qualified{name.name, alias};
  call.batch.Delete(PolicyKey(call, qualified));
  call.batch.Delete(EventConfigKey(call.account, call.region, name.name, alias));
  co_return Json::Object{};
}

Task<Json> ListAliases(Call& call) {
  MILL_CO_TRY(const FunctionName name, NameOf(call));
  MILL_CO_TRY(const Document function, co_await RequireFunction(call, name));
  const std::string version = call.input.StringOr("FunctionVersion", "");
  MILL_CO_TRY(const auto aliases, co_await AllOf(call, "alias", name.name));
  Json::Array all;
  for (const Document& alias : aliases)
    if (version.empty() || alias.body.StringOr("FunctionVersion", "") == version)
      all.push_back(alias.body);
  Json input = call.input;
  if (!input.Has("MaxItems")) input = input.With("MaxItems", static_cast<int64_t>(kListMax));
  MILL_CO_TRY(const Json page,
              PageOf(input, "Aliases", all, "MaxItems", "Marker", InvalidValue("Invalid marker.")));
  co_return page.Has("Marker") ? page.Without("Marker").With("NextMarker", page["Marker"]) : page;
}

}  // namespace stepmill::lambda
