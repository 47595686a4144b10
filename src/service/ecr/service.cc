#include "gate/model.h"
#include "service/ecr/ecr.h"
#include "service/ecr/rows.h"

namespace stepmill::ecr {
namespace {

constexpr std::string_view kRepository =
    "arn:aws:ecr:{region}:{account}:repository/{repositoryName}";

constexpr Operation Row(std::string_view name, Task<Json> (*handler)(Call&),
                        std::string_view action, Access access,
                        std::string_view resource = kRepository, std::string_view keeps = "") {
  return {.name = name,
          .handler = handler,
          .action = action,
          .resource = resource,
          .access = access,
          .keeps = keeps};
}
/// The registry's streams, under the action of the row that they stand for.
constexpr Operation Stream(std::string_view name, Task<Json> (*handler)(Call&),
                           std::string_view action, Access access) {
  return {.name = name,
          .handler = handler,
          .action = action,
          .resource = kRepository,
          .access = access,
          .is_internal = true};
}

constexpr Operation kOperations[] = {
    Row("CreateRepository", CreateRepository, "ecr:CreateRepository", Access::kWrite, kRepository,
        "imageScanningConfiguration"),
    Row("DescribeRepositories", DescribeRepositories, "ecr:DescribeRepositories", Access::kList,
        "*"),
    Row("DeleteRepository", DeleteRepository, "ecr:DeleteRepository", Access::kWrite),
    Row("GetAuthorizationToken", GetAuthorizationToken, "ecr:GetAuthorizationToken", Access::kRead,
        "*", "registryIds"),
    Row("PutImageTagMutability", PutImageTagMutability, "ecr:PutImageTagMutability",
        Access::kWrite),
    Row("TagResource", TagResource, "ecr:TagResource", Access::kWrite, "{resourceArn}"),
    Row("UntagResource", UntagResource, "ecr:UntagResource", Access::kWrite, "{resourceArn}"),
    Row("ListTagsForResource", ListTagsForResource, "ecr:ListTagsForResource", Access::kRead,
        "{resourceArn}"),
    Row("PutImage", PutImage, "ecr:PutImage", Access::kWrite),
    Row("BatchGetImage", BatchGetImage, "ecr:BatchGetImage", Access::kRead, kRepository,
        "acceptedMediaTypes"),
    Row("BatchDeleteImage", BatchDeleteImage, "ecr:BatchDeleteImage", Access::kWrite),
    Row("DescribeImages", DescribeImages, "ecr:DescribeImages", Access::kRead),
    Row("ListImages", ListImages, "ecr:ListImages", Access::kList),
    Row("InitiateLayerUpload", InitiateLayerUpload, "ecr:InitiateLayerUpload", Access::kWrite),
    Row("UploadLayerPart", UploadLayerPart, "ecr:UploadLayerPart", Access::kWrite),
    Row("CompleteLayerUpload", CompleteLayerUpload, "ecr:CompleteLayerUpload", Access::kWrite),
    Row("BatchCheckLayerAvailability", BatchCheckLayerAvailability,
        "ecr:BatchCheckLayerAvailability", Access::kRead),
    Row("GetDownloadUrlForLayer", GetDownloadUrlForLayer, "ecr:GetDownloadUrlForLayer",
        Access::kRead),
    Stream("StreamLayerPart", StreamLayerPart, "ecr:UploadLayerPart", Access::kWrite),
    Stream("StreamLayer", StreamLayer, "ecr:GetDownloadUrlForLayer", Access::kRead),
    Stream("MountLayer", MountLayer, "ecr:InitiateLayerUpload", Access::kWrite),
    Stream("DescribeUpload", DescribeUpload, "ecr:UploadLayerPart", Access::kRead),
    Stream("CancelUpload", CancelUpload, "ecr:UploadLayerPart", Access::kWrite),
    Stream("CollectLayers", CollectLayers, "ecr:BatchDeleteImage", Access::kWrite),
    Stream("RemoveBlobs", RemoveBlobs, "ecr:BatchDeleteImage", Access::kWrite),
};

constexpr EventRow kEvents[] = {
    {.pattern = R"({"source": ["stepmill.ecr"], "detail-type": ["Layers Dropped"]})",
     .operation = "CollectLayers"},
    {.pattern = R"({"source": ["stepmill.ecr"], "detail-type": ["Blobs Unnamed"]})",
     .operation = "RemoveBlobs"},
};

}  // namespace

const Service kService{.name = "ecr",
                       .host = "ecr.amazonaws.com",
                       .model = &models::kEcr,
                       .operations = kOperations,
                       .events = kEvents};

}  // namespace stepmill::ecr
