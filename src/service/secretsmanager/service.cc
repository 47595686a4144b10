#include "gate/model.h"
#include "service/secretsmanager/secrets.h"
#include "service/secretsmanager/secretsmanager.h"

namespace stepmill::secretsmanager {
namespace {

constexpr Operation Row(std::string_view name, Task<Json> (*handler)(Call&),
                        std::string_view action, Access access,
                        std::string_view resource = "{SecretId}", std::string_view keeps = "") {
  return {.name = name,
          .handler = handler,
          .action = action,
          .resource = resource,
          .access = access,
          .keeps = keeps};
}

constexpr Operation Internal(std::string_view name, Task<Json> (*handler)(Call&),
                             std::string_view action) {
  return {.name = name,
          .handler = handler,
          .action = action,
          .resource = "{SecretId}",
          .access = Access::kWrite,
          .is_internal = true};
}

constexpr Operation kOperations[] = {
    Row("CreateSecret", CreateSecret, "secretsmanager:CreateSecret", Access::kWrite,
        "arn:aws:secretsmanager:{region}:{account}:secret:{Name}",
        "KmsKeyId,ForceOverwriteReplicaSecret"),
    Row("GetSecretValue", GetSecretValue, "secretsmanager:GetSecretValue", Access::kRead),
    Row("PutSecretValue", PutSecretValue, "secretsmanager:PutSecretValue", Access::kWrite),
    Row("UpdateSecret", UpdateSecret, "secretsmanager:UpdateSecret", Access::kWrite, "{SecretId}",
        "KmsKeyId"),
    Row("UpdateSecretVersionStage", UpdateSecretVersionStage,
        "secretsmanager:UpdateSecretVersionStage", Access::kWrite),
    Row("DescribeSecret", DescribeSecret, "secretsmanager:DescribeSecret", Access::kRead),
    Row("ListSecretVersionIds", ListSecretVersionIds, "secretsmanager:ListSecretVersionIds",
        Access::kList),
    Row("ListSecrets", ListSecrets, "secretsmanager:ListSecrets", Access::kList, "*"),
    Row("DeleteSecret", DeleteSecret, "secretsmanager:DeleteSecret", Access::kWrite),
    Row("RestoreSecret", RestoreSecret, "secretsmanager:RestoreSecret", Access::kWrite),
    Row("TagResource", TagResource, "secretsmanager:TagResource", Access::kWrite),
    Row("UntagResource", UntagResource, "secretsmanager:UntagResource", Access::kWrite),
    Internal("PutOwnedSecret", PutOwnedSecret, "secretsmanager:PutSecretValue"),
    Internal("DeleteOwnedSecret", DeleteOwnedSecret, "secretsmanager:DeleteSecret"),
};

}  // namespace

const Service kService = {.name = "secretsmanager",
                          .host = "secretsmanager.amazonaws.com",
                          .model = &models::kSecretsmanager,
                          .operations = kOperations};

}  // namespace stepmill::secretsmanager
