#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gate/operation.h"
#include "gate/principal.h"
#include "service/ports.h"
#include "task/task.h"

/// Objects for the other services' performers: read and written through the door, as the principal
/// that the caller names (a role's session), so they are authorised and audited like any request.
///
/// Paths are files of this machine. Bytes go to and from them in slices of 256 KiB on the loop
/// thread (the page cache takes them); nothing is held whole in memory but by ReadObject and
/// WriteObject. A file that is downloaded is written beside `path` and renamed into place, not
/// synced: performers do their work again after a crash. Uploads repeat harmlessly: the same bytes
/// under the same key.
///
/// Errors are S3's (NoSuchKey, NoSuchBucket, AccessDenied ...); "FileTrouble" (kUnavailable) when
/// the file cannot be read or written. Threads: loop thread. `as` must outlive the task.
namespace stepmill {

/// s3://BUCKET/KEY or https://s3.../BUCKET/KEY; the key may be empty.
struct ObjectName {
  std::string bucket, key;
};
Result<ObjectName> ParseS3Uri(std::string_view uri);
/// "arn:aws:s3:::BUCKET/KEY".
Result<ObjectName> ParseS3Arn(std::string_view arn);

/// Who asks, and where.
struct ObjectCaller {
  Ports& ports;
  Principal principal;
  std::string account, region;
};

struct ObjectInfo {
  std::string key;
  uint64_t size_bytes = 0;
  std::string etag;        ///< without quotes
  std::string version_id;  ///< empty: the bucket keeps none
};

/// The object as a file at `path`; folders above it are made.
Task<ObjectInfo> DownloadObject(const ObjectCaller& as, ObjectName name, std::string path,
                                std::string version_id = "");
/// The file at `path` as an object. `attributes`: further members of PutObject (ContentType,
/// Metadata, ...), an object or null.
Task<ObjectInfo> UploadObject(const ObjectCaller& as, ObjectName name, std::string path,
                              Json attributes = Json());

/// Small objects in memory; kLimit ("EntityTooLarge") above `bytes_max`.
Task<std::string> ReadObject(const ObjectCaller& as, ObjectName name, uint64_t bytes_max);
Task<ObjectInfo> WriteObject(const ObjectCaller& as, ObjectName name, std::string bytes,
                             Json attributes = Json());

/// What HeadObject says.
Task<ObjectInfo> DescribeObject(const ObjectCaller& as, ObjectName name);
/// Every object whose key starts with name.key, in the order of keys; kLimit above `count_max`.
Task<std::vector<ObjectInfo>> ListObjectsUnder(const ObjectCaller& as, ObjectName name,
                                               size_t count_max = 100'000);

/// Every regular file below `folder` as an object `name.key` + its path from there (symbolic links
/// are not followed); how many. Keys that end in '/' are skipped by the download, which makes
/// `folder` and puts each object of the prefix below it.
Task<size_t> UploadFolder(const ObjectCaller& as, ObjectName name, std::string folder);
Task<size_t> DownloadPrefix(const ObjectCaller& as, ObjectName name, std::string folder);

}  // namespace stepmill
