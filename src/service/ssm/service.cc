#include "gate/model.h"
#include "service/ssm/parameters.h"
#include "service/ssm/ssm.h"

namespace stepmill::ssm {
namespace {

constexpr std::string_view kParameter = "arn:aws:ssm:{region}:{account}:parameter/{Name}";
constexpr std::string_view kAny = "arn:aws:ssm:{region}:{account}:*";

constexpr Operation Row(std::string_view name, Task<Json> (*handler)(Call&),
                        std::string_view action, Access access, std::string_view resource) {
  return {
      .name = name, .handler = handler, .action = action, .resource = resource, .access = access};
}

constexpr Operation kOperations[] = {
    Row("PutParameter", PutParameter, "ssm:PutParameter", Access::kWrite, kParameter),
    Row("GetParameter", GetParameter, "ssm:GetParameter", Access::kRead, kParameter),
    Row("GetParameters", GetParameters, "ssm:GetParameters", Access::kRead,
        "arn:aws:ssm:{region}:{account}:parameter/{Names}"),
    Row("GetParametersByPath", GetParametersByPath, "ssm:GetParametersByPath", Access::kRead,
        "arn:aws:ssm:{region}:{account}:parameter/{Path}"),
    Row("GetParameterHistory", GetParameterHistory, "ssm:GetParameterHistory", Access::kRead,
        kParameter),
    Row("DeleteParameter", DeleteParameter, "ssm:DeleteParameter", Access::kWrite, kParameter),
    Row("DeleteParameters", DeleteParameters, "ssm:DeleteParameters", Access::kWrite,
        "arn:aws:ssm:{region}:{account}:parameter/{Names}"),
    Row("DescribeParameters", DescribeParameters, "ssm:DescribeParameters", Access::kList, kAny),
    Row("LabelParameterVersion", LabelParameterVersion, "ssm:LabelParameterVersion", Access::kWrite,
        kParameter),
    Row("UnlabelParameterVersion", UnlabelParameterVersion, "ssm:UnlabelParameterVersion",
        Access::kWrite, kParameter),
    Row("AddTagsToResource", AddTagsToResource, "ssm:AddTagsToResource", Access::kWrite, kAny),
    Row("RemoveTagsFromResource", RemoveTagsFromResource, "ssm:RemoveTagsFromResource",
        Access::kWrite, kAny),
    Row("ListTagsForResource", ListTagsForResource, "ssm:ListTagsForResource", Access::kList, kAny),
};

}  // namespace

const Service kService = {
    .name = "ssm", .host = "ssm.amazonaws.com", .model = &models::kSsm, .operations = kOperations};

}  // namespace stepmill::ssm
