// AWS::Serverless::StateMachine.
#include <algorithm>

#include "lang/template/sam_parts.h"

namespace stepmill::cfn {
namespace {

constexpr std::string_view kSamTag = "stateMachine:createdBy";

constexpr PropertyRule kRules[] = {
    {"Definition", PropertyKind::kMap},
    {"DefinitionUri", PropertyKind::kStringOrMap},
    {"Logging", PropertyKind::kMap},
    {"Role", PropertyKind::kString},
    {"RolePath", PropertyKind::kAny, false, false},
    {"DefinitionSubstitutions", PropertyKind::kMap},
    {"Events", PropertyKind::kMapOfMaps},
    {"Name", PropertyKind::kString},
    {"Type", PropertyKind::kString},
    {"Tags", PropertyKind::kMap},
    {"PropagateTags", PropertyKind::kBool},
    {"Policies", PropertyKind::kPoliciesList},
    {"Tracing", PropertyKind::kMap},
    {"PermissionsBoundary", PropertyKind::kString},
    {"AutoPublishAlias", PropertyKind::kAny, false, false},
    {"DeploymentPreference", PropertyKind::kAny, false, false},
    {"UseAliasAsEventTarget", PropertyKind::kBool, false, false},
};

/// {{resolve:service:key}}, the whole text.
bool IsDynamicReference(const Json& value) {
  if (!value.is_string()) return false;
  const std::string& text = value.AsString();
  constexpr std::string_view kStart = "{{resolve:";
  if (!text.starts_with(kStart) || !text.ends_with("}}")) return false;
  const size_t colon = text.find(':', kStart.size());
  if (colon == std::string::npos || colon == kStart.size() || colon + 3 >= text.size()) {
    return false;
  }
  const std::string service = text.substr(kStart.size(), colon - kStart.size());
  return text.find('\n') == std::string::npos &&
         std::all_of(service.begin(), service.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
}

/// Takes what only the stack can resolve out of a definition and leaves
/// ${definition_substitution_N} there. Numbers follow the members in sorted order.
class Substitutor {
 public:
  Json Replace(const Json& value) {
    if (value.is_array()) {
      Json::Array items;
      for (const Json& item : value.items()) items.push_back(Child(item));
      return Json(std::move(items));
    }
    if (!value.is_object()) return value;
    std::vector<const Json::Member*> sorted;
    for (const Json::Member& member : value.members()) sorted.push_back(&member);
    std::sort(sorted.begin(), sorted.end(),
              [](const auto* a, const auto* b) { return a->name < b->name; });
    Json::Object members;
    for (const Json::Member* member : sorted) members.Add(member->name, Child(member->value));
    return Json(std::move(members));
  }

  const Json::Object& found() const { return found_; }

 private:
  Json Child(const Json& value) {
    if (!IsFunction(value) && !IsDynamicReference(value)) return Replace(value);
    const std::string name = "definition_substitution_" + std::to_string(found_.members.size() + 1);
    found_.Add(name, value);
    return Json("${" + name + "}");
  }

  Json::Object found_;
};

Result<> SetDefinition(const SamResource& resource, CfnResource& machine) {
  const Json& definition = resource.properties["Definition"];
  const Json& uri = resource.properties["DefinitionUri"];
  Json substitutions = resource.properties["DefinitionSubstitutions"];
  if (!IsTruthy(substitutions)) substitutions = Json();
  if (IsTruthy(definition) && IsTruthy(uri)) {
    return InvalidResource(resource.id,
                           "Specify either 'Definition' or 'DefinitionUri' property and not both.");
  }
  if (IsTruthy(definition)) {
    Substitutor substitutor;
    const Json replaced = substitutor.Replace(definition);
    for (const Json::Member& member : substitutor.found().members) {
      substitutions = substitutions.With(member.name, member.value);
    }
    Json::Array lines;
    for (const std::string& line : SortedJsonLines(replaced)) lines.push_back(line);
    const Json joined(Json::Array{"\n", Json(std::move(lines))});
    machine.properties.Set("DefinitionString", Json(Json::Object{{"Fn::Join", joined}}));
  } else if (IsTruthy(uri)) {
    Json place = uri;
    if (!uri.is_object()) {
      place = ParseS3Uri(uri);
      if (place.is_null()) {
        return InvalidResource(resource.id,
                               "'DefinitionUri' is not a valid S3 Uri of the form "
                               "'s3://bucket/key' with optional versionId query parameter.");
      }
    } else if (!IsTruthy(uri["Bucket"]) || !IsTruthy(uri["Key"])) {
      return InvalidResource(resource.id,
                             "'DefinitionUri' requires Bucket and Key properties to be specified.");
    }
    Json::Object location{{"Bucket", place["Bucket"]}, {"Key", place["Key"]}};
    location.SetIf("Version", place.Find("Version"));
    machine.properties.Set("DefinitionS3Location", Json(std::move(location)));
  } else {
    return InvalidResource(resource.id,
                           "Either 'Definition' or 'DefinitionUri' property must be specified.");
  }
  machine.properties.Set("DefinitionSubstitutions", substitutions);
  return {};
}

Result<> SetRole(const SamResource& resource, CfnResource& machine, CfnResources& out) {
  const Json& properties = resource.properties;
  const bool has_role = IsTruthy(properties["Role"]);
  if (has_role && IsTruthy(properties["Policies"])) {
    return InvalidResource(
        resource.id,
        "Specify either 'Role' or 'Policies' (but not both at the same time) or neither of them");
  }
  if (has_role) {
    machine.properties.Set("RoleArn", properties["Role"]);
    return {};
  }
  Json policies = IsTruthy(properties["Policies"]) ? properties["Policies"] : Json(Json::Array{});
  const Json& enabled = properties["Tracing"]["Enabled"];
  if (enabled.is_bool() && enabled.AsBool()) {
    // The other partitions have only the newer policy.
    policies = policies.Push(resource.options->partition == "aws" ? "AWSXrayWriteOnlyAccess"
                                                                  : "AWSXRayDaemonWriteAccess");
  }
  RoleRequest request;
  request.resource_id = resource.id;
  request.attributes = InheritedAttributes(resource.attributes);
  request.trust = TrustPolicy("states.amazonaws.com");
  request.policies = policies;
  request.path = properties["RolePath"];
  request.permissions_boundary = properties["PermissionsBoundary"];
  request.tags = TagList(std::string(kSamTag), properties["Tags"]);
  MILL_TRY(CfnResource role, MakeRole(std::move(request), *resource.options));
  machine.properties.Set("RoleArn", GetAtt(role.id, "Arn"));
  out.push_back(std::move(role));
  return {};
}

/// The version and the alias of AutoPublishAlias; the alias's id, or empty.
Result<std::string> AddAlias(const SamResource& resource, CfnResources& out) {
  const Json& alias = resource.properties["AutoPublishAlias"];
  const Json& preference = resource.properties["DeploymentPreference"];
  if (!IsTruthy(alias)) {
    const char* needs = IsTruthy(resource.properties["UseAliasAsEventTarget"])
                            ? "'UseAliasAsEventTarget'"
                        : IsTruthy(preference) ? "'DeploymentPreference'"
                                               : nullptr;
    if (!needs) return std::string();
    return InvalidResource(resource.id, std::string(needs) +
                                            " requires 'AutoPublishAlias' property to be "
                                            "specified.");
  }
  const Json inherited = InheritedAttributes(resource.attributes);
  // Older versions stay, so that traffic can shift from them and back.
  Json kept = inherited;
  for (const char* name : {"DeletionPolicy", "UpdateReplacePolicy"}) {
    if (!kept.Has(name)) kept = kept.With(name, "Retain");
  }
  CfnResource version{
      resource.id + "Version", "AWS::StepFunctions::StateMachineVersion", {}, kept, {}};
  version.properties.Set("StateMachineArn", Ref(resource.id));
  version.properties.Set("StateMachineRevisionId", GetAtt(resource.id, "StateMachineRevisionId"));

  const std::string alias_name = alias.is_string() ? alias.AsString() : alias.Print();
  CfnResource published{resource.id + "Alias" + alias_name,
                        "AWS::StepFunctions::StateMachineAlias",
                        {},
                        inherited,
                        {}};
  if (!std::all_of(published.id.begin(), published.id.end(),
                   [](unsigned char c) { return std::isalnum(c) != 0; })) {
    return InvalidResource(published.id, "Logical ids must be alphanumeric.");
  }
  const Json base = IsTruthy(preference) ? preference : Json(Json::Object{{"Type", "ALL_AT_ONCE"}});
  published.properties.Set("Name", alias);
  published.properties.Set("DeploymentPreference",
                           base.With("StateMachineVersionArn", Ref(version.id)));
  out.push_back(std::move(version));
  out.push_back(published);
  return published.id;
}

Result<> AddEvents(const SamResource& resource, const std::string& alias_id, CfnResources& out) {
  const Json& events = resource.properties["Events"];
  if (!IsTruthy(events)) return {};
  EventTarget target;
  const bool to_alias = IsTruthy(resource.properties["UseAliasAsEventTarget"]) && !alias_id.empty();
  target.arn = Ref(to_alias ? alias_id : resource.id);
  target.attributes = InheritedAttributes(resource.attributes);
  target.permissions_boundary = resource.properties["PermissionsBoundary"];
  for (const Json::Member& event : events.members()) {
    MILL_TRY(CfnResources made, TranslateEvent(resource.id, event.name, event.value, target));
    for (CfnResource& one : made) out.push_back(std::move(one));
  }
  return {};
}

}  // namespace

Result<CfnResources> TranslateStateMachine(const SamResource& resource) {
  const Json& properties = resource.properties;
  MILL_CHECK(CheckProperties(resource.id, "AWS::Serverless::StateMachine", properties, kRules,
                             std::size(kRules)));
  if (IsTruthy(properties["Events"])) {
    for (const Json::Member& event : properties["Events"].members()) {
      MILL_CHECK(CheckEvent(resource.id, event.name, event.value, false));
    }
  }
  CfnResource machine{resource.id,
                      "AWS::StepFunctions::StateMachine",
                      resource.depends_on,
                      resource.attributes,
                      {}};
  CfnResources others;
  MILL_CHECK(SetDefinition(resource, machine));
  MILL_CHECK(SetRole(resource, machine, others));
  machine.properties.Set("StateMachineName", properties["Name"]);
  machine.properties.Set("StateMachineType", properties["Type"]);
  machine.properties.Set("LoggingConfiguration", properties["Logging"]);
  machine.properties.Set("TracingConfiguration", properties["Tracing"]);
  machine.properties.Set("Tags", TagList(std::string(kSamTag), properties["Tags"]));
  MILL_TRY(const std::string alias_id, AddAlias(resource, others));
  MILL_CHECK(AddEvents(resource, alias_id, others));

  CfnResources out{std::move(machine)};
  for (CfnResource& other : others) out.push_back(std::move(other));
  if (IsTruthy(properties["PropagateTags"]) && IsTruthy(properties["Tags"])) {
    // AWS replaces the tags of every generated resource that can have some.
    for (CfnResource& made : out) {
      if (made.type == "AWS::StepFunctions::StateMachine" || made.type == "AWS::IAM::Role" ||
          made.type == "AWS::SQS::Queue") {
        made.properties.Set("Tags", TagList("", properties["Tags"]));
      }
    }
  }
  return out;
}

}  // namespace stepmill::cfn
