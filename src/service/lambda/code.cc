#include "service/lambda/code.h"

#include <filesystem>

#include "archive/archive.h"
#include "base/log.h"
#include "base/strings.h"
#include "blob/owned_blobs.h"
#include "compute/image_table.h"
#include "json/each.h"
#include "service/ask.h"
#include "service/lambda/errors.h"
#include "service/lambda/limits.h"
#include "service/lambda/records.h"
#include "service/objects.h"
#include "store/events.h"
#include "task/ports.h"

namespace stepmill::lambda {

namespace {

constexpr uint64_t kEntriesMax = 200'000;
constexpr char kNoZip[] =
    "Could not unzip uploaded file. Please check your file, then try to upload again.";

void RemoveQuietly(const std::string& path) {
  std::error_code ignored;  // temporary: what stays is removed at the next start
  std::filesystem::remove_all(path, ignored);
}

/// That a zip is one, keeps within its folder and is not too large when unpacked.
Task<> CheckZip(Ports& ports, BlobId blob) {
  const std::string path = ports.data_dir + "/tmp/" + ports.random.NewUuid();
  MILL_CO_CHECK(co_await ports.blobs.Export(blob, path));
  Archive::Limits limits;
  limits.bytes_max = kUnzippedBytesMax;
  limits.entries_max = kEntriesMax;
  const Result<> unpacked = co_await ports.archive.Unpack(path, path + ".d", limits);
  RemoveQuietly(path + ".d");
  RemoveQuietly(path);
  if (unpacked) co_return Result<>();
  if (unpacked.error().code == Code::kLimit)
    co_return InvalidValue("Unzipped size must be smaller than " +
                           std::to_string(kUnzippedBytesMax) + " bytes");
  if (unpacked.error().code == Code::kUnavailable) co_return unpacked;
  co_return InvalidValue(kNoZip);
}

Task<BlobInfo> StoreZip(Ports& ports, std::string bytes) {
  if (!bytes.starts_with("PK")) co_return InvalidValue(kNoZip);
  MILL_CO_TRY(const auto writer, co_await CreateBlobFor(ports.blobs, kBlobOwner));
  MILL_CO_CHECK(co_await writer->Write(std::move(bytes)));
  MILL_CO_TRY(const BlobInfo info, co_await writer->Finish());
  const Result<> checked = co_await CheckZip(ports, info.id);
  if (checked) co_return info;
  MILL_CO_CHECK(co_await ports.blobs.Remove(info.id));
  co_return checked.error();
}

Task<std::string> FetchZip(Call& call, Json code) {
  const std::string path = call.ports.data_dir + "/tmp/" + call.ports.random.NewUuid();
  const ObjectCaller as{call.ports, call.principal, call.account, call.region};
  const ObjectName object{code.StringOr("S3Bucket", ""), code.StringOr("S3Key", "")};
  const auto info = co_await DownloadObject(as, object, path, code.StringOr("S3ObjectVersion", ""));
  if (!info)
    co_return InvalidValue("Error occurred while GetObject. S3 Error Code: " + info.error().name +
                           ". S3 Error Message: " + info.error().message);
  co_return path;
}

/// A package of S3 goes by a file, however large it is.
Task<BlobInfo> StoreObject(Call& call, Json code) {
  MILL_CO_TRY(const std::string path, co_await FetchZip(call, code));
  std::error_code error;
  if (std::filesystem::file_size(path, error) > kUnzippedBytesMax || error) {
    RemoveQuietly(path);
    co_return InvalidValue("Unzipped size must be smaller than " +
                           std::to_string(kUnzippedBytesMax) + " bytes");
  }
  MILL_CO_TRY(const BlobInfo whole, co_await call.ports.blobs.Import(path));
  MILL_CO_TRY(std::string bytes, co_await ReadBlob(call.ports.blobs, whole.id, kUnzippedBytesMax));
  MILL_CO_CHECK(co_await call.ports.blobs.Remove(whole.id));
  co_return co_await StoreZip(call.ports, std::move(bytes));
}

/// The digest of an image in the account's own registry.
Task<Package> TakeImage(Call& call, std::string uri) {
  const auto image = ParseEcrImage(uri);
  if (!image)
    co_return InvalidValue("Source image " + uri + " is not valid. Provide a valid source image.");
  Json::Object id;
  if (image->digest.empty())
    id.Set("imageTag", image->tag);
  else
    id.Set("imageDigest", image->digest);
  const Json wanted = Json::Object{{"registryId", image->account},
                                   {"repositoryName", image->repository},
                                   {"imageIds", Json::Array{Json(std::move(id))}}};
  const Asker asker{call.ports, call.principal, call.account, call.region};
  const auto found = co_await AskService(asker, "ecr", "BatchGetImage", wanted);
  std::string digest;
  if (found)
    for (const Json& one : ItemsOf((*found)["images"]))
      digest = one["imageId"].StringOr("imageDigest", "");
  if (digest.empty())
    co_return InvalidValue("Source image " + uri +
                           " does not exist. Provide a valid source image.");
  Package package;
  package.code = Json::Object{{"image", uri},
                              {"resolved", image->host + "/" + image->repository + "@" + digest}};
  package.sha256 = digest.substr(digest.find(':') + 1);
  co_return package;
}

Task<> Search(Ports& ports) {
  MILL_CO_TRY(const std::vector<BlobId> all, co_await ports.blobs.List());
  size_t removed = 0;
  for (const BlobId& id : all) {
    if (OwnerOf(id) != kBlobOwner) continue;
    MILL_CO_TRY(const auto named, co_await ports.store.Get(CodeKey(id.value)));
    if (named) continue;
    MILL_CO_CHECK(co_await ports.blobs.Remove(id));
    ++removed;
  }
  if (removed > 0)
    MILL_LOG(kInfo, "lambda: removed " + std::to_string(removed) +
                        " packages that an earlier run stored and never named");
  co_return Result<>();
}

}  // namespace

Task<Package> TakePackage(Call& call, Json code, bool is_image) {
  const bool has_zip = code.Has("ZipFile");
  const bool has_object = code.Has("S3Bucket") || code.Has("S3Key");
  if (is_image && (has_zip || has_object))
    co_return InvalidValue(
        "Please provide ImageUri when updating a function with packageType Image.");
  if (!is_image && code.Has("ImageUri"))
    co_return InvalidValue(
        "Please don't provide ImageUri when updating a function with packageType Zip.");
  if (!has_zip && !has_object && !code.Has("ImageUri"))
    co_return InvalidValue("Please provide a source for function code.");
  if (has_zip && has_object)
    co_return InvalidValue(
        "Please do not provide other FunctionCode parameters when providing a ZipFile.");
  if (is_image) co_return co_await TakeImage(call, code.StringOr("ImageUri", ""));
  Package package;
  if (call.kept.is_object()) {  // the door runs the handler again
    package.code = call.kept["code"];
    package.size_bytes = call.kept.IntOr("size", 0);
    package.sha256 = call.kept.StringOr("sha256", "");
    co_return package;
  }
  BlobInfo info;
  if (has_zip) {
    std::string bytes = Unbase64(code.StringOr("ZipFile", "")).value_or("");
    if (bytes.empty()) co_return InvalidValue("Uploaded file must be a non-empty zip");
    if (bytes.size() > kZipBytesMax)
      co_return UserError(Code::kLimit, "RequestTooLargeException",
                          "Request must be smaller than 70167211 bytes for the CreateFunction "
                          "operation");
    MILL_CO_TRY(info, co_await StoreZip(call.ports, std::move(bytes)));
  } else {
    if (!code.Has("S3Bucket") || !code.Has("S3Key"))
      co_return InvalidValue("Please provide both S3Bucket and S3Key.");
    MILL_CO_TRY(info, co_await StoreObject(call, code));
  }
  package.code = Json::Object{{"blob", info.id.value}};
  package.size_bytes = static_cast<int64_t>(info.size_bytes);
  package.sha256 = Base64(info.sha256);
  call.kept = Json::Object{
      {"code", package.code}, {"size", package.size_bytes}, {"sha256", package.sha256}};
  co_return package;
}

void NamePackage(Call& call, const Package& package, const std::string& name) {
  const std::string blob = package.code.StringOr("blob", "");
  if (blob.empty()) return;
  call.batch.PutDocument(
      CodeKey(blob),
      Json::Object{{"account", call.account}, {"region", call.region}, {"function", name}});
}

void DropPackage(Call& call, const Json& code, const std::string& name) {
  Json::Array blobs = ItemsOf(code["layers"]);
  if (code.Has("blob")) blobs.push_back(code["blob"]);
  for (const Json& blob : blobs) {
    const Json detail = Json::Object{{"blob", blob}, {"function", name}};
    call.batch.events.push_back(MakeEvent("stepmill.lambda", "Package Unnamed", call.account,
                                          call.region, Json::Array{}, detail));
  }
}

namespace {

bool Uses(const Json& code, const Json& blob) {
  for (const Json& layer : ItemsOf(code["layers"]))
    if (layer == blob) return true;
  return code["blob"] == blob;
}

/// True when a document below `kind` names the blob.
Task<bool> IsNamed(Call& call, std::string kind, Json blob) {
  constexpr int kPage = 500;
  const Key prefix = call.KeyFor({"lambda", kind}) + "/";
  Key from = prefix;
  for (;;) {
    MILL_CO_TRY(
        const std::vector<Document> page,
        co_await call.ports.store.Range(from, PrefixEnd(prefix), Direction::kForward, kPage));
    for (const Document& document : page)
      if (Uses(document.body["code"], blob) || document.body["Own"]["blob"] == blob) co_return true;
    if (page.size() < kPage) co_return false;
    from = page.back().key + '\0';
  }
}

}  // namespace

Task<Json> RemoveCode(Call& call) {
  const Json blob = call.input["event"]["detail"]["blob"];
  static constexpr const char* kKinds[] = {"function", "version", "layer-version"};
  for (const char* kind : kKinds) {
    MILL_CO_TRY(const bool is_named, co_await IsNamed(call, kind, blob));
    if (is_named) co_return Json::Object{};
  }
  const BlobId id{blob.is_string() ? blob.AsString() : ""};
  call.batch.Delete(CodeKey(id.value));
  MILL_CO_CHECK(co_await call.ports.blobs.Remove(id));
  co_return Json::Object{};
}

void SearchLeftovers(Ports& ports) {
  ports.spawner.Spawn("lambda: search for leftovers", Search(ports));
}

}  // namespace stepmill::lambda
