// Entries of Events: schedules and EventBridge rules, with the roles, permissions and queues that
// they need.
#include <algorithm>
#include <cctype>

#include "lang/template/sam_parts.h"

namespace stepmill::cfn {
namespace {

constexpr size_t kTargetIdCharactersMax = 64;

constexpr PropertyRule kSchedule[] = {
    {"Schedule", PropertyKind::kString, true},
    {"Input", PropertyKind::kString},
    {"Enabled", PropertyKind::kBool},
    {"State", PropertyKind::kString},
    {"Name", PropertyKind::kString},
    {"Description", PropertyKind::kString},
    {"DeadLetterConfig", PropertyKind::kMap},
    {"RetryPolicy", PropertyKind::kMap},
    {"Target", PropertyKind::kMap, false, false},
    {"RoleArn", PropertyKind::kString, false, false},
};
constexpr PropertyRule kFunctionSchedule[] = {
    {"Schedule", PropertyKind::kString, true}, {"RuleName", PropertyKind::kString},
    {"Input", PropertyKind::kString},          {"Enabled", PropertyKind::kBool},
    {"State", PropertyKind::kString},          {"Name", PropertyKind::kString},
    {"Description", PropertyKind::kString},    {"DeadLetterConfig", PropertyKind::kMap},
    {"RetryPolicy", PropertyKind::kMap},
};
constexpr PropertyRule kRule[] = {
    {"EventBusName", PropertyKind::kString},
    {"RuleName", PropertyKind::kString},
    {"Pattern", PropertyKind::kMap},
    {"Input", PropertyKind::kString},
    {"InputPath", PropertyKind::kString},
    {"DeadLetterConfig", PropertyKind::kMap},
    {"RetryPolicy", PropertyKind::kMap},
    {"State", PropertyKind::kString},
    {"Target", PropertyKind::kMap, false, false},
    {"InputTransformer", PropertyKind::kMap},
};
constexpr PropertyRule kFunctionRule[] = {
    {"EventBusName", PropertyKind::kString},  {"RuleName", PropertyKind::kString},
    {"Pattern", PropertyKind::kMap},          {"DeadLetterConfig", PropertyKind::kMap},
    {"RetryPolicy", PropertyKind::kMap},      {"Input", PropertyKind::kString},
    {"InputPath", PropertyKind::kString},     {"Target", PropertyKind::kMap},
    {"Enabled", PropertyKind::kBool},         {"State", PropertyKind::kString},
    {"InputTransformer", PropertyKind::kMap},
};
constexpr PropertyRule kScheduleV2[] = {
    {"PermissionsBoundary", PropertyKind::kString},
    {"ScheduleExpression", PropertyKind::kString, true},
    {"FlexibleTimeWindow", PropertyKind::kMap},
    {"Name", PropertyKind::kString},
    {"State", PropertyKind::kString},
    {"Description", PropertyKind::kString},
    {"StartDate", PropertyKind::kString},
    {"EndDate", PropertyKind::kString},
    {"ScheduleExpressionTimezone", PropertyKind::kString},
    {"GroupName", PropertyKind::kString},
    {"KmsKeyArn", PropertyKind::kString},
    {"Input", PropertyKind::kString},
    {"RoleArn", PropertyKind::kString},
    {"DeadLetterConfig", PropertyKind::kMap},
    {"RetryPolicy", PropertyKind::kMap},
    {"OmitName", PropertyKind::kBool, false, false},
};

struct EventType {
  std::string_view name;
  const PropertyRule* rules;
  size_t rules_size;
  const PropertyRule* function_rules;
  size_t function_rules_size;
};
constexpr EventType kEventTypes[] = {
    {"Schedule", kSchedule, std::size(kSchedule), kFunctionSchedule, std::size(kFunctionSchedule)},
    {"ScheduleV2", kScheduleV2, std::size(kScheduleV2), kScheduleV2, std::size(kScheduleV2)},
    {"CloudWatchEvent", kRule, std::size(kRule), kFunctionRule, std::size(kFunctionRule)},
    {"EventBridgeRule", kRule, std::size(kRule), kFunctionRule, std::size(kFunctionRule)},
};

/// An event that is being translated.
struct Source {
  std::string id;    ///< of its resources: owner and name
  std::string name;  ///< within Events
  Json properties;
  const EventTarget& target;
};

void CopyMembers(const Json& from, std::initializer_list<const char*> names, Json::Object& to) {
  for (const char* name : names) {
    if (!from[name].is_null()) to.Set(name, from[name]);
  }
}

Json InlinePolicy(const std::string& name, const std::string& action, const Json& resource) {
  const Json statement(
      Json::Object{{"Action", action}, {"Effect", "Allow"}, {"Resource", resource}});
  const Json document(Json::Object{{"Statement", Json(Json::Array{statement})}});
  return Json(Json::Object{{"PolicyName", name}, {"PolicyDocument", document}});
}

CfnResource InvocationRole(const Source& source, const std::string& service, Json::Array policies,
                           const Json& boundary) {
  CfnResource role{source.id + "Role", "AWS::IAM::Role", {}, source.target.attributes, {}};
  role.properties.Set("AssumeRolePolicyDocument", TrustPolicy(service));
  role.properties.Set("Policies", Json(std::move(policies)));
  if (IsTruthy(boundary)) role.properties.Set("PermissionsBoundary", boundary);
  return role;
}

Result<> CheckDeadLetter(const Source& source, const Json& config) {
  const bool has_arn = config.Has("Arn");
  const bool has_type = config.Has("Type");
  if (has_arn && has_type) {
    return InvalidEvent(source.id,
                        "You can either define 'Arn' or 'Type' property of DeadLetterConfig.");
  }
  if (has_type && !(config["Type"].is_string() && config["Type"].AsString() == "SQS")) {
    return InvalidEvent(source.id,
                        "The only valid value for 'Type' property of DeadLetterConfig is 'SQS'.");
  }
  if (!has_arn && !has_type) {
    return InvalidEvent(source.id, "No 'Arn' or 'Type' property provided for DeadLetterConfig.");
  }
  return {};
}

/// The ARN of the queue for what cannot be delivered: null without one. Makes the queue, and for a
/// rule the policy that lets EventBridge write to it.
Result<Json> DeadLetterArn(const Source& source, const Json* rule_arn, CfnResources& out) {
  const Json& config = source.properties["DeadLetterConfig"];
  if (config.is_null()) return Json();
  MILL_CHECK(CheckDeadLetter(source, config));
  if (!config["Arn"].is_null()) return config["Arn"];
  const Json& queue_id = config["QueueLogicalId"];
  if (!queue_id.is_null() && !queue_id.is_string()) {
    return InvalidEvent(source.id, "QueueLogicalId must be a string");
  }
  CfnResource queue{IsTruthy(queue_id) ? queue_id.AsString() : source.id + "Queue",
                    "AWS::SQS::Queue",
                    {},
                    source.target.attributes,
                    {}};
  const Json arn = GetAtt(queue.id, "Arn");
  out.push_back(queue);
  if (!rule_arn) return arn;
  const Json from_rule(Json::Object{{"aws:SourceArn", *rule_arn}});
  const Json statement(
      Json::Object{{"Action", "sqs:SendMessage"},
                   {"Effect", "Allow"},
                   {"Principal", Json(Json::Object{{"Service", "events.amazonaws.com"}})},
                   {"Resource", arn},
                   {"Condition", Json(Json::Object{{"ArnEquals", from_rule}})}});
  CfnResource policy{
      source.id + "QueuePolicy", "AWS::SQS::QueuePolicy", {}, source.target.attributes, {}};
  policy.properties.Set(
      "PolicyDocument",
      Json(Json::Object{{"Version", "2012-10-17"}, {"Statement", Json(Json::Array{statement})}}));
  policy.properties.Set("Queues", Json(Json::Array{Ref(queue.id)}));
  out.push_back(std::move(policy));
  return arn;
}

Json TargetId(const Source& source) {
  const Json& given = source.properties["Target"];
  if (IsTruthy(given) && given.Has("Id")) return given["Id"];
  const std::string suffix =
      source.target.function_id.empty() ? "StepFunctionsTarget" : "LambdaTarget";
  return source.id.substr(0, kTargetIdCharactersMax - suffix.size()) + suffix;
}

Result<> SetState(const Source& source, CfnResource& rule) {
  const Json& state = source.properties["State"];
  const Json& enabled = source.properties["Enabled"];
  if (IsTruthy(state) && !enabled.is_null()) {
    return InvalidEvent(source.name, "State and Enabled Properties cannot both be specified.");
  }
  if (IsTruthy(state)) rule.properties.Set("State", state);
  if (!enabled.is_null()) {
    rule.properties.Set("State", IsTruthy(enabled) ? "ENABLED" : "DISABLED");
  }
  return {};
}

/// What lets the rule start its target: a role, or a permission of the function.
Json AddAccess(const Source& source, const Json& rule_arn, CfnResources& out) {
  if (source.target.function_id.empty()) {
    const Json& given = source.properties["RoleArn"];
    if (!given.is_null()) return given;
    const Json policy = InlinePolicy(source.id + "RoleStartExecutionPolicy",
                                     "states:StartExecution", source.target.arn);
    out.push_back(InvocationRole(source, "events.amazonaws.com", Json::Array{policy},
                                 source.target.permissions_boundary));
    return GetAtt(out.back().id, "Arn");
  }
  CfnResource permission{
      source.id + "Permission", "AWS::Lambda::Permission", {}, source.target.attributes, {}};
  permission.properties.Set("Action", "lambda:InvokeFunction");
  permission.properties.Set("FunctionName", Ref(source.target.function_id));
  permission.properties.Set("Principal", "events.amazonaws.com");
  permission.properties.Set("SourceArn", rule_arn);
  out.push_back(std::move(permission));
  return Json();
}

/// Schedule, CloudWatchEvent and EventBridgeRule.
Result<CfnResources> RuleOf(const Source& source, bool is_schedule) {
  const Json& properties = source.properties;
  CfnResource rule{source.id, "AWS::Events::Rule", {}, source.target.attributes, {}};
  if (is_schedule) {
    rule.properties.Set("ScheduleExpression", properties["Schedule"]);
    CopyMembers(properties, {"Name", "Description"}, rule.properties);
  } else {
    CopyMembers(properties, {"EventBusName"}, rule.properties);
    rule.properties.Set("EventPattern", properties["Pattern"]);
    rule.properties.Set("Name", properties["RuleName"]);
  }
  MILL_CHECK(SetState(source, rule));
  CfnResources others;
  const Json rule_arn = GetAtt(rule.id, "Arn");
  const Json role_arn = AddAccess(source, rule_arn, others);
  MILL_TRY(const Json queue_arn, DeadLetterArn(source, &rule_arn, others));

  Json::Object target{{"Arn", source.target.arn}, {"Id", TargetId(source)}};
  if (!role_arn.is_null()) target.Set("RoleArn", role_arn);
  CopyMembers(properties, {"Input", "InputPath", "RetryPolicy", "InputTransformer"}, target);
  if (!queue_arn.is_null()) {
    target.Set("DeadLetterConfig", Json(Json::Object{{"Arn", queue_arn}}));
  }
  rule.properties.Set("Targets", Json(Json::Array{Json(std::move(target))}));
  CfnResources out{std::move(rule)};
  for (CfnResource& other : others) out.push_back(std::move(other));
  return out;
}

Result<CfnResources> ScheduleV2Of(const Source& source) {
  const Json& properties = source.properties;
  CfnResource schedule{source.id, "AWS::Scheduler::Schedule", {}, source.target.attributes, {}};
  schedule.properties.Set("ScheduleExpression", properties["ScheduleExpression"]);
  if (IsTruthy(properties["State"])) schedule.properties.Set("State", properties["State"]);
  if (!IsTruthy(properties["OmitName"])) {
    schedule.properties.Set("Name",
                            IsTruthy(properties["Name"]) ? properties["Name"] : Json(source.id));
  } else if (IsTruthy(properties["Name"])) {
    return InvalidEvent(source.id, "Name cannot be set when OmitName is True");
  }
  schedule.properties.Set("FlexibleTimeWindow", IsTruthy(properties["FlexibleTimeWindow"])
                                                    ? properties["FlexibleTimeWindow"]
                                                    : Json(Json::Object{{"Mode", "OFF"}}));
  CopyMembers(properties,
              {"Description", "StartDate", "EndDate", "ScheduleExpressionTimezone", "GroupName",
               "KmsKeyArn"},
              schedule.properties);
  CfnResources others;
  MILL_TRY(const Json queue_arn, DeadLetterArn(source, nullptr, others));
  Json role_arn = properties["RoleArn"];
  if (!IsTruthy(role_arn)) {
    const bool is_machine = source.target.function_id.empty();
    Json::Array policies{InlinePolicy(
        source.id + (is_machine ? "StartExecutionPolicy" : "LambdaPolicy"),
        is_machine ? "states:StartExecution" : "lambda:InvokeFunction", source.target.arn)};
    if (IsTruthy(queue_arn)) {
      policies.push_back(InlinePolicy(source.id + "SQSPolicy", "sqs:SendMessage", queue_arn));
    }
    others.push_back(InvocationRole(source, "scheduler.amazonaws.com", std::move(policies),
                                    properties["PermissionsBoundary"]));
    role_arn = GetAtt(others.back().id, "Arn");
  }
  Json::Object target{{"Arn", source.target.arn}, {"RoleArn", role_arn}};
  CopyMembers(properties, {"Input", "RetryPolicy"}, target);
  if (!properties["DeadLetterConfig"].is_null()) {
    target.Set("DeadLetterConfig", Json(Json::Object{{"Arn", queue_arn}}));
  }
  schedule.properties.Set("Target", Json(std::move(target)));
  CfnResources out{std::move(schedule)};
  for (CfnResource& other : others) out.push_back(std::move(other));
  return out;
}

}  // namespace

Result<> CheckEvent(const std::string& owner_id, const std::string& name, const Json& event,
                    bool for_function) {
  const std::string id = owner_id + name;
  const Json& type = event["Type"];
  const auto* found = std::find_if(
      std::begin(kEventTypes), std::end(kEventTypes),
      [&type](const EventType& t) { return type.is_string() && type.AsString() == t.name; });
  if (found == std::end(kEventTypes)) {
    if (type.is_string() && (type.AsString() == "Api" || for_function)) {
      return InvalidResource(owner_id, "Event with id [" + name + "] is invalid. Events of type " +
                                           type.AsString() + " cannot be translated here.");
    }
    const std::string shown = type.is_null()     ? "None"
                              : type.is_string() ? type.AsString()
                                                 : type.Print();
    const Error error = InvalidEvent(
        name,
        "Resource dict has missing or invalid value for key Type. Event Type is: " + shown + ".");
    return InvalidResource(owner_id, error.message);
  }
  if (!std::all_of(id.begin(), id.end(), [](unsigned char c) { return std::isalnum(c) != 0; })) {
    return InvalidResource(id, "Logical ids must be alphanumeric.");
  }
  const Json* properties = event.Find("Properties");
  if (properties && !properties->is_object()) {
    return InvalidResource(id, "Properties of a resource must be an object.");
  }
  const Json checked = properties ? *properties : Json(Json::Object{});
  return for_function ? CheckProperties(id, found->name, checked, found->function_rules,
                                        found->function_rules_size)
                      : CheckProperties(id, found->name, checked, found->rules, found->rules_size);
}

Result<CfnResources> TranslateEvent(const std::string& owner_id, const std::string& name,
                                    const Json& event, const EventTarget& target) {
  const Json& properties = event["Properties"];
  const Source source{owner_id + name, name,
                      properties.is_object() ? properties : Json(Json::Object{}), target};
  const std::string type = event.StringOr("Type", "");
  if (type == "ScheduleV2") return ScheduleV2Of(source);
  return RuleOf(source, type == "Schedule");
}

}  // namespace stepmill::cfn
