#include "base/strings.h"
#include "blob/blob_store.h"
#include "engine/engine.h"
#include "gate/door.h"
#include "json/each.h"
#include "service/lambda/code.h"
#include "service/lambda/configuration.h"
#include "service/lambda/errors.h"
#include "service/lambda/layers.h"
#include "service/lambda/limits.h"
#include "service/lambda/publish.h"
#include "service/lambda/records.h"
#include "service/page.h"
#include "service/ports.h"
#include "task/ports.h"

namespace stepmill::lambda {

namespace {

Error BadMarker() { return InvalidValue("Invalid marker."); }

Json CodeLocation(const Call& call, const Resolved& found, const std::string& name) {
  if (found.code.Has("image"))
    return Json::Object{{"RepositoryType", "ECR"},
                        {"ImageUri", found.code["image"]},
                        {"ResolvedImageUri", found.code["resolved"]}};
  const std::string path = "/2015-03-31/functions/" + name + "/code-package";
  const std::string query = found.version == kLatest ? "" : "Qualifier=" + found.version;
  return Json::Object{{"RepositoryType", "S3"}, {"Location", PackageUrl(call, path, query)}};
}

}  // namespace

void Activate(Call& call, const std::string& name, const Json& config) {
  const Json input = Json::Object{{"FunctionName", name}, {"RevisionId", config["RevisionId"]}};
  const Principal self = ServicePrincipal("lambda.amazonaws.com", call.account);
  call.ports.engine.Deliver(
      call.batch, "lambda-activate/" + config.StringOr("RevisionId", ""), "door",
      DoorCall("lambda", "ActivateFunction", input, self, call.account, call.region, true));
}

Task<Json> CreateFunction(Call& call) {
  MILL_CO_TRY(const FunctionName name, NameOf(call));
  const Key key = FunctionKey(call.account, call.region, name.name);
  MILL_CO_TRY(const auto known, co_await call.ports.store.Get(key));
  if (known) co_return Conflict("Function already exist: " + name.name);
  MILL_CO_CHECK(CheckCreation(call.input));
  MILL_CO_CHECK(CheckConfiguration(call.input));
  if (call.input["Tags"].size() > kTagsMax)
    co_return InvalidValue("Tags must not have more than 50 entries");
  const bool is_image = call.input.StringOr("PackageType", "Zip") == "Image";
  MILL_CO_TRY(const UsedLayers layers, co_await FindLayers(call, call.input["Layers"]));
  // Last, so that what is refused leaves no package.
  MILL_CO_TRY(const Package package, co_await TakePackage(call, call.input["Code"], is_image));
  NamePackage(call, package, name.name);
  Json config = NewConfiguration(call.input, name.name, call.account, call.region)
                    .With("CodeSize", package.size_bytes)
                    .With("CodeSha256", package.sha256)
                    .With("LastModified", ModifiedAt(call.Now()))
                    .With("RevisionId", call.ports.random.NewUuid())
                    .With("State", "Pending")
                    .With("StateReason", "The function is being created.")
                    .With("StateReasonCode", "Creating");
  Json code = package.code;
  if (layers.shown.size() > 0) {
    config = config.With("Layers", layers.shown);
    code = code.With("layers", layers.blobs);
  }
  Json function =
      Json::Object{{"config", config},
                   {"code", code},
                   {"tags", call.input.Has("Tags") ? call.input["Tags"] : Json(Json::Object{})},
                   {"lastVersion", 0}};
  Json answer = config;
  if (call.input.BoolOr("Publish", false)) {
    answer = AddVersion(call, function, call.input.StringOr("Description", ""));
    function = function.With("lastVersion", 1);
  }
  call.batch.Create(key, function);
  Activate(call, name.name, config);
  co_return answer;
}

/// Ours: what was checked when it was given is ready; a later change has a revision of its own.
Task<Json> ActivateFunction(Call& call) {
  MILL_CO_TRY(const FunctionName name, NameOf(call));
  const Key key = FunctionKey(call.account, call.region, name.name);
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(key));
  if (!found || found->body["config"]["RevisionId"] != call.input["RevisionId"])
    co_return Json::Object{};
  Json config = found->body["config"]
                    .With("State", "Active")
                    .Without("StateReason")
                    .Without("StateReasonCode")
                    .With("LastUpdateStatus", "Successful")
                    .Without("LastUpdateStatusReason")
                    .Without("LastUpdateStatusReasonCode");
  call.batch.Replace(*found, found->body.With("config", config));
  co_return Json::Object{};
}

Task<Json> GetFunctionConfiguration(Call& call) {
  MILL_CO_TRY(const FunctionName name, NameOf(call));
  MILL_CO_TRY(const Resolved found, co_await Resolve(call, name));
  co_return found.config;
}

Task<Json> GetFunction(Call& call) {
  MILL_CO_TRY(const FunctionName name, NameOf(call));
  MILL_CO_TRY(const Resolved found, co_await Resolve(call, name));
  Json::Object answer{{"Configuration", found.config},
                      {"Code", CodeLocation(call, found, name.name)}};
  if (found.function["tags"].size() > 0) answer.Set("Tags", found.function["tags"]);
  if (const Json* reserved = found.function.Find("reserved"))
    answer.Set("Concurrency", Json::Object{{"ReservedConcurrentExecutions", *reserved}});
  co_return answer;
}

/// Ours: the package itself, for the URL in GetFunction's answer.
Task<Json> GetFunctionCode(Call& call) {
  MILL_CO_TRY(const FunctionName name, NameOf(call));
  MILL_CO_TRY(const Resolved found, co_await Resolve(call, name));
  const BlobId blob{found.code.StringOr("blob", "")};
  if (blob.value.empty()) co_return NotFound("The function has no deployment package.");
  MILL_CO_TRY(call.answer_body, co_await call.ports.blobs.Open(blob, 0, UINT64_MAX));
  call.answer_headers.Set("http:Content-Type", "application/zip");
  co_return Json::Object{};
}

Task<Json> ListFunctions(Call& call) {
  if (call.input.Has("MasterRegion")) co_return NotBuilt("MasterRegion");
  constexpr int kPage = 500;
  const bool has_versions = call.input.StringOr("FunctionVersion", "") == "ALL";
  const Key prefix = call.KeyFor({"lambda", "function"}) + "/";
  Json::Array all;
  Key from = prefix;
  for (;;) {
    MILL_CO_TRY(
        const std::vector<Document> page,
        co_await call.ports.store.Range(from, PrefixEnd(prefix), Direction::kForward, kPage));
    for (const Document& document : page) {
      const Json& config = document.body["config"];
      const std::string name = config.StringOr("FunctionName", "");
      if (!has_versions) {
        all.push_back(config);
        continue;
      }
      const std::string arn = FunctionArn(call.account, call.region, name, kLatest);
      all.push_back(config.With("FunctionArn", arn));
      MILL_CO_TRY(const auto versions, co_await AllOf(call, "version", name));
      for (const Document& version : versions) all.push_back(version.body["config"]);
    }
    if (page.size() < kPage) break;
    from = page.back().key + '\0';
  }
  Json input = call.input;
  if (!input.Has("MaxItems")) input = input.With("MaxItems", static_cast<int64_t>(kListMax));
  MILL_CO_TRY(const Json page, PageOf(input, "Functions", all, "MaxItems", "Marker", BadMarker()));
  co_return page.Has("Marker") ? page.Without("Marker").With("NextMarker", page["Marker"]) : page;
}

Task<Json> DeleteFunction(Call& call) {
  MILL_CO_TRY(const FunctionName name, NameOf(call));
  MILL_CO_TRY(const Document function, co_await RequireFunction(call, name));
  if (name.qualifier == kLatest)
    co_return InvalidValue("$LATEST version cannot be deleted without deleting the function.");
  if (!name.qualifier.empty()) {
    const Key key = VersionKey(call.account, call.region, name.name, name.qualifier);
    MILL_CO_TRY(const auto version, co_await call.ports.store.Get(key));
    MILL_CO_TRY(const auto aliases, co_await AllOf(call, "alias", name.name));
    std::string users;
    for (const Document& alias : aliases) {
      const bool uses = alias.body.StringOr("FunctionVersion", "") == name.qualifier ||
                        alias.body["RoutingConfig"]["AdditionalVersionWeights"].Has(name.qualifier);
      if (uses) users += (users.empty() ? "" : ", ") + alias.body.StringOr("Name", "");
    }
    if (!users.empty())
      co_return Conflict("Cannot delete version " + name.qualifier +
                         " because it is referenced by aliases: [" + users + "]");
    if (!version) co_return Json::Object{};  // as AWS: there is none any more
    call.batch.Delete(key);
    DropPackage(call, version->body["code"], name.name);
    co_return Json::Object{};
  }
  call.batch.Delete(function.key);
  DropPackage(call, function.body["code"], name.name);
  static constexpr const char* kKinds[] = {"version", "alias", "policy", "event-config"};
  for (const char* kind : kKinds) {
    MILL_CO_TRY(const auto documents, co_await AllOf(call, kind, name.name));
    for (const Document& document : documents) {
      call.batch.Delete(document.key);
      DropPackage(call, document.body["code"], name.name);
    }
  }
  co_return Json::Object{};
}

}  // namespace stepmill::lambda
