#include "base/digest.h"
#include "base/strings.h"
#include "blob/blob_store.h"
#include "gate/vault.h"
#include "service/ecr/rows.h"
#include "service/ports.h"
#include "task/ports.h"

namespace stepmill::ecr {
namespace {

constexpr uint64_t kPartBytes = 20 << 20;  // AWS: parts of 20 MiB

std::string DigestOf(const std::string& raw_sha256) { return "sha256:" + Hex(raw_sha256); }

Task<Document> RequireUpload(Call& call) {
  const Place place = PlaceOf(call);
  const std::string id = call.input.StringOr("uploadId", "");
  const Key key = call.KeyFor({"ecr", "upload", place.repository, id});
  MILL_CO_TRY(std::optional<Document> found, co_await call.ports.store.Get(key));
  if (!found) co_return UploadNotFound(place, id);
  co_return *std::move(found);
}

Task<Document> RequireLayer(Call& call, std::string repository, std::string digest) {
  const Key key = call.KeyFor({"ecr", "layer", repository, digest});
  MILL_CO_TRY(std::optional<Document> found, co_await call.ports.store.Get(key));
  if (!found) co_return LayerNotFound(PlaceOf(call), digest);
  co_return *std::move(found);
}

uint64_t SizeOf(const Json& body) { return static_cast<uint64_t>(body.IntOr("size", 0)); }

/// Adds durable bytes to an upload's document.
Json WithPart(const Json& upload, const BlobInfo& part) {
  const Json item = Json::Object{
      {"blob", part.id.value}, {"size", part.size_bytes}, {"sha256", Hex(part.sha256)}};
  return upload.With("size", SizeOf(upload) + part.size_bytes)
      .With("parts", upload["parts"].Push(item));
}

/// The parts as one blob: the only one as it is, several copied behind one another.
Task<BlobInfo> Join(Call& call, Json parts) {
  if (parts.size() == 1) {
    const Json& part = parts.At(0);
    BlobInfo info;
    info.id = BlobId{part.StringOr("blob", "")};
    info.size_bytes = SizeOf(part);
    info.sha256 = Unhex(part.StringOr("sha256", "")).value_or("");
    co_return info;
  }
  MILL_CO_TRY(std::unique_ptr<BlobWriter> writer, co_await call.ports.blobs.Create());
  if (parts.is_array()) {
    for (const Json& part : parts.items()) {
      const BlobId id{part.StringOr("blob", "")};
      MILL_CO_TRY(std::unique_ptr<ByteSource> source,
                  co_await call.ports.blobs.Open(id, 0, UINT64_MAX));
      for (;;) {
        MILL_CO_TRY(std::string bytes, co_await source->Read());
        if (bytes.empty()) break;
        MILL_CO_CHECK(co_await writer->Write(std::move(bytes)));
      }
    }
  }
  co_return co_await writer->Finish();
}

Task<> RemoveParts(Call& call, Json parts) {
  if (!parts.is_array()) co_return Result<>();
  for (const Json& part : parts.items()) {
    const BlobId id{part.StringOr("blob", "")};
    MILL_CO_CHECK(co_await call.ports.blobs.Remove(id));
  }
  co_return Result<>();
}

}  // namespace

Task<Json> InitiateLayerUpload(Call& call) {
  const Place place = PlaceOf(call);
  MILL_CO_TRY(const Document repository, co_await RequireRepository(call));
  const std::string id = call.ports.random.NewUuid();
  call.batch.Create(call.KeyFor({"ecr", "upload", place.repository, id}),
                    Json::Object{{"size", 0},
                                 {"parts", Json(Json::Array{})},
                                 {"startedAt", SecondsSinceEpoch(call.Now())}});
  co_return Json::Object{{"uploadId", id}, {"partSize", kPartBytes}};
}

Task<Json> UploadLayerPart(Call& call) {
  const Place place = PlaceOf(call);
  MILL_CO_TRY(const Document repository, co_await RequireRepository(call));
  MILL_CO_TRY(const Document upload, co_await RequireUpload(call));
  const auto first = static_cast<uint64_t>(call.input.IntOr("partFirstByte", 0));
  const auto last = static_cast<uint64_t>(call.input.IntOr("partLastByte", 0));
  if (first != SizeOf(upload.body)) co_return InvalidLayerPart(SizeOf(upload.body), first);
  const std::optional<std::string> bytes = Unbase64(call.input.StringOr("layerPartBlob", ""));
  if (!bytes || bytes->size() != last - first + 1)
    co_return InvalidParameter("layerPartBlob has " + std::to_string(bytes ? bytes->size() : 0) +
                               " bytes, partFirstByte and partLastByte say " +
                               std::to_string(last - first + 1));
  MILL_CO_TRY(const BlobInfo part, co_await WriteBlob(call.ports.blobs, *bytes));
  call.batch.Replace(upload, WithPart(upload.body, part));
  co_return Json::Object{{"registryId", call.account},
                         {"repositoryName", place.repository},
                         {"uploadId", call.input["uploadId"]},
                         {"lastByteReceived", last}};
}

Task<Json> StreamLayerPart(Call& call) {
  MILL_CO_TRY(const Document repository, co_await RequireRepository(call));
  MILL_CO_TRY(const Document upload, co_await RequireUpload(call));
  const int64_t first = call.input.IntOr("partFirstByte", -1);
  if (first >= 0 && static_cast<uint64_t>(first) != SizeOf(upload.body))
    co_return InvalidLayerPart(SizeOf(upload.body), static_cast<uint64_t>(first));
  MILL_CO_TRY(const BlobInfo part, co_await CopyToBlob(call.ports.blobs, *call.body));
  if (part.size_bytes == 0) {
    MILL_CO_CHECK(co_await call.ports.blobs.Remove(part.id));
    co_return Json::Object{{"size", SizeOf(upload.body)}};
  }
  const Json grown = WithPart(upload.body, part);
  call.batch.Replace(upload, grown);
  co_return Json::Object{{"size", SizeOf(grown)}};
}

Task<Json> CompleteLayerUpload(Call& call) {
  const Place place = PlaceOf(call);
  MILL_CO_TRY(const Document repository, co_await RequireRepository(call));
  MILL_CO_TRY(const Document upload, co_await RequireUpload(call));
  const std::string digest = call.input["layerDigests"].At(0).AsString();
  const Key layer_key = call.KeyFor({"ecr", "layer", place.repository, digest});
  const Key content_key = call.KeyFor({"ecr", "content", digest});
  MILL_CO_TRY(const std::optional<Document> there, co_await call.ports.store.Get(layer_key));
  const Json parts = upload.body["parts"];
  MILL_CO_TRY(const BlobInfo whole, co_await Join(call, parts));
  if (DigestOf(whole.sha256) != digest) co_return InvalidLayer(digest, DigestOf(whole.sha256));
  MILL_CO_TRY(const std::optional<Document> content, co_await call.ports.store.Get(content_key));
  const Json layer = content
                         ? content->body
                         : Json(Json::Object{{"blob", whole.id.value}, {"size", whole.size_bytes}});
  // A second copy of what is there already, and parts that were joined, go once this has committed.
  Json::Array unnamed;
  if (content && content->body.StringOr("blob", "") != whole.id.value)
    unnamed.push_back(whole.id.value);
  if (parts.size() > 1)
    for (const Json& part : parts.items()) unnamed.push_back(part["blob"]);
  UnnameBlobs(call, std::move(unnamed));
  call.batch.expects.push_back({content_key, content ? content->version : 0});
  call.batch.expects.push_back({upload.key, upload.version});
  call.batch.Delete(upload.key);
  if (!there) call.batch.PutDocument(layer_key, layer);
  if (!content) call.batch.PutDocument(content_key, layer);
  co_return Json::Object{{"registryId", call.account},
                         {"repositoryName", place.repository},
                         {"uploadId", call.input["uploadId"]},
                         {"layerDigest", digest}};
}

Task<Json> BatchCheckLayerAvailability(Call& call) {
  const Place place = PlaceOf(call);
  MILL_CO_TRY(const Document repository, co_await RequireRepository(call));
  Json::Array layers, failures;
  for (const Json& digest : call.input["layerDigests"].items()) {
    if (!digest.AsString().starts_with("sha256:")) {
      failures.push_back(Json::Object{{"layerDigest", digest},
                                      {"failureCode", "InvalidLayerDigest"},
                                      {"failureReason", "Invalid layer digest"}});
      continue;
    }
    const Key key = call.KeyFor({"ecr", "layer", place.repository, digest.AsString()});
    MILL_CO_TRY(const std::optional<Document> found, co_await call.ports.store.Get(key));
    Json::Object layer{{"layerDigest", digest},
                       {"layerAvailability", found ? "AVAILABLE" : "UNAVAILABLE"}};
    if (found) layer.Set("layerSize", SizeOf(found->body));
    layers.push_back(Json(layer));
  }
  co_return Json::Object{{"layers", layers}, {"failures", failures}};
}

Task<Json> GetDownloadUrlForLayer(Call& call) {
  const Place place = PlaceOf(call);
  const std::string digest = call.input.StringOr("layerDigest", "");
  MILL_CO_TRY(const Document repository, co_await RequireRepository(call));
  MILL_CO_TRY(const Document layer, co_await RequireLayer(call, place.repository, digest));
  Json::Object told;
  told.Set("principal", PrincipalToJson(call.principal));
  told.Set("account", call.account);
  told.Set("region", call.region);
  told.Set("expiresAt", MillisSinceEpoch(call.Now() + Seconds(3600)));
  const std::string token = call.ports.vault.Seal(Secret(Json(told).Print()), "ecr-authorization");
  const std::string url = "https://" + call.account + ".dkr.ecr." + call.region +
                          ".amazonaws.com/v2/" + place.repository + "/blobs/" + digest +
                          "?token=" + UrlEncode(token);
  co_return Json::Object{{"downloadUrl", url}, {"layerDigest", digest}};
}

/// {repositoryName, layerDigest, offset, length, headOnly} -> {size} and the bytes.
Task<Json> StreamLayer(Call& call) {
  const Place place = PlaceOf(call);
  const std::string digest = call.input.StringOr("layerDigest", "");
  MILL_CO_TRY(const Document repository, co_await RequireRepository(call));
  MILL_CO_TRY(const Document layer, co_await RequireLayer(call, place.repository, digest));
  const uint64_t size = SizeOf(layer.body);
  if (!call.input.BoolOr("headOnly", false)) {
    const auto offset = static_cast<uint64_t>(call.input.IntOr("offset", 0));
    const auto length =
        static_cast<uint64_t>(call.input.IntOr("length", static_cast<int64_t>(size)));
    const BlobId id{layer.body.StringOr("blob", "")};
    MILL_CO_TRY(call.answer_body, co_await call.ports.blobs.Open(id, offset, length));
  }
  co_return Json::Object{{"size", size}};
}

/// {repositoryName, from, layerDigest}: a layer of another repository of the account, without a
/// copy. Answers {"mounted": false} when it is not there.
Task<Json> MountLayer(Call& call) {
  const Place place = PlaceOf(call);
  const std::string digest = call.input.StringOr("layerDigest", "");
  MILL_CO_TRY(const Document repository, co_await RequireRepository(call));
  const Key key = call.KeyFor({"ecr", "layer", call.input.StringOr("from", ""), digest});
  MILL_CO_TRY(const std::optional<Document> found, co_await call.ports.store.Get(key));
  if (found) {
    call.batch.expects.push_back({found->key, found->version});
    call.batch.PutDocument(call.KeyFor({"ecr", "layer", place.repository, digest}), found->body);
  }
  co_return Json::Object{{"mounted", found.has_value()}};
}

Task<Json> DescribeUpload(Call& call) {
  MILL_CO_TRY(const Document upload, co_await RequireUpload(call));
  co_return Json::Object{{"size", upload.body["size"]}};
}

Task<Json> CancelUpload(Call& call) {
  MILL_CO_TRY(const Document upload, co_await RequireUpload(call));
  MILL_CO_CHECK(co_await RemoveParts(call, upload.body["parts"]));
  call.batch.Delete(upload.key);
  co_return Json::Object{};
}

}  // namespace stepmill::ecr
