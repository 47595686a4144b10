#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gate/operation.h"
#include "service/ecr/errors.h"

namespace stepmill::ecr {

// Documents, below ACCOUNT/REGION/ecr:
//   repository/NAME        {createdAt, imageTagMutability, ..., tags}
//   layer/NAME/DIGEST      {blob, size}
//   content/DIGEST         {blob, size}: the same bytes in several repositories are one blob
//   image/NAME/DIGEST      {manifest, mediaType, size, pushedAt, configMediaType}
//   tag/NAME/TAG           {digest}
//   images/NAME            {changes}: how often the repository's images changed
//   upload/NAME/ID         {size, parts: [{blob, size, sha256}]}

Place PlaceOf(const Call& call);
Task<Document> RequireRepository(Call& call);

// Repositories and the registry.
Task<Json> CreateRepository(Call& call);
Task<Json> DescribeRepositories(Call& call);
Task<Json> DeleteRepository(Call& call);
Task<Json> GetAuthorizationToken(Call& call);
Task<Json> PutImageTagMutability(Call& call);
Task<Json> TagResource(Call& call);
Task<Json> UntagResource(Call& call);
Task<Json> ListTagsForResource(Call& call);
// Images.
Task<Json> PutImage(Call& call);
Task<Json> BatchGetImage(Call& call);
Task<Json> BatchDeleteImage(Call& call);
Task<Json> DescribeImages(Call& call);
Task<Json> ListImages(Call& call);
// Layers.
Task<Json> InitiateLayerUpload(Call& call);
Task<Json> UploadLayerPart(Call& call);
Task<Json> CompleteLayerUpload(Call& call);
Task<Json> BatchCheckLayerAvailability(Call& call);
Task<Json> GetDownloadUrlForLayer(Call& call);
// Layers as streams, for wire/registry.
Task<Json> StreamLayerPart(Call& call);
Task<Json> StreamLayer(Call& call);
Task<Json> MountLayer(Call& call);
Task<Json> DescribeUpload(Call& call);
Task<Json> CancelUpload(Call& call);
// Collection: see collect.cc.
Task<Json> CollectLayers(Call& call);
Task<Json> RemoveBlobs(Call& call);

/// Layers that a repository named no longer: the bytes go when no other one names them.
void DropLayers(Call& call, const std::vector<std::string>& digests);
/// Blobs that no document names once the call's batch has committed.
void UnnameBlobs(Call& call, Json::Array blobs);
/// Every change of a repository's images writes this document, so that two at once conflict.
Key ImagesKey(const Call& call);
Task<> TouchImages(Call& call);

}  // namespace stepmill::ecr
