#include <map>
#include <set>

#include "base/digest.h"
#include "base/strings.h"
#include "json/each.h"
#include "service/ecr/rows.h"
#include "service/ports.h"
#include "store/events.h"

namespace stepmill::ecr {
namespace {

constexpr int kAllMax = 100'000;  // AWS: images of a repository
constexpr std::string_view kDockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
constexpr std::string_view kOciManifest = "application/vnd.oci.image.manifest.v1+json";
constexpr std::string_view kOciIndex = "application/vnd.oci.image.index.v1+json";

/// digest -> tags, in order.
using TagTable = std::map<std::string, std::vector<std::string>>;

Task<TagTable> ReadTags(Call& call) {
  const Key prefix = call.KeyFor({"ecr", "tag", PlaceOf(call).repository, ""});
  MILL_CO_TRY(
      const std::vector<Document> found,
      co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward, kAllMax));
  TagTable tags;
  for (const Document& document : found)
    tags[document.body.StringOr("digest", "")].push_back(KeyParts(document.key).back());
  co_return tags;
}

/// The digest that an imageId names; empty when there is none.
Task<std::string> DigestOfId(Call& call, Json id) {
  const std::string repository = PlaceOf(call).repository;
  const std::string given = id.StringOr("imageDigest", "");
  const std::string tag = id.StringOr("imageTag", "");
  if (tag.empty()) co_return given;
  const Key key = call.KeyFor({"ecr", "tag", repository, tag});
  MILL_CO_TRY(const std::optional<Document> found, co_await call.ports.store.Get(key));
  if (!found) co_return std::string();
  const std::string digest = found->body.StringOr("digest", "");
  co_return given.empty() || given == digest ? digest : std::string();
}

Task<std::optional<Document>> FindImage(Call& call, Json id) {
  MILL_CO_TRY(const std::string digest, co_await DigestOfId(call, id));
  const Key key = call.KeyFor({"ecr", "image", PlaceOf(call).repository, digest});
  co_return co_await call.ports.store.Get(key);
}

Json Failure(const Json& id, const char* code, const std::string& reason) {
  return Json::Object{{"imageId", id}, {"failureCode", code}, {"failureReason", reason}};
}

/// What a manifest needs to be there, and how large it is.
struct Checked {
  Json manifest;
  std::string media_type, digest;
  uint64_t size = 0;
};

Task<Checked> CheckManifest(Call& call) {
  const Place place = PlaceOf(call);
  const std::string text = call.input.StringOr("imageManifest", "");
  Result<Json> parsed = ParseJson(text);
  if (!parsed || !parsed->is_object())
    co_return InvalidParameter(
        "Invalid parameter at 'ImageManifest' failed to satisfy constraint: "
        "'Invalid JSON syntax'");
  Checked checked;
  checked.manifest = *parsed;
  const bool is_list = parsed->Has("manifests");
  const std::string fallback(is_list ? kOciIndex : parsed->Has("config") ? kOciManifest : "");
  checked.media_type =
      call.input.StringOr("imageManifestMediaType", parsed->StringOr("mediaType", fallback));
  if (checked.media_type.empty() || (!is_list && !(*parsed)["layers"].is_array()))
    co_return InvalidParameter(
        "Invalid parameter at 'ImageManifest' failed to satisfy constraint: "
        "'Manifest is neither an image nor a list of images (schema 2)'");
  checked.digest = "sha256:" + Hex(Sha256(text));
  std::vector<std::string> missing;
  std::vector<Json> parts;
  if (is_list) {
    for (const Json& item : (*parsed)["manifests"].items()) parts.push_back(item);
  } else {
    parts.push_back((*parsed)["config"]);
    for (const Json& layer : (*parsed)["layers"].items()) parts.push_back(layer);
  }
  for (const Json& part : parts) {
    const std::string digest = part.StringOr("digest", "");
    const Key key = call.KeyFor({"ecr", is_list ? "image" : "layer", place.repository, digest});
    MILL_CO_TRY(const std::optional<Document> found, co_await call.ports.store.Get(key));
    if (found) call.batch.expects.push_back({key, found->version});
    // A foreign layer is named by its URL and never pushed.
    if (!found && !part.Has("urls")) missing.push_back(digest);
    if (found) checked.size += static_cast<uint64_t>(found->body.IntOr("size", 0));
  }
  if (!missing.empty() && is_list) co_return ReferencedImagesNotFound(place, Join(missing, ", "));
  if (!missing.empty()) co_return LayersNotFound(place, Join(missing, ", "));
  co_return checked;
}

Json ImageAction(const Call& call, const char* action, const std::string& digest,
                 const std::string& tag, const std::string& media_type) {
  Json::Object detail;
  detail.Set("result", "SUCCESS");
  detail.Set("repository-name", PlaceOf(call).repository);
  detail.Set("image-digest", digest);
  detail.Set("action-type", action);
  detail.Set("image-tag", tag);
  detail.Set("manifest-media-type", media_type);
  return MakeEvent("aws.ecr", "ECR Image Action", call.account, call.region, {}, detail);
}

Json ImageId(const std::string& digest, const std::string& tag) {
  Json::Object id{{"imageDigest", digest}};
  if (!tag.empty()) id.Set("imageTag", tag);
  return id;
}

bool Passes(const Call& call, bool is_tagged) {
  const std::string status = call.input["filter"].StringOr("tagStatus", "ANY");
  return status == "ANY" || (status == "TAGGED") == is_tagged;
}

/// One page of `all`, from a token that is the number of items given before.
Json Page(const Call& call, const char* member, const Json::Array& all) {
  const auto from = static_cast<size_t>(
      std::max<int64_t>(0, ParseInt(call.input.StringOr("nextToken", "0")).value_or(0)));
  const auto limit = static_cast<size_t>(call.input.IntOr("maxResults", 100));
  Json::Array page;
  for (size_t i = from; i < all.size() && page.size() < limit; ++i) page.push_back(all[i]);
  Json::Object output{{member, page}};
  if (from + limit < all.size()) output.Set("nextToken", std::to_string(from + limit));
  return output;
}

}  // namespace

Task<Json> PutImage(Call& call) {
  const Place place = PlaceOf(call);
  MILL_CO_TRY(const Document repository, co_await RequireRepository(call));
  MILL_CO_TRY(const Checked checked, co_await CheckManifest(call));
  const std::string given = call.input.StringOr("imageDigest", "");
  if (!given.empty() && given != checked.digest)
    co_return ImageDigestDoesNotMatch(given, checked.digest);
  const std::string tag = call.input.StringOr("imageTag", "");
  const Key image_key = call.KeyFor({"ecr", "image", place.repository, checked.digest});
  const Key tag_key = call.KeyFor({"ecr", "tag", place.repository, tag});
  MILL_CO_TRY(const std::optional<Document> image, co_await call.ports.store.Get(image_key));
  std::string tagged;
  if (!tag.empty()) {
    MILL_CO_TRY(const std::optional<Document> found, co_await call.ports.store.Get(tag_key));
    if (found) tagged = found->body.StringOr("digest", "");
  }
  if (image && (tag.empty() || tagged == checked.digest))
    co_return ImageAlreadyExists(place, checked.digest, tag);
  if (!tagged.empty() && repository.body.StringOr("imageTagMutability", "") == "IMMUTABLE")
    co_return ImageTagAlreadyExists(place, tag);
  if (!image) {
    Json::Object body;
    body.Set("manifest", call.input["imageManifest"]);
    body.Set("mediaType", checked.media_type);
    body.Set("size", checked.size);
    body.Set("pushedAt", SecondsSinceEpoch(call.Now()));
    body.SetIf("artifactMediaType", checked.manifest["config"].Find("mediaType"));
    call.batch.PutDocument(image_key, body);
  }
  MILL_CO_CHECK(co_await TouchImages(call));
  if (!tag.empty()) call.batch.PutDocument(tag_key, Json::Object{{"digest", checked.digest}});
  call.batch.events.push_back(ImageAction(call, "PUSH", checked.digest, tag, checked.media_type));
  Json::Object output;
  output.Set("registryId", call.account);
  output.Set("repositoryName", place.repository);
  output.Set("imageId", ImageId(checked.digest, tag));
  output.Set("imageManifest", call.input["imageManifest"]);
  output.Set("imageManifestMediaType", checked.media_type);
  co_return Json::Object{{"image", output}};
}

namespace {

/// Configuration and layers that a manifest names; an index names images.
std::vector<std::string> LayersOf(const Json& image) {
  std::vector<std::string> digests;
  const auto manifest = ParseJson(image.StringOr("manifest", ""));
  if (!manifest) return digests;
  if (manifest->Has("config")) digests.push_back((*manifest)["config"].StringOr("digest", ""));
  const Json layers = (*manifest)["layers"];
  for (const Json& layer : ItemsOf(layers)) digests.push_back(layer.StringOr("digest", ""));
  return digests;
}

/// The repository forgets the layers that only images of `gone` (by digest) named.
Task<> ForgetLayers(Call& call, std::map<std::string, Json> gone) {
  if (gone.empty()) co_return Result<>();
  MILL_CO_CHECK(co_await TouchImages(call));
  std::set<std::string> dropped;
  for (const auto& [digest, image] : gone)
    for (const std::string& layer : LayersOf(image)) dropped.insert(layer);
  const std::string repository = PlaceOf(call).repository;
  const Key prefix = call.KeyFor({"ecr", "image", repository, ""});
  MILL_CO_TRY(
      const std::vector<Document> images,
      co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward, kAllMax));
  for (const Document& image : images) {
    if (gone.contains(KeyParts(image.key).back())) continue;
    for (const std::string& layer : LayersOf(image.body)) dropped.erase(layer);
  }
  for (const std::string& layer : dropped)
    call.batch.Delete(call.KeyFor({"ecr", "layer", repository, layer}));
  DropLayers(call, std::vector<std::string>(dropped.begin(), dropped.end()));
  co_return Result<>();
}

}  // namespace

Task<Json> BatchGetImage(Call& call) {
  const Place place = PlaceOf(call);
  MILL_CO_TRY(const Document repository, co_await RequireRepository(call));
  Json::Array images, failures;
  for (const Json& id : call.input["imageIds"].items()) {
    if (!id.Has("imageTag") && !id.Has("imageDigest")) {
      failures.push_back(Failure(id, "MissingDigestAndTag",
                                 "Invalid request parameters: both tag "
                                 "and digest cannot be null"));
      continue;
    }
    MILL_CO_TRY(const std::optional<Document> found, co_await FindImage(call, id));
    if (!found) {
      failures.push_back(Failure(id, "ImageNotFound", "Requested image not found"));
      continue;
    }
    Json::Object image;
    image.Set("registryId", call.account);
    image.Set("repositoryName", place.repository);
    image.Set("imageId", ImageId(KeyParts(found->key).back(), id.StringOr("imageTag", "")));
    image.Set("imageManifest", found->body["manifest"]);
    image.Set("imageManifestMediaType", found->body["mediaType"]);
    images.push_back(Json(image));
  }
  co_return Json::Object{{"images", images}, {"failures", failures}};
}

Task<Json> BatchDeleteImage(Call& call) {
  const Place place = PlaceOf(call);
  MILL_CO_TRY(const Document repository, co_await RequireRepository(call));
  MILL_CO_TRY(TagTable tags, co_await ReadTags(call));
  Json::Array deleted, failures;
  std::map<std::string, Json> gone_images;
  for (const Json& id : call.input["imageIds"].items()) {
    MILL_CO_TRY(const std::optional<Document> found, co_await FindImage(call, id));
    if (!found) {
      failures.push_back(Failure(id, "ImageNotFound", "Requested image not found"));
      continue;
    }
    const std::string digest = KeyParts(found->key).back();
    const std::string tag = id.StringOr("imageTag", "");
    std::vector<std::string>& left = tags[digest];
    // By tag: that tag, and the image with its last one. By digest: the image with all its tags.
    std::vector<std::string> gone = tag.empty() ? left : std::vector<std::string>{tag};
    for (const std::string& name : gone) {
      std::erase(left, name);
      call.batch.Delete(call.KeyFor({"ecr", "tag", place.repository, name}));
      deleted.push_back(ImageId(digest, name));
    }
    if (gone.empty()) deleted.push_back(ImageId(digest, ""));
    if (!left.empty()) continue;
    call.batch.Delete(found->key);
    gone_images[digest] = found->body;
    call.batch.events.push_back(
        ImageAction(call, "DELETE", digest, tag, found->body.StringOr("mediaType", "")));
  }
  MILL_CO_CHECK(co_await ForgetLayers(call, std::move(gone_images)));
  co_return Json::Object{{"imageIds", deleted}, {"failures", failures}};
}

Task<Json> DescribeImages(Call& call) {
  const Place place = PlaceOf(call);
  MILL_CO_TRY(const Document repository, co_await RequireRepository(call));
  MILL_CO_TRY(const TagTable tags, co_await ReadTags(call));
  std::vector<Document> images;
  if (call.input.Has("imageIds")) {
    for (const Json& id : call.input["imageIds"].items()) {
      MILL_CO_TRY(const std::optional<Document> found, co_await FindImage(call, id));
      if (!found)
        co_return ImageNotFound(place, id.StringOr("imageDigest", ""), id.StringOr("imageTag", ""));
      images.push_back(*found);
    }
  } else {
    const Key prefix = call.KeyFor({"ecr", "image", place.repository, ""});
    MILL_CO_TRY(images, co_await call.ports.store.Range(prefix, PrefixEnd(prefix),
                                                        Direction::kForward, kAllMax));
  }
  Json::Array details;
  for (const Document& image : images) {
    const std::string digest = KeyParts(image.key).back();
    const auto mine = tags.find(digest);
    if (!Passes(call, mine != tags.end())) continue;
    Json::Object detail;
    detail.Set("registryId", call.account);
    detail.Set("repositoryName", place.repository);
    detail.Set("imageDigest", digest);
    if (mine != tags.end()) {
      Json::Array names;
      for (const std::string& name : mine->second) names.push_back(name);
      detail.Set("imageTags", names);
    }
    detail.Set("imageSizeInBytes", image.body["size"]);
    detail.Set("imagePushedAt", image.body["pushedAt"]);
    detail.Set("imageManifestMediaType", image.body["mediaType"]);
    detail.SetIf("artifactMediaType", image.body.Find("artifactMediaType"));
    details.push_back(Json(detail));
  }
  co_return Page(call, "imageDetails", details);
}

Task<Json> ListImages(Call& call) {
  const Place place = PlaceOf(call);
  MILL_CO_TRY(const Document repository, co_await RequireRepository(call));
  MILL_CO_TRY(const TagTable tags, co_await ReadTags(call));
  const Key prefix = call.KeyFor({"ecr", "image", place.repository, ""});
  MILL_CO_TRY(
      const std::vector<Document> images,
      co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward, kAllMax));
  Json::Array ids;
  for (const Document& image : images) {
    const std::string digest = KeyParts(image.key).back();
    const auto mine = tags.find(digest);
    if (!Passes(call, mine != tags.end())) continue;
    if (mine == tags.end()) {
      ids.push_back(ImageId(digest, ""));
    } else {
      for (const std::string& name : mine->second) ids.push_back(ImageId(digest, name));
    }
  }
  co_return Page(call, "imageIds", ids);
}

}  // namespace stepmill::ecr
