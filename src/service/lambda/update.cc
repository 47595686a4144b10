#include "base/strings.h"
#include "blob/blob_store.h"
#include "json/each.h"
#include "service/lambda/code.h"
#include "service/lambda/configuration.h"
#include "service/lambda/errors.h"
#include "service/lambda/layers.h"
#include "service/lambda/publish.h"
#include "service/lambda/records.h"
#include "service/ports.h"
#include "task/ports.h"

namespace stepmill::lambda {

namespace {

/// The function, when it may be changed now.
Task<Document> RequireIdle(Call& call, FunctionName name) {
  name.qualifier.clear();
  MILL_CO_TRY(Document function, co_await RequireFunction(call, name));
  const Json& config = function.body["config"];
  const std::string revision = call.input.StringOr("RevisionId", "");
  if (!revision.empty() && config.StringOr("RevisionId", "") != revision) co_return WrongRevision();
  const std::string arn = config.StringOr("FunctionArn", "");
  if (config.StringOr("State", "") == "Pending")
    co_return Conflict(
        "The operation cannot be performed at this time. The function is currently in the "
        "following state: Pending");
  if (config.StringOr("LastUpdateStatus", "") == "InProgress") co_return UpdateInProgress(arn);
  co_return function;
}

Json Changed(Call& call, const Json& config) {
  return config.With("LastModified", ModifiedAt(call.Now()))
      .With("RevisionId", call.ports.random.NewUuid())
      .With("LastUpdateStatus", "InProgress")
      .With("LastUpdateStatusReason", "The function is being created.")
      .With("LastUpdateStatusReasonCode", "Creating");
}

Json WithLayers(const Json& code, const Json& blobs) {
  return blobs.size() > 0 ? code.With("layers", blobs) : code.Without("layers");
}

}  // namespace

Task<Json> UpdateFunctionCode(Call& call) {
  MILL_CO_TRY(const FunctionName name, NameOf(call));
  MILL_CO_TRY(const Document function, co_await RequireIdle(call, name));
  const Json& old = function.body["config"];
  MILL_CO_CHECK(CheckConfiguration(call.input));
  const bool is_image = old.StringOr("PackageType", "Zip") == "Image";
  MILL_CO_TRY(const Package package, co_await TakePackage(call, call.input, is_image));
  Json config = old.With("CodeSize", package.size_bytes).With("CodeSha256", package.sha256);
  if (call.input.BoolOr("DryRun", false)) {
    // Nothing names what was stored for the check.
    const BlobId blob{package.code.StringOr("blob", "")};
    if (!blob.value.empty()) MILL_CO_CHECK(co_await call.ports.blobs.Remove(blob));
    co_return config;
  }
  NamePackage(call, package, name.name);
  DropPackage(call, function.body["code"], name.name);
  config = Changed(call, config);
  Json next = function.body.With("config", config)
                  .With("code", WithLayers(package.code, function.body["code"]["layers"]));
  Json answer = config;
  if (call.input.BoolOr("Publish", false)) {
    answer = AddVersion(call, next, old.StringOr("Description", ""));
    next = next.With("lastVersion", next.IntOr("lastVersion", 0) + 1);
  }
  call.batch.Replace(function, next);
  Activate(call, name.name, config);
  co_return answer;
}

Task<Json> UpdateFunctionConfiguration(Call& call) {
  MILL_CO_TRY(const FunctionName name, NameOf(call));
  MILL_CO_TRY(const Document function, co_await RequireIdle(call, name));
  MILL_CO_CHECK(CheckConfiguration(call.input));
  Json config = Changed(call, ChangedConfiguration(function.body["config"], call.input));
  Json code = function.body["code"];
  if (call.input.Has("Layers")) {
    MILL_CO_TRY(const UsedLayers layers, co_await FindLayers(call, call.input["Layers"]));
    const bool has_some = layers.shown.size() > 0;
    config = has_some ? config.With("Layers", layers.shown) : config.Without("Layers");
    DropPackage(call, code, name.name);
    code = WithLayers(code, layers.blobs);
  }
  call.batch.Replace(function, function.body.With("config", config).With("code", code));
  Activate(call, name.name, config);
  co_return config;
}

}  // namespace stepmill::lambda
