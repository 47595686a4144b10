#include <algorithm>

#include "base/strings.h"
#include "service/s3/content.h"
#include "service/s3/documents.h"
#include "service/s3/errors.h"
#include "service/s3/limits.h"
#include "service/s3/operations.h"

namespace stepmill::s3 {
namespace {

constexpr int kRangePage = 1000;

/// What a listing asks for, the same in its three forms.
struct Listing {
  std::string prefix, delimiter;
  std::string after;  ///< only keys (and common prefixes) behind this one; empty: from the start
  int64_t count_max = kPageMax;
  bool is_encoded = false;
  bool with_markers = false;  ///< keys whose current version is a delete marker count too

  std::string Encode(const std::string& text) const {
    return is_encoded ? UrlEncode(text, true) : text;
  }
};

/// One page: keys and common prefixes in one order of bytes.
struct Page {
  struct Item {
    std::string name;  ///< the key, or the common prefix
    Json version;      ///< null: a common prefix
  };
  std::vector<Item> items;
  bool is_truncated = false;
};

Result<Listing> ReadListing(const Json& input) {
  Listing listing;
  listing.prefix = input.StringOr("Prefix", "");
  listing.delimiter = input.StringOr("Delimiter", "");
  const std::string encoding = input.StringOr("EncodingType", "");
  if (!encoding.empty() && encoding != "url")
    return InvalidArgument("Invalid Encoding Method specified in Request", "encoding-type",
                           encoding);
  listing.is_encoded = !encoding.empty();
  const int64_t given = input.IntOr("MaxKeys", kPageMax);
  if (given < 0)
    return InvalidArgument("Argument maxKeys must be an integer between 0 and 2147483647",
                           "maxKeys", std::to_string(given));
  listing.count_max = std::min<int64_t>(given, kPageMax);
  return listing;
}

/// The common prefix that a key rolls up into; empty: none.
std::string FolderOf(const Listing& listing, const std::string& key) {
  if (listing.delimiter.empty()) return "";
  const size_t end = key.find(listing.delimiter, listing.prefix.size());
  return end == std::string::npos ? "" : key.substr(0, end + listing.delimiter.size());
}

Task<Page> ReadPage(Call& call, const Bucket& bucket, Listing listing) {
  const Key root = ObjectPrefix(call, bucket);
  const Key end = PrefixEnd(root + listing.prefix);
  Key from = root + listing.prefix;
  if (listing.after >= listing.prefix && !listing.after.empty()) {
    const bool was_folder = FolderOf(listing, listing.after) == listing.after;
    from = was_folder ? PrefixEnd(root + listing.after) : root + listing.after + '\0';
  }
  Page page;
  if (listing.count_max == 0) co_return page;
  while (from < end) {
    MILL_CO_TRY(std::vector<Document> found,
                co_await call.ports.store.Range(from, end, Direction::kForward, kRangePage));
    std::string folder;
    for (Document& document : found) {
      std::string key = document.key.substr(root.size());
      if (!folder.empty() && key.starts_with(folder)) continue;
      if (!listing.with_markers && document.body.BoolOr("Marker", false)) continue;
      folder = FolderOf(listing, key);
      if (static_cast<int64_t>(page.items.size()) == listing.count_max) {
        page.is_truncated = true;
        co_return page;
      }
      if (folder.empty())
        page.items.push_back({std::move(key), std::move(document.body)});
      else
        page.items.push_back({folder, Json()});
    }
    if (found.size() < kRangePage) break;
    // Behind a common prefix the rest of it is not read.
    from = folder.empty() ? found.back().key + '\0' : PrefixEnd(root + folder);
  }
  co_return page;
}

Json::Object Entry(const Listing& listing, const std::string& key, const Json& version) {
  Json::Object entry{{"Key", listing.Encode(key)},
                     {"LastModified", SecondsOf(version["LastModified"])},
                     {"ETag", Quoted(version.StringOr("ETag", ""))}};
  Json::Array algorithms;
  for (const std::string_view algorithm : kAlgorithms)
    if (version.Has(ChecksumMember(algorithm))) algorithms.push_back(Json(algorithm));
  if (!algorithms.empty()) entry.Set("ChecksumAlgorithm", Json(std::move(algorithms)));
  entry.SetIf("ChecksumType", version.Find("ChecksumType"));
  entry.Set("Size", version["Size"]);
  entry.Set("StorageClass", version.StringOr("StorageClass", "STANDARD"));
  return entry;
}

/// The members that all listings answer with.
Json::Object CommonMembers(const Bucket& bucket, const Listing& listing, const Page& page,
                           const Json& input) {
  Json::Object output{{"IsTruncated", page.is_truncated},
                      {"Name", bucket.name},
                      {"Prefix", listing.Encode(listing.prefix)},
                      {"MaxKeys", listing.count_max}};
  if (!listing.delimiter.empty()) output.Set("Delimiter", listing.Encode(listing.delimiter));
  output.SetIf("EncodingType", input.Find("EncodingType"));
  Json::Array folders;
  for (const Page::Item& item : page.items)
    if (item.version.is_null())
      folders.push_back(Json::Object{{"Prefix", listing.Encode(item.name)}});
  if (!folders.empty()) output.Set("CommonPrefixes", Json(std::move(folders)));
  return output;
}

Json Contents(Call& call, const Listing& listing, const Page& page, bool with_owner) {
  Json::Array contents;
  for (const Page::Item& item : page.items) {
    if (item.version.is_null()) continue;
    Json::Object entry = Entry(listing, item.name, item.version);
    if (with_owner) entry.Set("Owner", Owner(call));
    contents.push_back(Json(std::move(entry)));
  }
  return Json(std::move(contents));
}

}  // namespace

Task<Json> ListObjects(Call& call) {
  MILL_CO_TRY(const Bucket bucket, co_await InputBucket(call));
  MILL_CO_TRY(Listing listing, ReadListing(call.input));
  listing.after = call.input.StringOr("Marker", "");
  MILL_CO_TRY(const Page page, co_await ReadPage(call, bucket, listing));
  Json::Object output = CommonMembers(bucket, listing, page, call.input);
  output.Set("Marker", listing.Encode(listing.after));
  // With a delimiter S3 says where to go on; without, clients take the last key.
  if (page.is_truncated && !listing.delimiter.empty())
    output.Set("NextMarker", listing.Encode(page.items.back().name));
  output.Set("Contents", Contents(call, listing, page, true));
  co_return Json(std::move(output));
}

Task<Json> ListObjectsV2(Call& call) {
  MILL_CO_TRY(const Bucket bucket, co_await InputBucket(call));
  MILL_CO_TRY(Listing listing, ReadListing(call.input));
  listing.after = call.input.StringOr("StartAfter", "");
  if (call.input.Has("ContinuationToken")) {
    const auto token = Unbase64(call.input.StringOr("ContinuationToken", ""));
    if (!token || token->empty())
      co_return InvalidArgument("The continuation token provided is incorrect",
                                "continuation-token", call.input.StringOr("ContinuationToken", ""));
    listing.after = *token;
  }
  MILL_CO_TRY(const Page page, co_await ReadPage(call, bucket, listing));
  Json::Object output = CommonMembers(bucket, listing, page, call.input);
  output.Set("KeyCount", page.items.size());
  output.SetIf("ContinuationToken", call.input.Find("ContinuationToken"));
  if (call.input.Has("StartAfter"))
    output.Set("StartAfter", listing.Encode(call.input.StringOr("StartAfter", "")));
  if (page.is_truncated) output.Set("NextContinuationToken", Base64(page.items.back().name));
  output.Set("Contents", Contents(call, listing, page, call.input.BoolOr("FetchOwner", false)));
  co_return Json(std::move(output));
}

Task<Json> ListObjectVersions(Call& call) {
  MILL_CO_TRY(const Bucket bucket, co_await InputBucket(call));
  MILL_CO_TRY(Listing listing, ReadListing(call.input));
  listing.with_markers = true;
  const std::string key_marker = call.input.StringOr("KeyMarker", "");
  const std::string id_marker = call.input.StringOr("VersionIdMarker", "");
  listing.after = key_marker;
  // A page that ended within a key's versions goes on in that key.
  Page page;
  if (!id_marker.empty()) {
    MILL_CO_TRY(const auto within,
                co_await call.ports.store.Get(ObjectKey(call, bucket, key_marker)));
    if (within) page.items.push_back({key_marker, within->body});
  }
  MILL_CO_TRY(Page rest, co_await ReadPage(call, bucket, listing));
  for (Page::Item& item : rest.items) page.items.push_back(std::move(item));
  page.is_truncated = rest.is_truncated;

  Json::Array versions, markers;
  Page shown;
  std::string last_key, last_id;
  int64_t count = 0;
  bool is_waiting = !id_marker.empty();
  for (const Page::Item& item : page.items) {
    std::vector<Json> all{item.version};
    if (item.version.BoolOr("HasOlder", false)) {
      const Key prefix = VersionPrefix(call, bucket, item.name);
      MILL_CO_TRY(const auto older,
                  co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward,
                                                  kVersionsMax));
      for (const Document& document : older) all.push_back(document.body);
    }
    for (size_t i = 0; i < all.size(); ++i) {
      const std::string id = all[i].is_null() ? "" : VersionIdOf(all[i]);
      if (is_waiting) {
        is_waiting = id != id_marker && i + 1 < all.size();
        continue;
      }
      if (count == listing.count_max) {
        shown.is_truncated = true;
        break;
      }
      ++count;
      last_key = item.name;
      last_id = id;
      if (all[i].is_null()) {
        shown.items.push_back(item);
        continue;
      }
      Json::Object entry = Entry(listing, item.name, all[i]);
      entry.Set("VersionId", id);
      entry.Set("IsLatest", i == 0);
      entry.Set("Owner", Owner(call));
      Json made(std::move(entry));
      if (all[i].BoolOr("Marker", false))
        markers.push_back(made.Without("ETag").Without("Size").Without("StorageClass"));
      else
        versions.push_back(std::move(made));
    }
    if (shown.is_truncated) break;
  }
  shown.is_truncated |= page.is_truncated;
  Json::Object output = CommonMembers(bucket, listing, shown, call.input);
  output.Set("KeyMarker", listing.Encode(key_marker));
  output.Set("VersionIdMarker", id_marker);
  if (shown.is_truncated) {
    output.Set("NextKeyMarker", listing.Encode(last_key));
    if (!last_id.empty()) output.Set("NextVersionIdMarker", last_id);
  }
  output.Set("Versions", Json(std::move(versions)));
  output.Set("DeleteMarkers", Json(std::move(markers)));
  co_return Json(std::move(output));
}

}  // namespace stepmill::s3
