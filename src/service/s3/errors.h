#pragma once

#include <string>

#include "base/result.h"

/// S3's errors, with its codes and texts.
namespace stepmill::s3 {

inline Error NoSuchBucket(const std::string& bucket) {
  return {Code::kNotFound,
          "NoSuchBucket",
          "The specified bucket does not exist",
          {{"BucketName", bucket}}};
}
inline Error AccessDenied() { return {Code::kDenied, "AccessDenied", "Access Denied"}; }
inline Error NoSuchKey(const std::string& key) {
  return {Code::kNotFound, "NoSuchKey", "The specified key does not exist.", {{"Key", key}}};
}
inline Error NoSuchVersion(const std::string& key, const std::string& version) {
  return {Code::kNotFound,
          "NoSuchVersion",
          "The specified version does not exist.",
          {{"Key", key}, {"VersionId", version}}};
}
inline Error NoSuchUpload(const std::string& upload) {
  return {Code::kNotFound,
          "NoSuchUpload",
          "The specified upload does not exist. The upload ID may be invalid, or the upload may "
          "have been aborted or completed.",
          {{"UploadId", upload}}};
}
inline Error BucketAlreadyExists(const std::string& bucket) {
  return {Code::kConflict,
          "BucketAlreadyExists",
          "The requested bucket name is not available. The bucket namespace is shared by all users "
          "of the system. Please select a different name and try again.",
          {{"BucketName", bucket}}};
}
inline Error BucketAlreadyOwnedByYou(const std::string& bucket) {
  return {Code::kConflict,
          "BucketAlreadyOwnedByYou",
          "Your previous request to create the named bucket succeeded and you already own it.",
          {{"BucketName", bucket}}};
}
inline Error BucketNotEmpty(const std::string& bucket, bool has_versions) {
  return {Code::kConflict,
          "BucketNotEmpty",
          has_versions
              ? "The bucket you tried to delete is not empty. You must delete all versions "
                "in the bucket."
              : "The bucket you tried to delete is not empty",
          {{"BucketName", bucket}}};
}
inline Error InvalidBucketName(const std::string& bucket) {
  return {Code::kInvalid,
          "InvalidBucketName",
          "The specified bucket is not valid.",
          {{"BucketName", bucket}}};
}
inline Error IllegalLocation(const std::string& location) {
  return {Code::kInvalid, "IllegalLocationConstraintException",
          "The " + (location.empty() ? "unspecified" : location) +
              " location constraint is incompatible for the region specific endpoint this request "
              "was sent to."};
}
inline Error KeyTooLong(size_t bytes) {
  return {Code::kInvalid,
          "KeyTooLongError",
          "Your key is too long",
          {{"Size", std::to_string(bytes)}, {"MaxSizeAllowed", "1024"}}};
}
inline Error InvalidArgument(std::string message, const std::string& name,
                             const std::string& value) {
  return {Code::kInvalid,
          "InvalidArgument",
          std::move(message),
          {{"ArgumentName", name}, {"ArgumentValue", value}}};
}
inline Error InvalidRequest(std::string message) {
  return {Code::kInvalid, "InvalidRequest", std::move(message)};
}
inline Error MalformedXml() {
  return {Code::kInvalid, "MalformedXML",
          "The XML you provided was not well-formed or did not validate against our published "
          "schema"};
}
inline Error NotImplemented(const std::string& what) {
  return {Code::kInvalid, "NotImplemented",
          "A parameter you provided implies functionality that is not implemented: " + what};
}
inline Error PreconditionFailed(const std::string& condition) {
  return {Code::kConflict,
          "PreconditionFailed",
          "At least one of the pre-conditions you specified did not hold",
          {{"Condition", condition}}};
}
inline Error NotModified(const std::string& etag, const std::string& modified) {
  return {Code::kConflict,
          "NotModified",
          "Not Modified",
          {{"http:ETag", etag}, {"http:Last-Modified", modified}}};
}
inline Error InvalidRange(const std::string& range, uint64_t size) {
  return {Code::kInvalid,
          "InvalidRange",
          "The requested range is not satisfiable",
          {{"RangeRequested", range}, {"ActualObjectSize", std::to_string(size)}}};
}
inline Error EntityTooLarge(uint64_t size, uint64_t size_max) {
  return {Code::kLimit,
          "EntityTooLarge",
          "Your proposed upload exceeds the maximum allowed size",
          {{"ProposedSize", std::to_string(size)}, {"MaxSizeAllowed", std::to_string(size_max)}}};
}
inline Error IncompleteBody() {
  return {Code::kInvalid, "IncompleteBody",
          "You did not provide the number of bytes specified by the Content-Length HTTP header"};
}
inline Error InvalidDigest(const std::string& given) {
  return {Code::kInvalid,
          "InvalidDigest",
          "The Content-MD5 you specified was invalid.",
          {{"Content-MD5", given}}};
}
inline Error BadMd5(const std::string& expected, const std::string& calculated) {
  return {Code::kInvalid,
          "BadDigest",
          "The Content-MD5 you specified did not match what we received.",
          {{"ExpectedDigest", expected}, {"CalculatedDigest", calculated}}};
}
inline Error BadChecksum(const std::string& algorithm) {
  return {Code::kInvalid, "BadDigest",
          "The " + algorithm + " you specified did not match the calculated checksum."};
}
inline Error MethodNotAllowed() {
  return {Code::kInvalid, "MethodNotAllowed",
          "The specified method is not allowed against this resource."};
}

}  // namespace stepmill::s3
