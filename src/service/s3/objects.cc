#include <algorithm>

#include "base/strings.h"
#include "blob/blob_store.h"
#include "service/s3/content.h"
#include "service/s3/documents.h"
#include "service/s3/errors.h"
#include "service/s3/limits.h"
#include "service/s3/operations.h"

namespace stepmill::s3 {
namespace {

/// What every answer about a version says of its checksums, encryption and version.
void SetWritten(const Bucket& bucket, const Json& version, Json::Object& output) {
  for (const std::string_view algorithm : kAlgorithms) {
    const std::string member = ChecksumMember(algorithm);
    output.SetIf(member, version.Find(member));
  }
  output.SetIf("ChecksumType", version.Find("ChecksumType"));
  output.Set("ServerSideEncryption", "AES256");
  if (bucket.is_versioned()) output.Set("VersionId", VersionIdOf(version));
}

/// The document of a new version: attributes and what was stored.
Json NewVersion(Json::Object attributes, const Json& stored) {
  const Json blob = Json::Object{{"Blob", stored["Blob"]}, {"Size", stored["Size"]}};
  attributes.Set("ETag", stored["ETag"]);
  attributes.Set("Size", stored["Size"]);
  attributes.Set("Blobs", Json(Json::Array{blob}));
  for (const std::string_view algorithm : kAlgorithms) {
    const std::string member = ChecksumMember(algorithm);
    attributes.SetIf(member, stored.Find(member));
    if (stored.Has(member)) attributes.Set("ChecksumType", "FULL_OBJECT");
  }
  return Json(std::move(attributes));
}

/// HTTP's dates have no fraction: neither has what they are compared with.
int64_t WholeSeconds(double seconds) { return static_cast<int64_t>(seconds); }

bool MatchesAny(const std::string& list, const std::string& etag) {
  for (const std::string_view item : Split(list, ',')) {
    std::string_view tag = Trim(item);
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag == "*" || ReplaceAll(tag, "\"", "") == etag) return true;
  }
  return false;
}

/// RFC 9110, 13.2.2. Names of the members differ for the source of a copy, where a failed
/// condition is always a 412.
Result<> CheckReadConditions(const Json& input, const Json& version, const std::string& prefix) {
  const std::string etag = version.StringOr("ETag", "");
  const int64_t modified = WholeSeconds(SecondsOf(version["LastModified"]));
  const auto stale = [&](const std::string& condition) {
    return prefix.empty() ? NotModified(Quoted(version.StringOr("ETag", "")),
                                        FormatTime(TimeFromSeconds(static_cast<double>(modified)),
                                                   "%a, %d %b %Y %H:%M:%S GMT"))
                          : PreconditionFailed(condition);
  };
  const std::string match = input.StringOr(prefix + "IfMatch", "");
  const Json& unmodified = input[prefix + "IfUnmodifiedSince"];
  if (!match.empty()) {
    if (!MatchesAny(match, etag)) return PreconditionFailed("If-Match");
  } else if (unmodified.is_number() && modified > WholeSeconds(unmodified.AsDouble())) {
    return PreconditionFailed("If-Unmodified-Since");
  }
  const std::string none_match = input.StringOr(prefix + "IfNoneMatch", "");
  const Json& since = input[prefix + "IfModifiedSince"];
  if (!none_match.empty()) {
    if (MatchesAny(none_match, etag)) return stale("If-None-Match");
  } else if (since.is_number() && modified <= WholeSeconds(since.AsDouble())) {
    return stale("If-Modified-Since");
  }
  return {};
}

/// A version that can be read. A delete marker is a 404 with a header that says so.
Task<Json> ReadableVersion(Call& call, const Bucket& bucket, std::string key) {
  const std::string version_id = call.input.StringOr("VersionId", "");
  MILL_CO_TRY(const Json version, co_await FindVersion(call, bucket, key, version_id));
  if (version.BoolOr("Marker", false)) {
    Error error = version_id.empty() ? NoSuchKey(key) : MethodNotAllowed();
    error.fields.emplace_back("http:x-amz-delete-marker", "true");
    error.fields.emplace_back("http:x-amz-version-id", VersionIdOf(version));
    co_return error;
  }
  co_return version;
}

/// What part of the version the request means: Range or PartNumber, else all of it.
Result<ByteRange> Wanted(Call& call, const Json& version, Json::Object& output) {
  const auto size = static_cast<uint64_t>(version.IntOr("Size", 0));
  const std::string range = call.input.StringOr("Range", "");
  std::optional<ByteRange> part;
  if (call.input.Has("PartNumber")) {
    if (!range.empty())
      return InvalidRequest("Cannot specify both Range header and partNumber query parameter");
    const int64_t number = call.input.IntOr("PartNumber", 0);
    const Json& parts = version["Parts"];
    const auto count = parts.is_array() ? static_cast<int64_t>(parts.size()) : 1;
    if (number < 1 || number > kPartsMax)
      return InvalidArgument("Part number must be an integer between 1 and 10000, inclusive",
                             "partNumber", std::to_string(number));
    if (number > count)
      return Error{Code::kInvalid, "InvalidPartNumber",
                   "The requested partnumber is not satisfiable"};
    if (parts.is_array()) {
      part = ByteRange{};
      for (int64_t i = 0; i < number; ++i) {
        part->offset += part->length;
        part->length = static_cast<uint64_t>(parts.At(static_cast<size_t>(i)).IntOr("Size", 0));
      }
      output.Set("PartsCount", count);
    } else {
      part = ByteRange{0, size};
    }
  } else if (!range.empty()) {
    MILL_TRY(part, ParseRange(range, size));
  }
  if (!part) return ByteRange{0, size};
  call.answer_headers.Set("status", 206);
  if (part->length > 0)
    output.Set("ContentRange", "bytes " + std::to_string(part->offset) + "-" +
                                   std::to_string(part->offset + part->length - 1) + "/" +
                                   std::to_string(size));
  return *part;
}

/// GetObject and HeadObject but for the bytes.
Task<Json> Describe(Call& call, ByteRange& wanted, Json& version) {
  MILL_CO_CHECK(CheckUnbuilt(call.input));
  MILL_CO_TRY(const Bucket bucket, co_await InputBucket(call));
  MILL_CO_TRY(const std::string key, InputKey(call));
  MILL_CO_TRY(version, co_await ReadableVersion(call, bucket, key));
  MILL_CO_CHECK(CheckReadConditions(call.input, version, ""));
  Json::Object output;
  MILL_CO_TRY(wanted, Wanted(call, version, output));
  output.Set("AcceptRanges", "bytes");
  output.Set("LastModified", SecondsOf(version["LastModified"]));
  output.Set("ContentLength", wanted.length);
  output.Set("ETag", Quoted(version.StringOr("ETag", "")));
  output.Set("ContentType", "binary/octet-stream");
  for (const std::string_view member : kAttributeMembers)
    output.SetIf(member, version.Find(member));
  output.SetIf("StorageClass", version.Find("StorageClass"));
  if (version["TagSet"].size() > 0) output.Set("TagCount", version["TagSet"].size());
  SetWritten(bucket, version, output);
  const bool is_partial = wanted.length != static_cast<uint64_t>(version.IntOr("Size", 0));
  if (call.input.StringOr("ChecksumMode", "") != "ENABLED" || is_partial)
    std::erase_if(output.members,
                  [](const Json::Member& member) { return member.name.starts_with("Checksum"); });
  for (const char* member : {"CacheControl", "ContentDisposition", "ContentEncoding",
                             "ContentLanguage", "ContentType", "Expires"})
    output.SetIf(member, call.input.Find("Response" + std::string(member)));
  co_return Json(std::move(output));
}

struct Source {
  Bucket bucket;
  std::string key, version_id;
  Json version;
};

/// "BUCKET/KEY?versionId=ID", percent-encoded, with or without a leading slash.
Task<Source> CopySource(Call& call) {
  std::string text = call.input.StringOr("CopySource", "");
  Source source;
  constexpr std::string_view kVersion = "?versionId=";
  if (const size_t at = text.find(kVersion); at != std::string::npos) {
    source.version_id = UrlDecode(text.substr(at + kVersion.size()));
    text.resize(at);
  }
  text = UrlDecode(text);
  if (text.starts_with("arn:")) co_return NotImplemented("a copy source that is an access point");
  if (text.starts_with("/")) text.erase(0, 1);
  const size_t slash = text.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == text.size())
    co_return InvalidArgument(
        "Copy Source must mention the source bucket and key: "
        "sourcebucket/sourcekey",
        "x-amz-copy-source", text);
  if (call.input.StringOr("ExpectedSourceBucketOwner", call.account) != call.account)
    co_return AccessDenied();
  source.key = text.substr(slash + 1);
  MILL_CO_TRY(source.bucket, co_await FindBucket(call, text.substr(0, slash)));
  MILL_CO_TRY(source.version,
              co_await FindVersion(call, source.bucket, source.key, source.version_id));
  if (source.version.BoolOr("Marker", false)) {
    if (source.version_id.empty()) co_return NoSuchKey(source.key);
    co_return InvalidRequest(
        "The source of a copy request may not specifically refer to a delete "
        "marker by version id.");
  }
  MILL_CO_CHECK(CheckReadConditions(call.input, source.version, "CopySource"));
  if (source.version.IntOr("Size", 0) > static_cast<int64_t>(kPutBytesMax) &&
      !call.input.Has("UploadId"))
    co_return InvalidRequest(
        "The specified copy source is larger than the maximum allowable size "
        "for a copy source: 5368709120");
  co_return source;
}

/// The attributes of a copy: the source's, or the request's with REPLACE.
Result<Json::Object> CopiedAttributes(const Json& input, const Json& source) {
  MILL_TRY(Json::Object given, Attributes(input));
  Json::Object attributes;
  const bool is_replaced = input.StringOr("MetadataDirective", "COPY") == "REPLACE";
  const Json from = is_replaced ? Json(given) : source;
  for (const std::string_view member : kAttributeMembers)
    attributes.SetIf(member, from.Find(member));
  const bool are_tags_replaced = input.StringOr("TaggingDirective", "COPY") == "REPLACE";
  attributes.SetIf("TagSet", (are_tags_replaced ? Json(given) : source).Find("TagSet"));
  attributes.SetIf("StorageClass", Json(given).Find("StorageClass"));
  return attributes;
}

/// Removes what was stored for a call that then failed.
Task<> Forget(Call& call, Json stored) {
  const BlobId id{stored.StringOr("Blob", "")};
  co_return co_await call.ports.blobs.Remove(id);
}

}  // namespace

Task<Json> PutObject(Call& call) {
  MILL_CO_TRY(const std::string key, InputKey(call));
  MILL_CO_TRY(Json::Object attributes, Attributes(call.input));
  MILL_CO_TRY(const Bucket bucket, co_await InputBucket(call));
  MILL_CO_TRY(const Json stored, co_await Ingest(call));
  const Json object = NewVersion(std::move(attributes), stored);
  const auto written = co_await Publish(call, bucket, key, object, "PutObject");
  if (!written) {
    MILL_CO_CHECK(co_await Forget(call, stored));
    co_return written.error();
  }
  Json::Object output{{"ETag", Quoted(stored.StringOr("ETag", ""))}};
  SetWritten(bucket, *written, output);
  co_return Json(std::move(output));
}

Task<Json> GetObject(Call& call) {
  ByteRange wanted;
  Json version;
  MILL_CO_TRY(Json output, co_await Describe(call, wanted, version));
  call.answer_body = OpenVersion(call.ports.blobs, version, wanted.offset, wanted.length);
  co_return output;
}

Task<Json> HeadObject(Call& call) {
  ByteRange wanted;
  Json version;
  co_return co_await Describe(call, wanted, version);
}

Task<Json> DeleteObject(Call& call) {
  MILL_CO_TRY(const Bucket bucket, co_await InputBucket(call));
  MILL_CO_TRY(const std::string key, InputKey(call));
  if (call.input.Has("MFA")) co_return NotImplemented("MFA");
  for (const char* member : {"IfMatch", "IfMatchLastModifiedTime", "IfMatchSize"})
    if (call.input.Has(member)) co_return NotImplemented(member);
  std::vector<std::string> version_ids{call.input.StringOr("VersionId", "")};
  MILL_CO_TRY(const std::vector<Json> answers, co_await Delete(call, bucket, key, version_ids));
  Json output = answers.front();
  if (output.Has("DeleteMarkerVersionId"))
    output =
        output.With("VersionId", output["DeleteMarkerVersionId"]).Without("DeleteMarkerVersionId");
  co_return output;
}

Task<Json> DeleteObjects(Call& call) {
  MILL_CO_TRY(const Bucket bucket, co_await InputBucket(call));
  const Json& objects = call.input["Delete"]["Objects"];
  if (!objects.is_array() || objects.size() == 0 || objects.size() > kPageMax)
    co_return MalformedXml();
  if (call.input.Has("MFA")) co_return NotImplemented("MFA");
  std::vector<std::pair<std::string, std::vector<std::string>>> by_key;
  for (const Json& object : objects.items()) {
    const std::string key = object.StringOr("Key", "");
    if (key.empty() || key.size() > kKeyBytesMax) co_return MalformedXml();
    for (const char* member : {"ETag", "LastModifiedTime", "Size"})
      if (object.Has(member))
        co_return NotImplemented("conditional deletion by " + std::string(member));
    auto found = std::find_if(by_key.begin(), by_key.end(),
                              [&key](const auto& entry) { return entry.first == key; });
    if (found == by_key.end()) found = by_key.insert(by_key.end(), {key, {}});
    const std::string version_id = object.StringOr("VersionId", "");
    auto& ids = found->second;
    if (std::find(ids.begin(), ids.end(), version_id) == ids.end()) ids.push_back(version_id);
  }
  const bool is_quiet = call.input["Delete"].BoolOr("Quiet", false);
  Json::Array deleted;
  for (const auto& [key, version_ids] : by_key) {
    MILL_CO_TRY(const std::vector<Json> answers, co_await Delete(call, bucket, key, version_ids));
    if (is_quiet) continue;
    for (const Json& answer : answers) {
      Json::Object entry{{"Key", key}};
      for (const Json::Member& member : answer.members()) entry.Set(member.name, member.value);
      deleted.push_back(Json(std::move(entry)));
    }
  }
  co_return Json::Object{{"Deleted", Json(std::move(deleted))}};
}

Task<Json> CopyObject(Call& call) {
  MILL_CO_TRY(const std::string key, InputKey(call));
  MILL_CO_TRY(const Bucket bucket, co_await InputBucket(call));
  MILL_CO_TRY(const Source source, co_await CopySource(call));
  MILL_CO_TRY(Json::Object attributes, CopiedAttributes(call.input, source.version));
  const bool is_itself = source.bucket.name == bucket.name && source.key == key;
  const bool is_changed = call.input.StringOr("MetadataDirective", "COPY") == "REPLACE" ||
                          call.input.Has("StorageClass") || call.input.Has("ChecksumAlgorithm") ||
                          call.input.Has("WebsiteRedirectLocation") ||
                          call.input.Has("ServerSideEncryption") || !source.version_id.empty();
  if (is_itself && !is_changed)
    co_return InvalidRequest(
        "This copy request is illegal because it is trying to copy an object "
        "to itself without changing the object's metadata, storage class, "
        "website redirect location or encryption attributes.");
  // An object that only changes its attributes keeps its bytes; every other copy has its own.
  const bool shares = is_itself && !bucket.is_versioned();
  Json object;
  if (shares) {
    for (const char* member : {"ETag", "Size", "Blobs", "Parts", "ChecksumType"})
      attributes.SetIf(member, source.version.Find(member));
    for (const std::string_view algorithm : kAlgorithms)
      attributes.SetIf(ChecksumMember(algorithm), source.version.Find(ChecksumMember(algorithm)));
    object = Json(std::move(attributes));
  } else {
    std::string algorithm = ToUpper(call.input.StringOr("ChecksumAlgorithm", ""));
    for (const std::string_view known : kAlgorithms)
      if (algorithm.empty() && source.version.Has(ChecksumMember(known))) algorithm = known;
    if (call.kept.is_null()) {
      const auto size = static_cast<uint64_t>(source.version.IntOr("Size", 0));
      MILL_CO_TRY(call.kept, co_await CopyBytes(call, source.version, 0, size, algorithm));
    }
    object = NewVersion(std::move(attributes), call.kept);
  }
  const auto written = co_await Publish(call, bucket, key, object, "CopyObject");
  if (!written) {
    if (!shares) MILL_CO_CHECK(co_await Forget(call, call.kept));
    co_return written.error();
  }
  Json::Object result{{"ETag", Quoted(written->StringOr("ETag", ""))},
                      {"LastModified", SecondsOf((*written)["LastModified"])}};
  Json::Object output;
  SetWritten(bucket, *written, output);
  for (const std::string_view algorithm : kAlgorithms)
    result.SetIf(ChecksumMember(algorithm), written->Find(ChecksumMember(algorithm)));
  output.Set("CopyObjectResult", Json(std::move(result)));
  if (source.bucket.is_versioned()) output.Set("CopySourceVersionId", VersionIdOf(source.version));
  co_return Json(std::move(output));
}

Task<Json> UploadPartCopy(Call& call) {
  MILL_CO_CHECK(CheckUnbuilt(call.input));
  MILL_CO_TRY(const Source source, co_await CopySource(call));
  const auto size = static_cast<uint64_t>(source.version.IntOr("Size", 0));
  ByteRange range{0, size};
  const std::string given = call.input.StringOr("CopySourceRange", "");
  if (!given.empty()) {
    MILL_CO_TRY(const auto parsed, ParseRange(given, size));
    if (!parsed)
      co_return InvalidArgument(
          "The x-amz-copy-source-range value must be of the form "
          "bytes=first-last where first and last are the zero-based offsets "
          "of the first and last bytes to copy",
          "x-amz-copy-source-range", given);
    range = *parsed;
  }
  if (call.kept.is_null()) {
    MILL_CO_TRY(call.kept,
                co_await CopyBytes(call, source.version, range.offset, range.length, ""));
  }
  MILL_CO_TRY(const Json part, co_await KeepPart(call, call.kept));
  Json::Object output{
      {"CopyPartResult", Json::Object{{"ETag", Quoted(part.StringOr("ETag", ""))},
                                      {"LastModified", SecondsOf(part["LastModified"])}}}};
  if (source.bucket.is_versioned()) output.Set("CopySourceVersionId", VersionIdOf(source.version));
  co_return Json(std::move(output));
}

Task<Json> GetObjectTagging(Call& call) {
  MILL_CO_TRY(const Bucket bucket, co_await InputBucket(call));
  MILL_CO_TRY(const std::string key, InputKey(call));
  MILL_CO_TRY(const Json version, co_await ReadableVersion(call, bucket, key));
  const Json& tags = version["TagSet"];
  Json::Object output{{"TagSet", tags.is_null() ? Json(Json::Array{}) : tags}};
  if (bucket.is_versioned()) output.Set("VersionId", VersionIdOf(version));
  co_return Json(std::move(output));
}

Task<Json> PutObjectTagging(Call& call) {
  MILL_CO_TRY(const Bucket bucket, co_await InputBucket(call));
  MILL_CO_TRY(const std::string key, InputKey(call));
  const Json tags = call.input["Tagging"]["TagSet"];
  MILL_CO_CHECK(CheckTags(tags.is_null() ? Json(Json::Array{}) : tags, kTagsMax));
  const std::string version_id = call.input.StringOr("VersionId", "");
  MILL_CO_CHECK(co_await RewriteVersion(call, bucket, key, version_id, "TagSet", tags));
  co_return Json::Object{};
}

Task<Json> DeleteObjectTagging(Call& call) {
  MILL_CO_TRY(const Bucket bucket, co_await InputBucket(call));
  MILL_CO_TRY(const std::string key, InputKey(call));
  const std::string version_id = call.input.StringOr("VersionId", "");
  MILL_CO_CHECK(co_await RewriteVersion(call, bucket, key, version_id, "TagSet", Json()));
  co_return Json::Object{};
}

Task<Json> GetObjectAttributes(Call& call) {
  MILL_CO_CHECK(CheckUnbuilt(call.input));
  MILL_CO_TRY(const Bucket bucket, co_await InputBucket(call));
  MILL_CO_TRY(const std::string key, InputKey(call));
  MILL_CO_TRY(const Json version, co_await ReadableVersion(call, bucket, key));
  Json::Object output{{"LastModified", SecondsOf(version["LastModified"])}};
  if (bucket.is_versioned()) output.Set("VersionId", VersionIdOf(version));
  const Json& wanted = call.input["ObjectAttributes"];
  if (!wanted.is_array())
    co_return InvalidArgument("Missing header", "x-amz-object-attributes", "");
  for (const Json& attribute : wanted.items()) {
    const std::string& name = attribute.AsString();
    if (name == "ETag") output.Set("ETag", version["ETag"]);
    if (name == "ObjectSize") output.Set("ObjectSize", version["Size"]);
    if (name == "StorageClass")
      output.Set("StorageClass", version.StringOr("StorageClass", "STANDARD"));
    if (name == "Checksum") {
      Json::Object sums;
      for (const std::string_view algorithm : kAlgorithms)
        sums.SetIf(ChecksumMember(algorithm), version.Find(ChecksumMember(algorithm)));
      sums.SetIf("ChecksumType", version.Find("ChecksumType"));
      if (!sums.members.empty()) output.Set("Checksum", Json(std::move(sums)));
    }
    if (name == "ObjectParts" && version["Parts"].is_array())
      output.Set("ObjectParts", Json::Object{{"TotalPartsCount", version["Parts"].size()},
                                             {"IsTruncated", false}});
  }
  co_return Json(std::move(output));
}

Task<Json> RemoveBlobs(Call& call) {
  const Json& blobs = call.input["event"]["detail"]["blobs"];
  if (!blobs.is_array()) co_return Json::Object{};
  for (const Json& blob : blobs.items())
    if (IsBeingRead(blob.AsString()))
      co_return Error{Code::kUnavailable, "BlobIsBeingRead",
                      "an answer still reads blob " + blob.AsString()};
  for (const Json& blob : blobs.items()) {
    const BlobId id{blob.AsString()};
    MILL_CO_CHECK(co_await call.ports.blobs.Remove(id));
  }
  co_return Json::Object{};
}

}  // namespace stepmill::s3
