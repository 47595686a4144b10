#include <algorithm>

#include "base/strings.h"
#include "gate/door.h"
#include "json/each.h"
#include "lang/path/path.h"
#include "service/events/delivery.h"
#include "service/events/errors.h"
#include "service/events/rules.h"
#include "service/page.h"
#include "service/ports.h"

namespace stepmill::events {

namespace {

/// Members of a target that have no effect here: each is refused by name.
constexpr std::string_view kNotBuiltMembers[] = {"KinesisParameters",
                                                 "RunCommandParameters",
                                                 "EcsParameters",
                                                 "BatchParameters",
                                                 "HttpParameters",
                                                 "RedshiftDataParameters",
                                                 "SageMakerPipelineParameters",
                                                 "AppSyncParameters",
                                                 "DeadLetterConfig"};

Result<> CheckInputForms(const Json& target) {
  const std::string id = target.StringOr("Id", "");
  const int forms = target.Has("Input") + target.Has("InputPath") + target.Has("InputTransformer");
  if (forms > 1)
    return Invalid(
        "Only one of Input, InputPath, or InputTransformer must be provided for target " + id +
        ".");
  if (const Json* input = target.Find("Input"); input && !ParseJson(input->AsString()))
    return Invalid("JSON syntax error in input for target " + id + ".");
  if (const Json* path = target.Find("InputPath"))
    if (!path::Path::Compile(path->AsString()))
      return Invalid("Invalid InputPath for target " + id + ".");
  if (target.Has("InputTransformer")) return CheckTransformer(target);
  return {};
}

Result<> CheckTarget(const Call& call, const Json& target) {
  const std::string id = target.StringOr("Id", "");
  const std::string arn = target.StringOr("Arn", "");
  for (const std::string_view member : kNotBuiltMembers)
    if (target.Has(member))
      return NotBuilt("the member " + std::string(member) + " of target " + id);
  const auto kind = KindOfTarget(arn);
  if (!kind)
    return Invalid("Parameter " + arn + " is not valid. Reason: Provided Arn is not in correct " +
                   "format.");
  const bool is_own = kind->service == "events";  // forwarding is our own row
  if (kind->operation.empty() ||
      (!is_own && !call.ports.door.FindOperation(kind->service, kind->operation)))
    return NotBuilt("the target " + arn + " (id " + id + ") of service " +
                    std::string(kind->service));
  if (kind->needs_role && target.StringOr("RoleArn", "").empty())
    return Invalid("RoleArn is required for target " + arn + ".");
  if (const std::string role = target.StringOr("RoleArn", ""); !role.empty())
    if (!RolePrincipal(role, "events"))
      return Invalid("Parameter RoleArn is not valid. Reason: " + role + " is not a role's ARN.");
  const bool is_fifo = kind->service == "sqs" && arn.ends_with(".fifo");
  if (is_fifo && !target["SqsParameters"].Has("MessageGroupId"))
    return Invalid("Parameter(s) SqsParameters must be specified for target: " + id + ".");
  if (!is_fifo && target.Has("SqsParameters"))
    return Invalid("Parameter(s) SqsParameters not supported for target: " + id + ".");
  return CheckInputForms(target);
}

}  // namespace

Task<Json> PutTargets(Call& call) {
  const std::string bus = BusName(call.input.StringOr("EventBusName", ""));
  MILL_CO_TRY(const Document rule, co_await FindRule(call, bus, call.input.StringOr("Rule", "")));
  Json::Array targets = rule.body["targets"].items();
  for (const Json& target : ItemsOf(call.input["Targets"])) {
    MILL_CO_CHECK(CheckTarget(call, target));
    const auto same = std::find_if(targets.begin(), targets.end(),
                                   [&](const Json& other) { return other["Id"] == target["Id"]; });
    if (same != targets.end())
      *same = target;
    else
      targets.push_back(target);
  }
  if (targets.size() > kTargetsMax) co_return LimitExceeded();
  call.batch.Replace(rule, rule.body.With("targets", std::move(targets)));
  co_return Json::Object{{"FailedEntryCount", 0}, {"FailedEntries", Json::Array{}}};
}

Task<Json> RemoveTargets(Call& call) {
  const std::string bus = BusName(call.input.StringOr("EventBusName", ""));
  const std::string name = call.input.StringOr("Rule", "");
  MILL_CO_TRY(const Document rule, co_await FindRule(call, bus, name));
  Json::Array kept, failed;
  const Json::Array wanted = call.input["Ids"].items();
  const Json::Array targets = rule.body["targets"].items();
  for (const Json& target : targets)
    if (std::find(wanted.begin(), wanted.end(), target["Id"]) == wanted.end())
      kept.push_back(target);
  for (const Json& id : wanted) {
    const bool is_there = std::any_of(targets.begin(), targets.end(),
                                      [&](const Json& target) { return target["Id"] == id; });
    if (!is_there)
      failed.push_back(Json::Object{
          {"TargetId", id},
          {"ErrorCode", "ResourceNotFoundException"},
          {"ErrorMessage",
           "Rule " + name + " does not have target(s) with id " + id.AsString() + "."}});
  }
  call.batch.Replace(rule, rule.body.With("targets", std::move(kept)));
  const auto failed_count = static_cast<int64_t>(failed.size());
  co_return Json::Object{{"FailedEntryCount", failed_count}, {"FailedEntries", std::move(failed)}};
}

Task<Json> ListTargetsByRule(Call& call) {
  const std::string bus = BusName(call.input.StringOr("EventBusName", ""));
  MILL_CO_TRY(const Document rule, co_await FindRule(call, bus, call.input.StringOr("Rule", "")));
  co_return PageOf(call.input, "Targets", rule.body["targets"].items(), "Limit", "NextToken",
                   Invalid("Invalid nextToken."));
}

Task<Json> ListRuleNamesByTarget(Call& call) {
  const std::string bus = BusName(call.input.StringOr("EventBusName", ""));
  MILL_CO_CHECK(co_await CheckBus(call, bus));
  MILL_CO_TRY(const auto rules, co_await ReadRules(call, bus));
  Json::Array names;
  for (const Document& rule : rules) {
    const Json::Array& targets = rule.body["targets"].items();
    if (std::any_of(targets.begin(), targets.end(),
                    [&](const Json& target) { return target["Arn"] == call.input["TargetArn"]; }))
      names.push_back(rule.body["name"]);
  }
  co_return PageOf(call.input, "RuleNames", names, "Limit", "NextToken",
                   Invalid("Invalid nextToken."));
}

}  // namespace stepmill::events
