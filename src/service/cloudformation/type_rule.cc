// AWS::Events::Rule
#include "lang/template/resolve.h"
#include "service/cloudformation/types.h"

namespace stepmill::cloudformation {
namespace {

constexpr size_t kNameCharactersMax = 64;

bool IsDefaultBus(const Json& bus) {
  return !bus.is_string() || bus.AsString().empty() || bus.AsString() == "default";
}

/// The name, or "bus|name" of another bus.
std::string PhysicalId(const ResourceContext& context, const std::string& suffix) {
  const std::string name = NameOr(context, "Name", suffix, kNameCharactersMax);
  const Json& bus = context.properties["EventBusName"];
  return IsDefaultBus(bus) ? name : bus.AsString() + "|" + name;
}

std::string NameOf(const ResourceContext& context) {
  const size_t bar = context.physical_id.find('|');
  return bar == std::string::npos ? context.physical_id : context.physical_id.substr(bar + 1);
}

ApiCall RuleCall(const ResourceContext& context, const char* operation, const char* name_member,
                 Json::Object more, std::vector<std::string> tolerated = {}) {
  Json::Object input{{name_member, NameOf(context)}};
  const size_t bar = context.physical_id.find('|');
  if (bar != std::string::npos) input.Set("EventBusName", context.physical_id.substr(0, bar));
  for (Json::Member& member : more.members) input.Set(member.name, member.value);
  return ApiCall{"events", operation, Json(std::move(input)), std::move(tolerated)};
}

void PutRule(const ResourceContext& context, std::vector<ApiCall>& calls) {
  const Json& properties = context.properties;
  Json::Object rule;
  for (const char* name : {"ScheduleExpression", "State", "Description", "RoleArn"}) {
    rule.SetIf(name, properties.Find(name));
  }
  if (properties.Has("EventPattern")) {
    rule.Set("EventPattern", DocumentText(properties["EventPattern"]));
  }
  const Json tags = MergedTags(context, "Key", "Value");
  if (tags.size() > 0 && context.old_properties.is_null()) rule.Set("Tags", tags);
  calls.push_back(RuleCall(context, "PutRule", "Name", std::move(rule)));
  const Json& targets = properties["Targets"];
  if (targets.is_array() && targets.size() > 0) {
    calls.push_back(RuleCall(context, "PutTargets", "Rule", {{"Targets", targets}}));
  }
}

/// Removes the targets of the old properties that `kept` does not have.
void DropTargets(const ResourceContext& context, const Json& kept, std::vector<ApiCall>& calls) {
  Json::Array ids;
  const Json& old = context.old_properties["Targets"];
  if (!old.is_array()) return;
  for (const Json& target : old.items()) {
    bool stays = false;
    if (kept.is_array()) {
      for (const Json& other : kept.items()) stays = stays || other["Id"] == target["Id"];
    }
    if (!stays) ids.push_back(target["Id"]);
  }
  if (ids.empty()) return;
  calls.push_back(RuleCall(context, "RemoveTargets", "Rule", {{"Ids", Json(std::move(ids))}},
                           {"ResourceNotFoundException"}));
}

/// PutTargets answers success with failures in it.
Result<> CheckTargets(const Json::Array& answers) {
  for (const Json& answer : answers) {
    if (answer.IntOr("FailedEntryCount", 0) == 0) continue;
    const Json& entries = answer["FailedEntries"];
    const Json first = entries.size() > 0 ? entries.At(0) : Json();
    return Error{Code::kInvalid, first.StringOr("ErrorCode", "ValidationError"),
                 first.StringOr("ErrorMessage", "a target was refused")};
  }
  return {};
}

Result<std::optional<ApiCall>> Create(const ResourceContext& context, const Json::Array& answers) {
  MILL_CHECK(CheckTargets(answers));
  std::vector<ApiCall> calls;
  PutRule(context, calls);
  return CallAt(calls, answers);
}

Json Attributes(const ResourceContext& context, const Json::Array& answers);

Result<std::optional<ApiCall>> Update(const ResourceContext& context, const Json::Array& answers) {
  MILL_CHECK(CheckTargets(answers));
  std::vector<ApiCall> calls;
  PutRule(context, calls);
  DropTargets(context, context.properties["Targets"], calls);
  const Json subject(Json::Object{{"ResourceARN", Attributes(context, {})["Arn"]}});
  Retag(context,
        {"events", "TagResource", "UntagResource", subject, "Tags", "TagKeys", "Key", "Value"},
        calls);
  return CallAt(calls, answers);
}

Result<std::optional<ApiCall>> Remove(const ResourceContext& context, const Json::Array& answers) {
  std::vector<ApiCall> calls;
  DropTargets(context, Json(), calls);
  calls.push_back(RuleCall(context, "DeleteRule", "Name", {}, {"ResourceNotFoundException"}));
  return CallAt(calls, answers);
}

Json Attributes(const ResourceContext& context, const Json::Array& /*answers*/) {
  const size_t bar = context.physical_id.find('|');
  const std::string bus = bar == std::string::npos ? "" : context.physical_id.substr(0, bar) + "/";
  return Json(Json::Object{{"Ref", context.physical_id},
                           {"Arn", "arn:aws:events:" + context.region + ":" + context.account +
                                       ":rule/" + bus + NameOf(context)}});
}

}  // namespace

constexpr ResourceType kRuleType{
    .name = "AWS::Events::Rule",
    .properties =
        "Description,EventBusName,EventPattern,Name,RoleArn,ScheduleExpression,State,"
        "Targets,Tags",
    .unbuilt = "",
    .required = "",
    .replaced_by = "Name,EventBusName",
    .numbers = "MaximumEventAgeInSeconds,MaximumRetryAttempts,TaskCount",
    .booleans = "",
    .physical_id = PhysicalId,
    .create = Create,
    .update = Update,
    .remove = Remove,
    .attributes = Attributes,
};

}  // namespace stepmill::cloudformation
