#pragma once

#include <string>

#include "gate/operation.h"

/// What ECS keeps:
///
///   ecs/cluster/NAME            a cluster as it is described
///   ecs/definition/FAMILY/REV   a task definition as it is described, and its "tags" (REV padded)
///   ecs/revision/FAMILY         {"last"}: the definition's newest revision
///   ecs/task/CLUSTER/ID         a task as it is described; an hour after its end it goes
///   ecs/token/CLUSTER/TOKEN     {"tasks"}: what RunTask made under a clientToken
namespace stepmill::ecs {

inline constexpr char kHost[] = "ecs.amazonaws.com";
inline constexpr char kMachine[] = "ecs";
inline constexpr char kTaskEvent[] = "ECS Task State Change";

inline Error ClientError(std::string message) {
  return {Code::kInvalid, "ClientException", std::move(message)};
}
inline Error InvalidParameter(std::string message) {
  return {Code::kInvalid, "InvalidParameterException", std::move(message)};
}

/// The last part of an ARN ("...:cluster/NAME"), or the name itself.
std::string NameOf(const std::string& arn_or_name);
Key ClusterKey(const Call& call, const std::string& name);
Key TaskKey(std::string_view account, std::string_view region, const std::string& cluster,
            const std::string& id);
/// "ecs/ACCOUNT/REGION/CLUSTER/TASK".
std::string InstanceId(const Call& call, const std::string& cluster, const std::string& id);

/// The cluster that the input's member `cluster` names ("default" without one): its name.
Task<std::string> RequireCluster(Call& call);
/// By ARN, "family:revision" or family (the newest that is ACTIVE).
Task<Document> RequireDefinition(Call& call, std::string reference);

}  // namespace stepmill::ecs
