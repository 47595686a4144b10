#include <algorithm>

#include "base/checksum.h"
#include "base/digest.h"
#include "base/strings.h"
#include "blob/blob_store.h"
#include "service/s3/content.h"
#include "service/s3/documents.h"
#include "service/s3/errors.h"
#include "service/s3/limits.h"
#include "service/s3/operations.h"
#include "task/ports.h"

namespace stepmill::s3 {
namespace {

struct Upload {
  Bucket bucket;
  std::string key, id;
  Document document;
};

Task<Upload> InputUpload(Call& call) {
  Upload upload;
  MILL_CO_TRY(upload.bucket, co_await InputBucket(call));
  MILL_CO_TRY(upload.key, InputKey(call));
  upload.id = call.input.StringOr("UploadId", "");
  MILL_CO_TRY(auto found, co_await call.ports.store.Get(UploadKey(call, upload.bucket, upload.id)));
  if (!found || found->body.StringOr("Key", "") != upload.key) co_return NoSuchUpload(upload.id);
  upload.document = *std::move(found);
  co_return upload;
}

/// All parts of an upload by their number.
Task<std::vector<Document>> AllParts(Call& call, std::string upload) {
  const Key prefix = PartPrefix(call, upload);
  return call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward, kPartsMax);
}

Result<int64_t> InputPartNumber(const Call& call) {
  const int64_t number = call.input.IntOr("PartNumber", 0);
  if (number < 1 || number > kPartsMax)
    return InvalidArgument("Part number must be an integer between 1 and 10000, inclusive",
                           "partNumber", std::to_string(number));
  return number;
}

Error InvalidPart(const std::string& upload, int64_t number, const std::string& etag) {
  return {Code::kInvalid,
          "InvalidPart",
          "One or more of the specified parts could not be found.  The part may not have been "
          "uploaded, or the specified entity tag may not match the part's entity tag.",
          {{"UploadId", upload}, {"PartNumber", std::to_string(number)}, {"ETag", etag}}};
}

Error EntityTooSmall(int64_t size, int64_t number, const std::string& etag) {
  return {Code::kInvalid,
          "EntityTooSmall",
          "Your proposed upload is smaller than the minimum allowed size",
          {{"ProposedSize", std::to_string(size)},
           {"MinSizeAllowed", std::to_string(kPartBytesMin)},
           {"PartNumber", std::to_string(number)},
           {"ETag", etag}}};
}

/// The parts that CompleteMultipartUpload lists, in their order.
Result<std::vector<const Document*>> ChosenParts(const Call& call, const Upload& upload,
                                                 const std::vector<Document>& parts) {
  const Json& listed = call.input["MultipartUpload"]["Parts"];
  if (!listed.is_array() || listed.size() == 0 || listed.size() > kPartsMax) return MalformedXml();
  std::vector<const Document*> chosen;
  int64_t previous = 0;
  for (const Json& given : listed.items()) {
    const int64_t number = given.IntOr("PartNumber", 0);
    if (number <= previous)
      return Error{Code::kInvalid,
                   "InvalidPartOrder",
                   "The list of parts was not in ascending order. Parts must be ordered by part "
                   "number.",
                   {{"UploadId", upload.id}}};
    previous = number;
    const std::string etag = ReplaceAll(given.StringOr("ETag", ""), "\"", "");
    const Key at = PartKey(call, upload.id, number);
    const auto found =
        std::lower_bound(parts.begin(), parts.end(), at,
                         [](const Document& part, const Key& key) { return part.key < key; });
    if (found == parts.end() || found->key != at || found->body.StringOr("ETag", "") != etag)
      return InvalidPart(upload.id, number, etag);
    for (const std::string_view algorithm : kAlgorithms) {
      const std::string member = ChecksumMember(algorithm);
      if (given.Has(member) && given[member] != found->body[member])
        return InvalidPart(upload.id, number, etag);
    }
    chosen.push_back(&*found);
  }
  for (size_t i = 0; i + 1 < chosen.size(); ++i) {
    const Json& part = chosen[i]->body;
    const int64_t size = part.IntOr("Size", 0);
    if (size < static_cast<int64_t>(kPartBytesMin))
      return EntityTooSmall(size, part.IntOr("PartNumber", 0), part.StringOr("ETag", ""));
  }
  return chosen;
}

/// The object's document but for its attributes: size, blobs, parts, the ETag over the parts'.
Json Assemble(Json::Object object, const std::vector<const Document*>& chosen) {
  Json::Array blobs, parts;
  std::string digests;
  int64_t size = 0;
  for (const Document* document : chosen) {
    const Json& part = document->body;
    blobs.push_back(Json::Object{{"Blob", part["Blob"]}, {"Size", part["Size"]}});
    parts.push_back(part.Without("Blob").Without("ETag").Without("LastModified"));
    digests += *Unhex(part.StringOr("ETag", ""));
    size += part.IntOr("Size", 0);
  }
  object.Set("ETag", Hex(Md5(digests)) + "-" + std::to_string(chosen.size()));
  object.Set("Size", size);
  object.Set("Blobs", Json(std::move(blobs)));
  object.Set("Parts", Json(std::move(parts)));
  return Json(std::move(object));
}

/// The checksum of the whole object: over the parts' checksums (COMPOSITE) or over its bytes.
Task<Json> AddChecksum(Call& call, Json object, Json upload, std::vector<const Document*> chosen) {
  const std::string algorithm = upload.StringOr("ChecksumAlgorithm", "");
  if (algorithm.empty()) co_return object;
  const std::string member = ChecksumMember(algorithm);
  const std::string type = upload.StringOr("ChecksumType", "COMPOSITE");
  std::string value;
  if (type == "COMPOSITE") {
    Checksum sum(*Checksum::KindFor(algorithm));
    for (const Document* part : chosen)
      sum.Update(Unbase64(part->body.StringOr(member, "")).value_or(""));
    value = Base64(sum.Finish()) + "-" + std::to_string(chosen.size());
  } else {
    MILL_CO_TRY(value, co_await ChecksumOf(call, BlobsOf(object), algorithm));
  }
  const Json& given = call.input[member];
  if (given.is_string() && given.AsString() != value) co_return BadChecksum(algorithm);
  co_return object.With(member, value).With("ChecksumType", type);
}

void DropUpload(Call& call, const Upload& upload, const std::vector<Document>& parts) {
  call.batch.expects.push_back({upload.document.key, upload.document.version});
  call.batch.Delete(upload.document.key);
  for (const Document& part : parts) {
    call.batch.expects.push_back({part.key, part.version});
    call.batch.Delete(part.key);
  }
}

std::string Encoded(const Call& call, const std::string& text) {
  return call.input.StringOr("EncodingType", "") == "url" ? UrlEncode(text, true) : text;
}

}  // namespace

Task<Json> CreateMultipartUpload(Call& call) {
  MILL_CO_TRY(const Bucket bucket, co_await InputBucket(call));
  MILL_CO_TRY(const std::string key, InputKey(call));
  MILL_CO_TRY(Json::Object attributes, Attributes(call.input));
  const std::string algorithm = ToUpper(call.input.StringOr("ChecksumAlgorithm", ""));
  const std::string usual = algorithm == "CRC64NVME" ? "FULL_OBJECT" : "COMPOSITE";
  const std::string type = call.input.StringOr("ChecksumType", usual);
  if (algorithm.empty() && call.input.Has("ChecksumType"))
    co_return InvalidRequest(
        "The x-amz-checksum-type header can only be used with the "
        "x-amz-checksum-algorithm header.");
  const bool is_crc = algorithm.starts_with("CRC");
  if ((type == "FULL_OBJECT" && !is_crc) || (type == "COMPOSITE" && algorithm == "CRC64NVME"))
    if (!algorithm.empty())
      co_return InvalidRequest("The " + type + " checksum type cannot be used with the " +
                               ToLower(algorithm) + " checksum algorithm.");
  const std::string id = ReplaceAll(call.ports.random.NewUuid(), "-", "") +
                         ReplaceAll(call.ports.random.NewUuid(), "-", "");
  Json::Object output{{"Bucket", bucket.name}, {"Key", key}, {"UploadId", id}};
  output.Set("ServerSideEncryption", "AES256");
  Json::Object upload{{"Key", key},
                      {"Initiated", MillisSinceEpoch(call.now)},
                      {"Attributes", Json(std::move(attributes))}};
  if (!algorithm.empty()) {
    for (Json::Object* both : {&output, &upload}) {
      both->Set("ChecksumAlgorithm", algorithm);
      both->Set("ChecksumType", type);
    }
  }
  call.batch.expects.push_back({bucket.document.key, bucket.document.version});
  call.batch.Create(UploadKey(call, bucket, id), Json(std::move(upload)));
  co_return Json(std::move(output));
}

Task<Json> KeepPart(Call& call, Json stored) {
  const auto kept = [](Call& inner, Json part) -> Task<Json> {
    MILL_CO_TRY(const int64_t number, InputPartNumber(inner));
    MILL_CO_TRY(const Upload upload, co_await InputUpload(inner));
    const Key at = PartKey(inner, upload.id, number);
    MILL_CO_TRY(const auto previous, co_await inner.ports.store.Get(at));
    part = part.With("PartNumber", number).With("LastModified", MillisSinceEpoch(inner.now));
    inner.batch.expects.push_back({upload.document.key, upload.document.version});
    inner.batch.expects.push_back({at, previous ? previous->version : 0});
    inner.batch.PutDocument(at, part);
    if (previous) {
      const std::vector<std::string> replaced{previous->body.StringOr("Blob", "")};
      Unname(inner, replaced);
    }
    co_return part;
  };
  const auto part = co_await kept(call, stored);
  if (part) co_return *part;
  const BlobId id{stored.StringOr("Blob", "")};
  MILL_CO_CHECK(co_await call.ports.blobs.Remove(id));
  co_return part.error();
}

Task<Json> UploadPart(Call& call) {
  MILL_CO_CHECK(CheckUnbuilt(call.input));
  if (call.kept.is_null()) {  // refused before the body is read
    MILL_CO_CHECK(InputPartNumber(call));
    MILL_CO_TRY(const Upload upload, co_await InputUpload(call));
    const std::string algorithm = upload.document.body.StringOr("ChecksumAlgorithm", "");
    const std::string given = ToUpper(call.input.StringOr("ChecksumAlgorithm", algorithm));
    if (!algorithm.empty() && given != algorithm)
      co_return InvalidRequest("Checksum Type mismatch occurred, expected checksum Type: " +
                               ToLower(algorithm) + ", actual checksum Type: " + ToLower(given));
    if (!algorithm.empty()) call.input = call.input.With("ChecksumAlgorithm", algorithm);
  }
  MILL_CO_TRY(const Json stored, co_await Ingest(call));
  MILL_CO_TRY(const Json part, co_await KeepPart(call, stored));
  Json::Object output{{"ETag", Quoted(part.StringOr("ETag", ""))},
                      {"ServerSideEncryption", "AES256"}};
  for (const std::string_view algorithm : kAlgorithms)
    output.SetIf(ChecksumMember(algorithm), part.Find(ChecksumMember(algorithm)));
  co_return Json(std::move(output));
}

Task<Json> CompleteMultipartUpload(Call& call) {
  MILL_CO_TRY(const Upload upload, co_await InputUpload(call));
  MILL_CO_CHECK(CheckUnbuilt(call.input));
  MILL_CO_TRY(const std::vector<Document> parts, co_await AllParts(call, upload.id));
  MILL_CO_TRY(const auto chosen, ChosenParts(call, upload, parts));
  const Json& body = upload.document.body;
  Json::Object attributes;
  attributes.members = body["Attributes"].members();
  Json object = Assemble(std::move(attributes), chosen);
  if (call.input.IntOr("MpuObjectSize", object.IntOr("Size", 0)) != object.IntOr("Size", 0))
    co_return InvalidRequest(
        "The provided 'x-amz-mp-object-size' header does not match what was "
        "computed.");
  MILL_CO_TRY(object, co_await AddChecksum(call, object, body, chosen));
  MILL_CO_TRY(const Json written,
              co_await Publish(call, upload.bucket, upload.key, object, "CompleteMultipartUpload"));
  DropUpload(call, upload, parts);
  std::vector<std::string> unused;
  for (const Document& part : parts)
    if (std::find(chosen.begin(), chosen.end(), &part) == chosen.end())
      unused.push_back(part.body.StringOr("Blob", ""));
  Unname(call, unused);
  Json::Object output{{"Location", "https://" + upload.bucket.name + ".s3." + call.region +
                                       ".amazonaws.com/" + UrlEncode(upload.key, true)},
                      {"Bucket", upload.bucket.name},
                      {"Key", upload.key},
                      {"ETag", Quoted(written.StringOr("ETag", ""))},
                      {"ServerSideEncryption", "AES256"}};
  if (upload.bucket.is_versioned()) output.Set("VersionId", VersionIdOf(written));
  for (const std::string_view algorithm : kAlgorithms)
    output.SetIf(ChecksumMember(algorithm), written.Find(ChecksumMember(algorithm)));
  output.SetIf("ChecksumType", written.Find("ChecksumType"));
  co_return Json(std::move(output));
}

Task<Json> AbortMultipartUpload(Call& call) {
  MILL_CO_TRY(const Upload upload, co_await InputUpload(call));
  MILL_CO_TRY(const std::vector<Document> parts, co_await AllParts(call, upload.id));
  DropUpload(call, upload, parts);
  std::vector<std::string> unused;
  for (const Document& part : parts) unused.push_back(part.body.StringOr("Blob", ""));
  Unname(call, unused);
  co_return Json::Object{};
}

Task<Json> ListParts(Call& call) {
  MILL_CO_TRY(const Upload upload, co_await InputUpload(call));
  const auto count_max = std::clamp<int64_t>(call.input.IntOr("MaxParts", kPageMax), 0, kPageMax);
  int64_t marker = call.input.IntOr("PartNumberMarker", 0);
  if (call.input["PartNumberMarker"].is_string())
    marker = ParseInt(call.input["PartNumberMarker"].AsString()).value_or(0);
  const Key from = PartKey(call, upload.id, std::clamp<int64_t>(marker, 0, kPartsMax) + 1);
  MILL_CO_TRY(auto found, co_await call.ports.store.Range(
                              from, PrefixEnd(PartPrefix(call, upload.id)), Direction::kForward,
                              static_cast<int>(count_max) + 1));
  const bool is_truncated = static_cast<int64_t>(found.size()) > count_max;
  if (is_truncated) found.pop_back();
  Json::Array parts;
  for (const Document& document : found) {
    const Json& part = document.body;
    Json::Object entry{{"PartNumber", part["PartNumber"]},
                       {"LastModified", SecondsOf(part["LastModified"])},
                       {"ETag", Quoted(part.StringOr("ETag", ""))},
                       {"Size", part["Size"]}};
    for (const std::string_view algorithm : kAlgorithms)
      entry.SetIf(ChecksumMember(algorithm), part.Find(ChecksumMember(algorithm)));
    parts.push_back(Json(std::move(entry)));
  }
  const Json last = parts.empty() ? Json(marker) : parts.back()["PartNumber"];
  const Json& body = upload.document.body;
  Json::Object output{{"Bucket", upload.bucket.name},
                      {"Key", upload.key},
                      {"UploadId", upload.id},
                      {"PartNumberMarker", marker},
                      {"NextPartNumberMarker", last},
                      {"MaxParts", count_max},
                      {"IsTruncated", is_truncated},
                      {"Parts", Json(std::move(parts))},
                      {"Initiator", Owner(call)},
                      {"Owner", Owner(call)},
                      {"StorageClass", body["Attributes"].StringOr("StorageClass", "STANDARD")}};
  output.SetIf("ChecksumAlgorithm", body.Find("ChecksumAlgorithm"));
  output.SetIf("ChecksumType", body.Find("ChecksumType"));
  co_return Json(std::move(output));
}

Task<Json> ListMultipartUploads(Call& call) {
  MILL_CO_TRY(const Bucket bucket, co_await InputBucket(call));
  const Key prefix = UploadPrefix(call, bucket);
  MILL_CO_TRY(auto found, co_await call.ports.store.Range(prefix, PrefixEnd(prefix),
                                                          Direction::kForward, kUploadsMax));
  // Few are unfinished at a time: by key, then by the time of their begin.
  std::stable_sort(found.begin(), found.end(), [](const Document& a, const Document& b) {
    const std::string left = a.body.StringOr("Key", ""), right = b.body.StringOr("Key", "");
    return left != right ? left < right
                         : a.body.IntOr("Initiated", 0) < b.body.IntOr("Initiated", 0);
  });
  const std::string wanted = call.input.StringOr("Prefix", "");
  const std::string delimiter = call.input.StringOr("Delimiter", "");
  const std::string key_marker = call.input.StringOr("KeyMarker", "");
  const std::string id_marker = call.input.StringOr("UploadIdMarker", "");
  const auto count_max = std::clamp<int64_t>(call.input.IntOr("MaxUploads", kPageMax), 0, kPageMax);
  Json::Array uploads, folders;
  std::string last_folder, next_key, next_id;
  bool is_truncated = false, is_past_id = id_marker.empty();
  for (const Document& document : found) {
    const std::string key = document.body.StringOr("Key", "");
    const std::string id = KeyParts(document.key).back();
    if (!key.starts_with(wanted) || key < key_marker) continue;
    if (!key_marker.empty() && key == key_marker) {
      const bool was_past = is_past_id && !id_marker.empty();
      is_past_id |= id == id_marker;
      if (!was_past) continue;
    }
    std::string folder;
    if (!delimiter.empty()) {
      const size_t end = key.find(delimiter, wanted.size());
      if (end != std::string::npos) folder = key.substr(0, end + delimiter.size());
    }
    if (!folder.empty() && (folder == last_folder || folder == key_marker)) continue;
    if (static_cast<int64_t>(uploads.size() + folders.size()) == count_max) {
      is_truncated = true;
      break;
    }
    next_key = folder.empty() ? key : folder;
    next_id = folder.empty() ? id : "";
    if (!folder.empty()) {
      last_folder = folder;
      folders.push_back(Json::Object{{"Prefix", Encoded(call, folder)}});
      continue;
    }
    const Json& body = document.body;
    Json::Object entry{{"UploadId", id},
                       {"Key", Encoded(call, key)},
                       {"Initiated", SecondsOf(body["Initiated"])},
                       {"StorageClass", body["Attributes"].StringOr("StorageClass", "STANDARD")},
                       {"Owner", Owner(call)},
                       {"Initiator", Owner(call)}};
    entry.SetIf("ChecksumAlgorithm", body.Find("ChecksumAlgorithm"));
    entry.SetIf("ChecksumType", body.Find("ChecksumType"));
    uploads.push_back(Json(std::move(entry)));
  }
  Json::Object output{{"Bucket", bucket.name},
                      {"KeyMarker", Encoded(call, key_marker)},
                      {"UploadIdMarker", id_marker},
                      {"Prefix", Encoded(call, wanted)},
                      {"MaxUploads", count_max},
                      {"IsTruncated", is_truncated},
                      {"Uploads", Json(std::move(uploads))},
                      {"CommonPrefixes", Json(std::move(folders))}};
  output.SetIf("EncodingType", call.input.Find("EncodingType"));
  if (!delimiter.empty()) output.Set("Delimiter", Encoded(call, delimiter));
  if (is_truncated) {
    output.Set("NextKeyMarker", Encoded(call, next_key));
    output.Set("NextUploadIdMarker", next_id);
  }
  co_return Json(std::move(output));
}

}  // namespace stepmill::s3
