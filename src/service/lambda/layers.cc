// Layers: packages that functions find below /opt.
#include "service/lambda/layers.h"

#include <algorithm>

#include "base/strings.h"
#include "blob/blob_store.h"
#include "json/each.h"
#include "service/lambda/code.h"
#include "service/lambda/errors.h"
#include "service/lambda/limits.h"
#include "service/lambda/records.h"
#include "service/page.h"
#include "service/ports.h"
#include "task/ports.h"

namespace stepmill::lambda {

namespace {

constexpr size_t kLayersMax = 5;  ///< of a function

/// "layer:NAME" or an ARN of it.
std::string LayerName(const std::string& given) {
  const auto parts = Split(given, ':');
  return std::string(parts.size() >= 7 ? parts[6] : parts[0]);
}
std::string LayerArn(const Call& call, const std::string& name) {
  return "arn:aws:lambda:" + call.region + ":" + call.account + ":layer:" + name;
}
Key LayerKey(const Call& call, const std::string& name) {
  return call.KeyFor({"lambda", "layer", name});
}
Key LayerVersionKey(const Call& call, const std::string& name, int64_t version) {
  constexpr size_t kDigits = 10;
  const std::string number = std::to_string(version);
  const std::string zeros(kDigits - std::min(kDigits, number.size()), '0');
  return call.KeyFor({"lambda", "layer-version", name, zeros + number});
}

Error NoSuchLayer() { return NotFound("The resource you requested does not exist."); }

Json Listed(const Json& layer) {
  return layer.Without("Own").Without("Content").Without("LayerArn");
}
Json Shown(const Call& call, const Json& layer, const std::string& name) {
  const std::string path = "/2018-10-31/layers/" + name + "/versions/" +
                           std::to_string(layer.IntOr("Version", 0)) + "/code-package";
  return layer.Without("Own").With("Content",
                                   layer["Content"].With("Location", PackageUrl(call, path, "")));
}

bool Fits(const Call& call, const Json& layer) {
  const auto has = [&layer](const char* list, const std::string& item) {
    if (item.empty()) return true;
    for (const Json& one : ItemsOf(layer[list]))
      if (one == Json(item)) return true;
    return false;
  };
  return has("CompatibleRuntimes", call.input.StringOr("CompatibleRuntime", "")) &&
         has("CompatibleArchitectures", call.input.StringOr("CompatibleArchitecture", ""));
}

Task<Document> RequireLayer(Call& call, std::string name, int64_t version) {
  MILL_CO_TRY(auto found, co_await call.ports.store.Get(LayerVersionKey(call, name, version)));
  if (!found) co_return NoSuchLayer();
  co_return *std::move(found);
}

Result<Json> Page(const Call& call, const char* list, const Json::Array& all) {
  Json input = call.input;
  if (!input.Has("MaxItems")) input = input.With("MaxItems", static_cast<int64_t>(kListMax));
  MILL_TRY(const Json page,
           PageOf(input, list, all, "MaxItems", "Marker", InvalidValue("Invalid marker.")));
  return page.Has("Marker") ? page.Without("Marker").With("NextMarker", page["Marker"]) : page;
}

}  // namespace

Task<UsedLayers> FindLayers(Call& call, Json arns) {
  if (arns.size() > kLayersMax) co_return InvalidValue("Cannot reference more than 5 layers.");
  UsedLayers used;
  Json::Array shown, blobs;
  for (const Json& given : ItemsOf(arns)) {
    const std::string arn = given.AsString();
    const auto parts = Split(arn, ':');
    const auto version = parts.size() == 8 ? ParseInt(parts[7]) : std::nullopt;
    const bool is_here = version && arn.starts_with(LayerArn(call, LayerName(arn)) + ":");
    std::optional<Document> found;
    if (is_here) {
      const Key key = LayerVersionKey(call, LayerName(arn), *version);
      MILL_CO_TRY(found, co_await call.ports.store.Get(key));
    }
    if (!found) co_return InvalidValue("Layer version " + arn + " does not exist.");
    shown.push_back(Json::Object{{"Arn", arn}, {"CodeSize", found->body["Content"]["CodeSize"]}});
    blobs.push_back(found->body["Own"]["blob"]);
  }
  used.shown = Json(std::move(shown));
  used.blobs = Json(std::move(blobs));
  co_return used;
}

Task<Json> PublishLayerVersion(Call& call) {
  const std::string name = LayerName(call.input.StringOr("LayerName", ""));
  MILL_CO_TRY(const Package package, co_await TakePackage(call, call.input["Content"], false));
  MILL_CO_TRY(const auto known, co_await call.ports.store.Get(LayerKey(call, name)));
  const int64_t version = (known ? known->body.IntOr("last", 0) : 0) + 1;
  const std::string arn = LayerArn(call, name);
  Json layer = Json::Object{
      {"Content", Json::Object{{"CodeSha256", package.sha256}, {"CodeSize", package.size_bytes}}},
      {"LayerArn", arn},
      {"LayerVersionArn", arn + ":" + std::to_string(version)},
      {"Description", call.input.StringOr("Description", "")},
      {"CreatedDate", ModifiedAt(call.Now())},
      {"Version", version},
      {"Own", package.code}};
  for (const char* member : {"CompatibleRuntimes", "CompatibleArchitectures", "LicenseInfo"})
    if (const Json* given = call.input.Find(member)) layer = layer.With(member, *given);
  const Json counter = Json::Object{{"last", version}};
  if (known)
    call.batch.Replace(*known, counter);
  else
    call.batch.Create(LayerKey(call, name), counter);
  NamePackage(call, package, "");
  call.batch.Create(LayerVersionKey(call, name, version), layer);
  co_return Shown(call, layer, name);
}

Task<Json> GetLayerVersion(Call& call) {
  const std::string name = LayerName(call.input.StringOr("LayerName", ""));
  MILL_CO_TRY(const Document layer,
              co_await RequireLayer(call, name, call.input.IntOr("VersionNumber", 0)));
  co_return Shown(call, layer.body, name);
}

Task<Json> GetLayerVersionByArn(Call& call) {
  const std::string arn = call.input.StringOr("Arn", "");
  const auto parts = Split(arn, ':');
  const auto version = parts.size() == 8 ? ParseInt(parts[7]) : std::nullopt;
  const std::string name = LayerName(arn);
  MILL_CO_TRY(const Document layer, co_await RequireLayer(call, name, version.value_or(0)));
  co_return Shown(call, layer.body, name);
}

/// Ours: the package itself, for the URL in the answers above.
Task<Json> GetLayerVersionCode(Call& call) {
  const std::string name = LayerName(call.input.StringOr("LayerName", ""));
  MILL_CO_TRY(const Document layer,
              co_await RequireLayer(call, name, call.input.IntOr("VersionNumber", 0)));
  const BlobId blob{layer.body["Own"].StringOr("blob", "")};
  MILL_CO_TRY(call.answer_body, co_await call.ports.blobs.Open(blob, 0, UINT64_MAX));
  call.answer_headers.Set("http:Content-Type", "application/zip");
  co_return Json::Object{};
}

Task<Json> ListLayerVersions(Call& call) {
  const std::string name = LayerName(call.input.StringOr("LayerName", ""));
  MILL_CO_TRY(const auto versions, co_await AllOf(call, "layer-version", name));
  Json::Array all;
  for (const Document& version : versions)
    if (Fits(call, version.body)) all.push_back(Listed(version.body));
  std::reverse(all.begin(), all.end());  // as AWS: the newest first
  co_return Page(call, "LayerVersions", all);
}

Task<Json> ListLayers(Call& call) {
  constexpr int kPage = 1000;
  const Key prefix = call.KeyFor({"lambda", "layer"}) + "/";
  MILL_CO_TRY(
      const std::vector<Document> layers,
      co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward, kPage));
  Json::Array all;
  for (const Document& layer : layers) {
    const std::string name = KeyParts(layer.key).back();
    MILL_CO_TRY(const auto versions, co_await AllOf(call, "layer-version", name));
    Json latest;
    for (const Document& version : versions)
      if (Fits(call, version.body)) latest = Listed(version.body);
    if (latest.is_null()) continue;
    all.push_back(Json::Object{{"LayerName", name},
                               {"LayerArn", LayerArn(call, name)},
                               {"LatestMatchingVersion", latest}});
  }
  co_return Page(call, "Layers", all);
}

Task<Json> DeleteLayerVersion(Call& call) {
  const std::string name = LayerName(call.input.StringOr("LayerName", ""));
  const Key key = LayerVersionKey(call, name, call.input.IntOr("VersionNumber", 0));
  MILL_CO_TRY(const auto layer, co_await call.ports.store.Get(key));
  if (!layer) co_return Json::Object{};
  // Functions that have it go on with it: its package stays until the last of them is gone.
  call.batch.Delete(key);
  DropPackage(call, layer->body["Own"], "");
  co_return Json::Object{};
}

}  // namespace stepmill::lambda
