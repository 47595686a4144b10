#include "gate/model.h"
#include "service/events/connections.h"
#include "service/events/delivery.h"
#include "service/events/events.h"
#include "service/events/rules.h"
#include "service/ports.h"

namespace stepmill::events {
namespace {

constexpr std::string_view kRule = "arn:aws:events:{region}:{account}:rule/{Name}";
constexpr std::string_view kRuleOfTarget = "arn:aws:events:{region}:{account}:rule/{Rule}";
constexpr std::string_view kConnection = "arn:aws:events:{region}:{account}:connection/{Name}";
constexpr std::string_view kBus = "arn:aws:events:{region}:{account}:event-bus/{Name}";

constexpr Operation Row(std::string_view name, Task<Json> (*handler)(Call&),
                        std::string_view action, Access access, std::string_view resource,
                        std::string_view keeps = "") {
  return {.name = name,
          .handler = handler,
          .action = action,
          .resource = resource,
          .access = access,
          .keeps = keeps};
}
constexpr Operation Internal(
    std::string_view name, Task<Json> (*handler)(Call&),
    std::string_view action = "events:PutEvents",
    std::string_view resource = "arn:aws:events:{region}:{account}:event-bus/default") {
  return {.name = name,
          .handler = handler,
          .action = action,
          .resource = resource,
          .access = Access::kWrite,
          .is_internal = true};
}

constexpr Operation kOperations[] = {
    Row("PutRule", PutRule, "events:PutRule", Access::kWrite, kRule, "RoleArn"),
    Row("DescribeRule", DescribeRule, "events:DescribeRule", Access::kRead, kRule),
    Row("ListRules", ListRules, "events:ListRules", Access::kList, "*"),
    Row("DeleteRule", DeleteRule, "events:DeleteRule", Access::kWrite, kRule, "Force"),
    Row("EnableRule", EnableRule, "events:EnableRule", Access::kWrite, kRule),
    Row("DisableRule", DisableRule, "events:DisableRule", Access::kWrite, kRule),
    Row("PutTargets", PutTargets, "events:PutTargets", Access::kWrite, kRuleOfTarget),
    Row("RemoveTargets", RemoveTargets, "events:RemoveTargets", Access::kWrite, kRuleOfTarget,
        "Force"),
    Row("ListTargetsByRule", ListTargetsByRule, "events:ListTargetsByRule", Access::kList,
        kRuleOfTarget),
    Row("ListRuleNamesByTarget", ListRuleNamesByTarget, "events:ListRuleNamesByTarget",
        Access::kList, "*"),
    Row("PutEvents", PutEvents, "events:PutEvents", Access::kWrite,
        "arn:aws:events:{region}:{account}:event-bus/*", "Entries.TraceHeader"),
    Row("TestEventPattern", TestEventPattern, "events:TestEventPattern", Access::kRead, "*"),
    Row("TagResource", TagResource, "events:TagResource", Access::kWrite, "{ResourceARN}"),
    Row("UntagResource", UntagResource, "events:UntagResource", Access::kWrite, "{ResourceARN}"),
    Row("ListTagsForResource", ListTagsForResource, "events:ListTagsForResource", Access::kList,
        "{ResourceARN}"),
    Row("CreateEventBus", CreateEventBus, "events:CreateEventBus", Access::kWrite, kBus),
    Row("DeleteEventBus", DeleteEventBus, "events:DeleteEventBus", Access::kWrite, kBus),
    Row("DescribeEventBus", DescribeEventBus, "events:DescribeEventBus", Access::kRead, kBus),
    Row("ListEventBuses", ListEventBuses, "events:ListEventBuses", Access::kList, "*"),
    Row("CreateConnection", CreateConnection, "events:CreateConnection", Access::kWrite,
        kConnection, "KmsKeyIdentifier"),
    Row("UpdateConnection", UpdateConnection, "events:UpdateConnection", Access::kWrite,
        kConnection, "KmsKeyIdentifier"),
    Row("DescribeConnection", DescribeConnection, "events:DescribeConnection", Access::kRead,
        kConnection),
    Row("ListConnections", ListConnections, "events:ListConnections", Access::kList, "*"),
    Row("DeleteConnection", DeleteConnection, "events:DeleteConnection", Access::kWrite,
        kConnection),
    Row("DeauthorizeConnection", DeauthorizeConnection, "events:DeauthorizeConnection",
        Access::kWrite, kConnection),
    Internal("AuthorizeConnection", AuthorizeConnection, "events:UpdateConnection", kConnection),
    Internal("RetrieveConnectionCredentials", RetrieveConnectionCredentials,
             "events:RetrieveConnectionCredentials", "{ConnectionArn}"),
    Internal("RenewConnectionCredentials", RenewConnectionCredentials,
             "events:RetrieveConnectionCredentials", "{ConnectionArn}"),
    Internal("MatchRule", MatchRule),
    Internal("FireSchedule", FireSchedule),
    Internal("ReceiveEvent", ReceiveEvent),
};

void WireUp(Ports& ports) {
  ports.engine.AddMachine(std::string(kDeliveryMachine), JsonMachine(AdvanceDelivery));
  ports.engine.AddMachine(std::string(kTickMachine), JsonMachine(AdvanceTick));
  ports.engine.AddMachine(std::string(kAuthorizeMachine), JsonMachine(AdvanceAuthorization));
  ports.engine.AddPerformer(std::string(kDeliverer), [&ports](Engine::Performance performance) {
    return PerformDelivery(ports, std::move(performance));
  });
}

}  // namespace

const Service kService = {.name = "events",
                          .host = "events.amazonaws.com",
                          .model = &models::kEvents,
                          .operations = kOperations,
                          .wire_up = WireUp};

}  // namespace stepmill::events
