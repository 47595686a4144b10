#include "gate/model.h"
#include "service/logs/groups.h"
#include "service/logs/logs.h"

namespace stepmill::logs {
namespace {

constexpr std::string_view kGroup = "arn:aws:logs:{region}:{account}:log-group:{logGroupName}";
constexpr std::string_view kStream =
    "arn:aws:logs:{region}:{account}:log-group:{logGroupName}:log-stream:{logStreamName}";

constexpr Operation Row(std::string_view name, Task<Json> (*handler)(Call&),
                        std::string_view action, Access access, std::string_view resource = kGroup,
                        std::string_view keeps = "") {
  return {.name = name,
          .handler = handler,
          .action = action,
          .resource = resource,
          .access = access,
          .keeps = keeps};
}

constexpr Operation kOperations[] = {
    Row("CreateLogGroup", CreateLogGroup, "logs:CreateLogGroup", Access::kWrite, kGroup,
        "kmsKeyId"),
    Row("DeleteLogGroup", DeleteLogGroup, "logs:DeleteLogGroup", Access::kWrite),
    Row("DescribeLogGroups", DescribeLogGroups, "logs:DescribeLogGroups", Access::kList,
        "arn:aws:logs:{region}:{account}:log-group:*"),
    Row("PutRetentionPolicy", PutRetentionPolicy, "logs:PutRetentionPolicy", Access::kWrite),
    Row("DeleteRetentionPolicy", DeleteRetentionPolicy, "logs:DeleteRetentionPolicy",
        Access::kWrite),
    Row("TagResource", TagResource, "logs:TagResource", Access::kWrite, "{resourceArn}"),
    Row("UntagResource", UntagResource, "logs:UntagResource", Access::kWrite, "{resourceArn}"),
    Row("ListTagsForResource", ListTagsForResource, "logs:ListTagsForResource", Access::kList,
        "{resourceArn}"),
    Row("TagLogGroup", TagLogGroup, "logs:TagLogGroup", Access::kWrite),
    Row("UntagLogGroup", UntagLogGroup, "logs:UntagLogGroup", Access::kWrite),
    Row("ListTagsLogGroup", ListTagsLogGroup, "logs:ListTagsLogGroup", Access::kList),
    Row("CreateLogStream", CreateLogStream, "logs:CreateLogStream", Access::kWrite),
    Row("DeleteLogStream", DeleteLogStream, "logs:DeleteLogStream", Access::kWrite, kStream),
    Row("DescribeLogStreams", DescribeLogStreams, "logs:DescribeLogStreams", Access::kList),
    Row("PutLogEvents", PutLogEvents, "logs:PutLogEvents", Access::kWrite, kStream,
        "sequenceToken,entity"),
    Row("GetLogEvents", GetLogEvents, "logs:GetLogEvents", Access::kRead, kStream, "unmask"),
    Row("FilterLogEvents", FilterLogEvents, "logs:FilterLogEvents", Access::kRead, kGroup,
        "interleaved,unmask"),
};

}  // namespace

const Service kService = {.name = "logs",
                          .host = "logs.amazonaws.com",
                          .model = &models::kLogs,
                          .operations = kOperations};

}  // namespace stepmill::logs
