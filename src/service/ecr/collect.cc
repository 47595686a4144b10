// What becomes of bytes that no image names any more. The call that drops a name only says so, by
// an event that commits with it; then
//   CollectLayers  finds that no repository of the account has the layer, and drops the content,
//   RemoveBlobs    removes its blob, once that has committed.
// A push or mount that takes the layer up meanwhile expects the documents that it read, so one of
// the two conflicts and runs anew.
#include <algorithm>
#include <set>

#include "blob/blob_store.h"
#include "json/each.h"
#include "service/ecr/rows.h"
#include "service/ports.h"
#include "store/events.h"

namespace stepmill::ecr {
namespace {

constexpr int kScanPage = 1000;
constexpr size_t kNamesOfEventMax = 500;

void Tell(Call& call, const char* type, const char* member, const Json::Array& names) {
  for (size_t at = 0; at < names.size(); at += kNamesOfEventMax) {
    const size_t end = std::min(names.size(), at + kNamesOfEventMax);
    const Json::Array part(names.begin() + static_cast<std::ptrdiff_t>(at),
                           names.begin() + static_cast<std::ptrdiff_t>(end));
    call.batch.events.push_back(MakeEvent("stepmill.ecr", type, call.account, call.region, {},
                                          Json::Object{{member, part}}));
  }
}

}  // namespace

Key ImagesKey(const Call& call) { return call.KeyFor({"ecr", "images", PlaceOf(call).repository}); }

Task<> TouchImages(Call& call) {
  const Key key = ImagesKey(call);
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(key));
  if (found)
    call.batch.Replace(*found, Json::Object{{"changes", found->body.IntOr("changes", 0) + 1}});
  else
    call.batch.Create(key, Json::Object{{"changes", 1}});
  co_return Result<>();
}

void DropLayers(Call& call, const std::vector<std::string>& digests) {
  Tell(call, "Layers Dropped", "digests", Json::Array(digests.begin(), digests.end()));
}

void UnnameBlobs(Call& call, Json::Array blobs) { Tell(call, "Blobs Unnamed", "blobs", blobs); }

Task<Json> CollectLayers(Call& call) {
  std::set<std::string> unnamed;
  const Json digests = call.input["event"]["detail"]["digests"];
  for (const Json& digest : ItemsOf(digests)) unnamed.insert(digest.AsString());
  const Key prefix = call.KeyFor({"ecr", "layer"}) + "/";
  for (Key from = prefix; !unnamed.empty();) {
    MILL_CO_TRY(
        const std::vector<Document> page,
        co_await call.ports.store.Range(from, PrefixEnd(prefix), Direction::kForward, kScanPage));
    for (const Document& layer : page) unnamed.erase(KeyParts(layer.key).back());
    if (page.size() < kScanPage) break;
    from = page.back().key + '\0';
  }
  Json::Array blobs;
  for (const std::string& digest : unnamed) {
    const Key key = call.KeyFor({"ecr", "content", digest});
    MILL_CO_TRY(const std::optional<Document> content, co_await call.ports.store.Get(key));
    if (!content) continue;
    call.batch.expects.push_back({key, content->version});
    call.batch.Delete(key);
    blobs.push_back(content->body["blob"]);
  }
  UnnameBlobs(call, std::move(blobs));
  co_return Json::Object{};
}

Task<Json> RemoveBlobs(Call& call) {
  const Json blobs = call.input["event"]["detail"]["blobs"];
  for (const Json& blob : ItemsOf(blobs)) {
    const BlobId id{blob.AsString()};
    MILL_CO_CHECK(co_await call.ports.blobs.Remove(id));
  }
  co_return Json::Object{};
}

}  // namespace stepmill::ecr
