#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gate/operation.h"
#include "service/ports.h"

/// What S3 keeps. Bucket names are global, so "aws-global" stands where other services have the
/// region:
///
///   ACCOUNT/aws-global/s3/bucket/NAME        {"Id", "Region", "Created" (ms), "Versioning",
///                                             and one member per kept configuration}
///   aws/aws-global/s3/name/NAME              {"Account"}: whose the name is
///   ACCOUNT/aws-global/s3/object/ID/KEY      the current version of a key; KEY unescaped, so that
///                                             keys are in the order of their bytes
///   ACCOUNT/aws-global/s3/version/ID/KEY/N   earlier versions, newest first (N counts down)
///   ACCOUNT/aws-global/s3/upload/ID/UPLOAD   an unfinished multipart upload
///   ACCOUNT/aws-global/s3/part/UPLOAD/NNNNN  its parts
///
/// ID is drawn when a bucket is made, so that what a racing PUT leaves in a bucket that is deleted
/// at the same moment is never seen in a new one of that name.
///
/// A version: {"ETag" (hex), "Size", "LastModified" (ms), "Blobs": [{"Blob", "Size"}], "Sequence",
/// "VersionId" (absent: "null"), "Marker": true, "HasOlder": true, "Parts": [...]; and under the
/// names of the API what GetObject gives back: ContentType, Metadata, ChecksumCRC32, ...}
///
/// A blob that a batch unnames is removed after it: the batch carries the event "Blobs Unnamed",
/// which the row RemoveBlobs receives.
namespace stepmill::s3 {

struct Bucket {
  Document document;
  std::string name, id;
  std::string versioning() const { return document.body.StringOr("Versioning", ""); }
  bool is_versioned() const { return !versioning().empty(); }
};

Key BucketKey(const Call& call, const std::string& name);
Key BucketPrefix(const Call& call);
Key NameKey(const std::string& name);
Key ObjectPrefix(const Call& call, const Bucket& bucket);
Key ObjectKey(const Call& call, const Bucket& bucket, const std::string& key);
Key VersionPrefix(const Call& call, const Bucket& bucket, const std::string& key);
Key VersionKey(const Call& call, const Bucket& bucket, const std::string& key, int64_t sequence);
Key UploadPrefix(const Call& call, const Bucket& bucket);
Key UploadKey(const Call& call, const Bucket& bucket, const std::string& upload);
Key PartPrefix(const Call& call, const std::string& upload);
Key PartKey(const Call& call, const std::string& upload, int64_t number);

/// The bucket that the input names, checked against ExpectedBucketOwner. NoSuchBucket; AccessDenied
/// when it is another account's.
Task<Bucket> InputBucket(Call& call);
Task<Bucket> FindBucket(Call& call, std::string name);
/// The input's key: KeyTooLongError, InvalidArgument.
Result<std::string> InputKey(const Call& call);

/// A version of an object (also a delete marker) by its id; an empty id: the current one.
/// NoSuchKey, NoSuchVersion.
Task<Json> FindVersion(Call& call, const Bucket& bucket, std::string key, std::string version_id);

/// Makes `object` the current version of `key`, under the input's IfMatch and IfNoneMatch, and
/// announces it ("PutObject", "CopyObject", "CompleteMultipartUpload"). Returns what was written.
Task<Json> Publish(Call& call, const Bucket& bucket, std::string key, Json object,
                   std::string reason);

/// Rewrites members of a version in place (tags).
Task<> RewriteVersion(Call& call, const Bucket& bucket, std::string key, std::string version_id,
                      std::string member, Json value);

/// Deletes the versions of one key that are named, or adds a delete marker, as DeleteObject does.
/// Each of `version_ids` is one deletion, empty for one without a version; the answers stand in
/// the same order: {"DeleteMarker", "VersionId", "DeleteMarkerVersionId"} as AWS gives them.
Task<std::vector<Json>> Delete(Call& call, const Bucket& bucket, std::string key,
                               std::vector<std::string> version_ids);

/// Blobs of a version or a part; RemoveBlobs removes them after the batch.
std::vector<std::string> BlobsOf(const Json& version);
void Unname(Call& call, const std::vector<std::string>& blobs);

std::string Quoted(const std::string& etag);
std::string VersionIdOf(const Json& version);  ///< "null" where it has none
Json Owner(const Call& call);
double SecondsOf(const Json& millis);

}  // namespace stepmill::s3
