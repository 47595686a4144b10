#pragma once

#include "gate/operation.h"

/// The handlers of the table in service.cc, by their AWS names.
namespace stepmill::s3 {

Task<Json> AbortMultipartUpload(Call& call);
Task<Json> CompleteMultipartUpload(Call& call);
Task<Json> CopyObject(Call& call);
Task<Json> CreateBucket(Call& call);
Task<Json> CreateMultipartUpload(Call& call);
Task<Json> DeleteBucket(Call& call);
Task<Json> DeleteBucketPolicy(Call& call);
Task<Json> DeleteBucketTagging(Call& call);
Task<Json> DeleteObject(Call& call);
Task<Json> DeleteObjectTagging(Call& call);
Task<Json> DeleteObjects(Call& call);
Task<Json> DeletePublicAccessBlock(Call& call);
Task<Json> GetBucketAcl(Call& call);
Task<Json> GetBucketEncryption(Call& call);
Task<Json> GetBucketLifecycleConfiguration(Call& call);
Task<Json> GetBucketLocation(Call& call);
Task<Json> GetBucketNotificationConfiguration(Call& call);
Task<Json> GetBucketOwnershipControls(Call& call);
Task<Json> GetBucketPolicy(Call& call);
Task<Json> GetBucketTagging(Call& call);
Task<Json> GetBucketVersioning(Call& call);
Task<Json> GetObject(Call& call);
Task<Json> GetObjectAttributes(Call& call);
Task<Json> GetObjectTagging(Call& call);
Task<Json> GetPublicAccessBlock(Call& call);
Task<Json> HeadBucket(Call& call);
Task<Json> HeadObject(Call& call);
Task<Json> ListBuckets(Call& call);
Task<Json> ListMultipartUploads(Call& call);
Task<Json> ListObjectVersions(Call& call);
Task<Json> ListObjects(Call& call);
Task<Json> ListObjectsV2(Call& call);
Task<Json> ListParts(Call& call);
Task<Json> PutBucketEncryption(Call& call);
Task<Json> PutBucketLifecycleConfiguration(Call& call);
Task<Json> PutBucketNotificationConfiguration(Call& call);
Task<Json> PutBucketOwnershipControls(Call& call);
Task<Json> PutBucketPolicy(Call& call);
Task<Json> PutBucketTagging(Call& call);
Task<Json> PutBucketVersioning(Call& call);
Task<Json> PutObject(Call& call);
Task<Json> PutObjectTagging(Call& call);
Task<Json> PutPublicAccessBlock(Call& call);
Task<Json> UploadPart(Call& call);
Task<Json> UploadPartCopy(Call& call);

/// Of the event "Blobs Unnamed": removes them, once nobody reads them any more.
Task<Json> RemoveBlobs(Call& call);

/// Makes what was stored a part of the input's upload; removes its blob when that fails.
Task<Json> KeepPart(Call& call, Json stored);

}  // namespace stepmill::s3
