#include "json/each.h"
#include "service/lambda/configuration.h"
#include "service/lambda/errors.h"
#include "service/lambda/limits.h"
#include "service/lambda/publish.h"
#include "service/lambda/records.h"
#include "service/page.h"
#include "service/ports.h"
#include "task/ports.h"

namespace stepmill::lambda {

Json AddVersion(Call& call, const Json& function, const std::string& description) {
  const std::string number = std::to_string(function.IntOr("lastVersion", 0) + 1);
  const Json& latest = function["config"];
  const std::string name = latest.StringOr("FunctionName", "");
  Json config = latest.With("Version", number)
                    .With("FunctionArn", FunctionArn(call.account, call.region, name, number))
                    .With("RevisionId", call.ports.random.NewUuid())
                    .With("State", "Active")
                    .Without("StateReason")
                    .Without("StateReasonCode")
                    .With("LastUpdateStatus", "Successful")
                    .Without("LastUpdateStatusReason")
                    .Without("LastUpdateStatusReasonCode");
  if (!description.empty()) config = config.With("Description", description);
  call.batch.Create(VersionKey(call.account, call.region, name, number),
                    Json::Object{{"config", config}, {"code", function["code"]}});
  return config;
}

Task<Json> PublishVersion(Call& call) {
  MILL_CO_TRY(FunctionName name, NameOf(call));
  name.qualifier.clear();
  MILL_CO_TRY(const Document function, co_await RequireFunction(call, name));
  const Json& latest = function.body["config"];
  const std::string revision = call.input.StringOr("RevisionId", "");
  if (!revision.empty() && latest.StringOr("RevisionId", "") != revision) co_return WrongRevision();
  const std::string sha = call.input.StringOr("CodeSha256", "");
  if (!sha.empty() && latest.StringOr("CodeSha256", "") != sha)
    co_return InvalidValue("CodeSHA256 (" + sha +
                           ") is different from current CodeSHA256 in "
                           "$LATEST (" +
                           latest.StringOr("CodeSha256", "") +
                           "). Please try again with the CodeSHA256 in $LATEST.");
  if (latest.StringOr("LastUpdateStatus", "") == "InProgress")
    co_return UpdateInProgress(latest.StringOr("FunctionArn", ""));
  const int64_t last = function.body.IntOr("lastVersion", 0);
  if (last > 0) {
    const Key key = VersionKey(call.account, call.region, name.name, std::to_string(last));
    MILL_CO_TRY(const auto newest, co_await call.ports.store.Get(key));
    // AWS: no version is made when nothing has changed since the last one.
    if (newest && IsSameVersion(latest, newest->body["config"])) co_return newest->body["config"];
  }
  const Json config = AddVersion(call, function.body, call.input.StringOr("Description", ""));
  call.batch.Replace(function, function.body.With("lastVersion", last + 1));
  co_return config;
}

Task<Json> ListVersionsByFunction(Call& call) {
  MILL_CO_TRY(FunctionName name, NameOf(call));
  name.qualifier.clear();
  MILL_CO_TRY(const Document function, co_await RequireFunction(call, name));
  const std::string arn = FunctionArn(call.account, call.region, name.name, kLatest);
  Json::Array all{function.body["config"].With("FunctionArn", arn)};
  MILL_CO_TRY(const auto versions, co_await AllOf(call, "version", name.name));
  for (const Document& version : versions) all.push_back(version.body["config"]);
  Json input = call.input;
  if (!input.Has("MaxItems")) input = input.With("MaxItems", static_cast<int64_t>(kListMax));
  MILL_CO_TRY(const Json page, PageOf(input, "Versions", all, "MaxItems", "Marker",
                                      InvalidValue("Invalid marker.")));
  co_return page.Has("Marker") ? page.Without("Marker").With("NextMarker", page["Marker"]) : page;
}

}  // namespace stepmill::lambda
