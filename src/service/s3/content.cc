#include "service/s3/content.h"

#include <map>

#include "base/checksum.h"
#include "base/digest.h"
#include "base/strings.h"
#include "blob/owned_blobs.h"
#include "service/s3/errors.h"
#include "service/s3/leftovers.h"
#include "service/s3/limits.h"

namespace stepmill::s3 {
namespace {

/// Blobs that answers under way still read, with how many do. Of the loop thread.
std::map<std::string, int>& Readers() {
  static std::map<std::string, int> readers;
  return readers;
}

class VersionSource final : public ByteSource {
 public:
  struct Piece {
    std::string blob;
    uint64_t offset, length;
  };
  VersionSource(BlobStore& blobs, std::vector<Piece> pieces)
      : blobs_(blobs), pieces_(std::move(pieces)) {
    for (const Piece& piece : pieces_) ++Readers()[piece.blob];
  }
  ~VersionSource() override {
    for (const Piece& piece : pieces_)
      if (--Readers()[piece.blob] == 0) Readers().erase(piece.blob);
  }
  Task<std::string> Read() override {
    while (true) {
      if (!open_) {
        if (next_ == pieces_.size()) co_return std::string();
        const Piece& piece = pieces_[next_++];
        const BlobId id{piece.blob};
        MILL_CO_TRY(open_, co_await blobs_.Open(id, piece.offset, piece.length));
      }
      MILL_CO_TRY(std::string bytes, co_await open_->Read());
      if (!bytes.empty()) co_return bytes;
      open_.reset();
    }
  }

 private:
  BlobStore& blobs_;
  std::vector<Piece> pieces_;
  size_t next_ = 0;
  std::unique_ptr<ByteSource> open_;
};

/// The checksums to be computed: those given and the one that is named.
struct Sums {
  std::vector<Checksum> running;
  bool with_sha256 = false;

  void Want(std::string_view algorithm) {
    if (algorithm == "SHA256") {
      with_sha256 = true;  // the blob store computes it
      return;
    }
    for (const Checksum& sum : running)
      if (Checksum::Name(sum.kind()) == algorithm) return;
    if (const auto kind = Checksum::KindFor(algorithm)) running.emplace_back(*kind);
  }
};

/// Writes all of `source` into a blob and says what it is; at most `bytes_max` bytes.
Task<Json> StoreBytes(BlobStore& blobs, ByteSource& source, Sums sums, uint64_t bytes_max) {
  Storing storing;
  MILL_CO_TRY(const auto writer,
              co_await CreateBlobFor(blobs, kBlobOwner,
                                     sums.with_sha256 ? BlobHashes::kAll : BlobHashes::kMd5));
  uint64_t size = 0;
  while (true) {
    MILL_CO_TRY(std::string bytes, co_await source.Read());
    if (bytes.empty()) break;
    size += bytes.size();
    if (size > bytes_max) co_return EntityTooLarge(size, bytes_max);
    for (Checksum& sum : sums.running) sum.Update(bytes);
    MILL_CO_CHECK(co_await writer->Write(std::move(bytes)));
  }
  MILL_CO_TRY(const BlobInfo info, co_await writer->Finish());
  storing.Finished(info.id.value);
  Json::Object stored{{"Blob", info.id.value}, {"Size", info.size_bytes}, {"ETag", Hex(info.md5)}};
  for (Checksum& sum : sums.running) {
    const std::string member = ChecksumMember(Checksum::Name(sum.kind()));
    stored.Set(member, Base64(sum.Finish()));
  }
  if (sums.with_sha256) stored.Set("ChecksumSHA256", Base64(info.sha256));
  co_return Json(std::move(stored));
}

Result<> CheckStored(const Json& input, const Json& stored) {
  const int64_t length = input.IntOr("ContentLength", -1);
  if (length >= 0 && stored.IntOr("Size", 0) != length) return IncompleteBody();
  const std::string md5 = input.StringOr("ContentMD5", "");
  const std::string computed = Base64(*Unhex(stored.StringOr("ETag", "")));
  if (!md5.empty() && md5 != computed) return BadMd5(md5, computed);
  for (const std::string_view algorithm : kAlgorithms) {
    const Json& given = input[ChecksumMember(algorithm)];
    if (given.is_string() && given != stored[ChecksumMember(algorithm)])
      return BadChecksum(std::string(algorithm));
  }
  return {};
}

}  // namespace

const std::vector<std::string_view> kAttributeMembers = {
    "CacheControl",    "ContentDisposition",
    "ContentEncoding", "ContentLanguage",
    "ContentType",     "Expires",
    "Metadata",        "WebsiteRedirectLocation"};

std::string ChecksumMember(std::string_view algorithm) {
  return "Checksum" + std::string(algorithm);
}

Task<Json> Ingest(Call& call) {
  if (!call.kept.is_null()) co_return call.kept;
  const Json& input = call.input;
  const int64_t length = input.IntOr("ContentLength", 0);
  if (length > static_cast<int64_t>(kPutBytesMax))
    co_return EntityTooLarge(static_cast<uint64_t>(length), kPutBytesMax);
  const std::string md5 = input.StringOr("ContentMD5", "");
  if (!md5.empty()) {
    const auto raw = Unbase64(md5);
    if (!raw || raw->size() != 16) co_return InvalidDigest(md5);
  }
  Sums sums;
  for (const std::string_view algorithm : kAlgorithms)
    if (input.Has(ChecksumMember(algorithm))) sums.Want(algorithm);
  sums.Want(ToUpper(input.StringOr("ChecksumAlgorithm", "")));
  std::unique_ptr<ByteSource> inline_body;
  if (!call.body) inline_body = BytesSource(Unbase64(input.StringOr("Body", "")).value_or(""));
  ByteSource& body = call.body ? *call.body : *inline_body;
  MILL_CO_TRY(const Json stored,
              co_await StoreBytes(call.ports.blobs, body, std::move(sums), kPutBytesMax));
  if (const auto good = CheckStored(input, stored); !good) {
    const BlobId id{stored.StringOr("Blob", "")};
    MILL_CO_CHECK(co_await call.ports.blobs.Remove(id));
    co_return good.error();
  }
  call.kept = stored;
  co_return stored;
}

Task<Json> CopyBytes(Call& call, Json version, uint64_t offset, uint64_t length,
                     std::string algorithm) {
  Sums sums;
  sums.Want(algorithm);
  const auto source = OpenVersion(call.ports.blobs, version, offset, length);
  co_return co_await StoreBytes(call.ports.blobs, *source, std::move(sums), UINT64_MAX);
}

Task<std::string> ChecksumOf(Call& call, std::vector<std::string> blobs, std::string algorithm) {
  const auto kind = Checksum::KindFor(algorithm);
  if (!kind) co_return NotImplemented("the checksum " + algorithm);
  Checksum sum(*kind);
  for (const std::string& blob : blobs) {
    const BlobId id{blob};
    MILL_CO_TRY(const auto source, co_await call.ports.blobs.Open(id, 0, UINT64_MAX));
    while (true) {
      MILL_CO_TRY(const std::string bytes, co_await source->Read());
      if (bytes.empty()) break;
      sum.Update(bytes);
    }
  }
  co_return Base64(sum.Finish());
}

std::unique_ptr<ByteSource> OpenVersion(BlobStore& blobs, const Json& version, uint64_t offset,
                                        uint64_t length) {
  std::vector<VersionSource::Piece> pieces;
  uint64_t at = 0;
  const uint64_t end = offset + length;
  if (version["Blobs"].is_array()) {
    for (const Json& blob : version["Blobs"].items()) {
      const auto size = static_cast<uint64_t>(blob.IntOr("Size", 0));
      const uint64_t from = std::max(at, offset);
      const uint64_t to = std::min(at + size, end);
      if (from < to) pieces.push_back({blob.StringOr("Blob", ""), from - at, to - from});
      at += size;
    }
  }
  return std::make_unique<VersionSource>(blobs, std::move(pieces));
}

bool IsBeingRead(const std::string& blob) { return Readers().contains(blob); }

Result<std::optional<ByteRange>> ParseRange(const std::string& range, uint64_t size) {
  constexpr std::string_view kUnit = "bytes=";
  const std::optional<ByteRange> whole;
  if (!range.starts_with(kUnit) || range.find(',') != std::string::npos) return whole;
  const std::string_view spec = Trim(std::string_view(range).substr(kUnit.size()));
  const size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return whole;
  const auto first = ParseInt(spec.substr(0, dash));
  const auto last = ParseInt(spec.substr(dash + 1));
  if (dash == 0) {  // the last N bytes
    if (!last) return whole;
    const uint64_t count = std::min(static_cast<uint64_t>(*last), size);
    if (count == 0) return InvalidRange(range, size);
    return std::optional(ByteRange{size - count, count});
  }
  const bool is_open = dash + 1 == spec.size();
  if (!first || (!last && !is_open) || (last && *last < *first)) return whole;
  const auto from = static_cast<uint64_t>(*first);
  if (from >= size) return InvalidRange(range, size);
  const uint64_t to = is_open ? size - 1 : std::min(static_cast<uint64_t>(*last), size - 1);
  return std::optional(ByteRange{from, to - from + 1});
}

Result<> CheckUnbuilt(const Json& input) {
  for (const char* member :
       {"SSECustomerAlgorithm", "SSECustomerKey", "CopySourceSSECustomerAlgorithm", "SSEKMSKeyId",
        "SSEKMSEncryptionContext", "ObjectLockMode", "ObjectLockRetainUntilDate",
        "WriteOffsetBytes", "ChecksumSHA512", "ChecksumMD5", "ChecksumXXHASH64", "ChecksumXXHASH3",
        "ChecksumXXHASH128"})
    if (input.Has(member)) return NotImplemented(member);
  if (input.StringOr("ObjectLockLegalHoldStatus", "OFF") == "ON")
    return NotImplemented("ObjectLockLegalHoldStatus");
  const std::string encryption = input.StringOr("ServerSideEncryption", "AES256");
  if (encryption != "AES256") return NotImplemented("ServerSideEncryption " + encryption);
  const std::string acl = input.StringOr("ACL", "private");
  if (acl != "private" && !acl.starts_with("bucket-owner-")) return NotImplemented("ACL " + acl);
  for (const char* member :
       {"GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP"})
    if (input.Has(member)) return NotImplemented(member);
  const std::string algorithm = ToUpper(input.StringOr("ChecksumAlgorithm", ""));
  if (!algorithm.empty() && !Checksum::KindFor(algorithm))
    return NotImplemented("ChecksumAlgorithm " + algorithm);
  return {};
}

Result<Json> TagsFromQuery(const std::string& tagging) {
  Json::Array tags;
  for (const std::string_view part : Split(tagging, '&')) {
    if (part.empty()) continue;
    const size_t equals = part.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
    tags.push_back(Json::Object{{"Key", UrlDecode(part.substr(0, equals), true)},
                                {"Value", UrlDecode(value, true)}});
  }
  Json set(std::move(tags));
  MILL_CHECK(CheckTags(set, kTagsMax));
  return set;
}

Result<> CheckTags(const Json& tags, size_t tags_max) {
  if (!tags.is_array()) return MalformedXml();
  if (tags.size() > tags_max)
    return Error{Code::kInvalid, "BadRequest",
                 "Object tags cannot be greater than " + std::to_string(tags_max)};
  for (size_t i = 0; i < tags.size(); ++i) {
    const std::string key = tags.At(i).StringOr("Key", "");
    if (key.empty() || Utf16Length(key) > 128)
      return Error{Code::kInvalid, "InvalidTag", "The TagKey you have provided is invalid"};
    if (Utf16Length(tags.At(i).StringOr("Value", "")) > 256)
      return Error{Code::kInvalid, "InvalidTag", "The TagValue you have provided is invalid"};
    for (size_t j = 0; j < i; ++j)
      if (tags.At(j).StringOr("Key", "") == key)
        return Error{Code::kInvalid, "InvalidTag",
                     "Cannot provide multiple Tags with the same key"};
  }
  return {};
}

Result<Json::Object> Attributes(const Json& input) {
  MILL_CHECK(CheckUnbuilt(input));
  Json::Object kept;
  for (const std::string_view member : kAttributeMembers) kept.SetIf(member, input.Find(member));
  const Json& metadata = input["Metadata"];
  size_t metadata_bytes = 0;
  if (metadata.is_object())
    for (const Json::Member& member : metadata.members())
      metadata_bytes += member.name.size() + member.value.AsString().size();
  if (metadata_bytes > kMetadataBytesMax)
    return Error{Code::kInvalid,
                 "MetadataTooLarge",
                 "Your metadata headers exceed the maximum allowed metadata size",
                 {{"Size", std::to_string(metadata_bytes)},
                  {"MaxSizeAllowed", std::to_string(kMetadataBytesMax)}}};
  const std::string storage = input.StringOr("StorageClass", "STANDARD");
  if (storage != "STANDARD") kept.Set("StorageClass", storage);
  if (input.Has("Tagging") && input["Tagging"].is_string()) {
    MILL_TRY(Json tags, TagsFromQuery(input["Tagging"].AsString()));
    if (tags.size() > 0) kept.Set("TagSet", std::move(tags));
  }
  return kept;
}

}  // namespace stepmill::s3
