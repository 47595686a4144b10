#include "lang/template/template.h"

#include <algorithm>
#include <set>

#include "base/strings.h"
#include "lang/template/limits.h"

namespace stepmill::cfn {

Error ValidationError(const std::string& message) {
  return Error{Code::kInvalid, "ValidationError", message};
}

namespace {

Error FormatError(const std::string& what) {
  return ValidationError("Template format error: " + what);
}

constexpr std::string_view kSections[] = {"AWSTemplateFormatVersion",
                                          "Description",
                                          "Metadata",
                                          "Parameters",
                                          "Rules",
                                          "Mappings",
                                          "Conditions",
                                          "Transform",
                                          "Hooks",
                                          "Resources",
                                          "Outputs",
                                          "Globals"};

constexpr std::string_view kPseudo[] = {"AWS::AccountId", "AWS::NotificationARNs", "AWS::NoValue",
                                        "AWS::Partition", "AWS::Region",           "AWS::StackId",
                                        "AWS::StackName", "AWS::URLSuffix"};

template <size_t N>
bool Holds(const std::string_view (&names)[N], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

/// Calls `visit(kind, name)` for what a value refers to: kind 'r' for a Ref or a variable of
/// Fn::Sub without a dot, 'a' for an attribute's resource, 'c' for a condition. Follows only the
/// branch of Fn::If that holds where `conditions` (may be null) knows it.
template <class Visit>
void VisitReferences(const Json& value, const Json* conditions, int depth, const Visit& visit) {
  if (depth > kDepthMax) return;
  if (value.is_array()) {
    for (const Json& item : value.items()) VisitReferences(item, conditions, depth + 1, visit);
    return;
  }
  if (!value.is_object()) return;
  if (value.size() == 1) {
    const std::string& name = value.members()[0].name;
    const Json& argument = value.members()[0].value;
    if (name == "Ref" && argument.is_string()) return visit('r', argument.AsString());
    if (name == "Fn::GetAtt") {
      if (argument.is_string()) {
        return visit('a', argument.AsString().substr(0, argument.AsString().find('.')));
      }
      if (argument.size() == 2 && argument.At(0).is_string()) {
        visit('a', argument.At(0).AsString());
        return VisitReferences(argument.At(1), conditions, depth + 1, visit);
      }
      return;
    }
    if (name == "Fn::Sub") {
      const bool has_map = argument.is_array() && argument.size() == 2;
      if (has_map) VisitReferences(argument.At(1), conditions, depth + 1, visit);
      const Json& text_value = has_map ? argument.At(0) : argument;
      if (!text_value.is_string()) return;
      const std::string& text = text_value.AsString();
      for (size_t at = text.find("${"); at != std::string::npos; at = text.find("${", at + 1)) {
        const size_t end = text.find('}', at);
        if (end == std::string::npos) return;
        const std::string variable(Trim(std::string_view(text).substr(at + 2, end - at - 2)));
        if (variable.starts_with("!")) continue;
        if (has_map && argument.At(1).Has(variable)) continue;
        const size_t dot = variable.find('.');
        visit(dot == std::string::npos ? 'r' : 'a', variable.substr(0, dot));
      }
      return;
    }
    if (name == "Fn::If" && argument.is_array() && argument.size() == 3 &&
        argument.At(0).is_string()) {
      visit('c', argument.At(0).AsString());
      const Json* holds = conditions ? conditions->Find(argument.At(0).AsString()) : nullptr;
      if (!holds || holds->AsBool()) {
        VisitReferences(argument.At(1), conditions, depth + 1, visit);
      }
      if (!holds || !holds->AsBool()) {
        VisitReferences(argument.At(2), conditions, depth + 1, visit);
      }
      return;
    }
  }
  for (const Json::Member& member : value.members()) {
    VisitReferences(member.value, conditions, depth + 1, visit);
  }
}

std::vector<std::string> DependsOn(const Json& resource) {
  const Json& value = resource["DependsOn"];
  if (value.is_string()) return {value.AsString()};
  std::vector<std::string> out;
  if (value.is_array()) {
    for (const Json& item : value.items()) {
      if (item.is_string()) out.push_back(item.AsString());
    }
  }
  return out;
}

Result<> CheckSections(const Json& document) {
  std::vector<std::string> unknown;
  for (const Json::Member& section : document.members()) {
    if (!Holds(kSections, section.name)) unknown.push_back(section.name);
  }
  if (!unknown.empty()) {
    return ValidationError("Invalid template property or properties [" + Join(unknown, ", ") + "]");
  }
  const Json& version = document["AWSTemplateFormatVersion"];
  if (!version.is_null() && !(version.is_string() && version.AsString() == "2010-09-09")) {
    return FormatError("unsupported value for AWSTemplateFormatVersion.");
  }
  const Json& description = document["Description"];
  if (!description.is_null() && !description.is_string()) {
    return FormatError("Description section must be a string.");
  }
  if (description.is_string() && description.AsString().size() > kDescriptionBytesMax) {
    return FormatError("'Description' length is greater than 1024.");
  }
  for (const char* name : {"Parameters", "Mappings", "Conditions", "Outputs"}) {
    const Json& section = document[name];
    if (!section.is_null() && !section.is_object()) {
      return FormatError("Any " + std::string(name) + " member must be a map.");
    }
  }
  const std::pair<const char*, size_t> bounds[] = {{"Parameters", kParametersMax},
                                                   {"Resources", kResourcesMax},
                                                   {"Outputs", kOutputsMax},
                                                   {"Mappings", kMappingsMax}};
  for (const auto& [name, max] : bounds) {
    if (document[name].size() > max) {
      return FormatError("Number of " + ToLower(name) + ", " +
                         std::to_string(document[name].size()) +
                         ", is greater than maximum allowed, " + std::to_string(max));
    }
  }
  return {};
}

bool IsKnownParameterType(std::string_view type) {
  constexpr std::string_view kValue = "AWS::SSM::Parameter::Value<";
  if (type.starts_with(kValue) && type.ends_with(">")) {
    return IsKnownParameterType(type.substr(kValue.size(), type.size() - kValue.size() - 1));
  }
  constexpr std::string_view kList = "List<";
  if (type.starts_with(kList) && type.ends_with(">")) {
    const std::string_view inner = type.substr(kList.size(), type.size() - kList.size() - 1);
    return inner == "Number" || inner == "String" || inner.starts_with("AWS::");
  }
  return type == "String" || type == "Number" || type == "CommaDelimitedList" ||
         type.starts_with("AWS::EC2::") || type.starts_with("AWS::Route53::") ||
         type == "AWS::SSM::Parameter::Name";
}

Result<> CheckParameters(const Json& document) {
  if (!document["Parameters"].is_object()) return {};
  for (const Json::Member& parameter : document["Parameters"].members()) {
    if (!parameter.value.is_object()) {
      return FormatError("Every Parameters member must be a map: " + parameter.name);
    }
    const Json& type = parameter.value["Type"];
    if (!type.is_string()) {
      return FormatError("Every Parameters object must contain a Type member: " + parameter.name);
    }
    if (!IsKnownParameterType(type.AsString())) {
      return FormatError("Unrecognized parameter type: " + type.AsString());
    }
  }
  return {};
}

Result<> CheckResources(const Json& document) {
  const Json& resources = document["Resources"];
  if (!resources.is_object() || resources.size() == 0) {
    return FormatError("At least one Resources member must be defined.");
  }
  for (const Json::Member& resource : resources.members()) {
    const std::string& id = resource.name;
    if (id.empty() ||
        !std::all_of(id.begin(), id.end(), [](unsigned char c) { return std::isalnum(c) != 0; })) {
      return FormatError("Resource name " + id + " is non alphanumeric.");
    }
    if (!resource.value.is_object()) {
      return FormatError("[/Resources/" + id + "] resource definition is malformed");
    }
    if (!resource.value["Type"].is_string()) {
      return FormatError("[/Resources/" + id +
                         "] Every Resources object must contain a Type member.");
    }
    static constexpr std::string_view kMembers[] = {
        "Type",         "Properties",     "DependsOn",           "Condition",     "Metadata",
        "UpdatePolicy", "CreationPolicy", "UpdateReplacePolicy", "DeletionPolicy"};
    for (const Json::Member& member : resource.value.members()) {
      if (Holds(kMembers, member.name)) continue;
      return ValidationError("Invalid template resource property '" + member.name + "'");
    }
    const Json& properties = resource.value["Properties"];
    if (!properties.is_null() && !properties.is_object()) {
      return FormatError("[/Resources/" + id + "] resource definition is malformed");
    }
    const std::string policy = resource.value.StringOr("DeletionPolicy", "Delete");
    if (policy != "Delete" && policy != "Retain" && policy != "RetainExceptOnCreate" &&
        policy != "Snapshot") {
      return FormatError("Unrecognized DeletionPolicy " + policy + " for resource " + id);
    }
  }
  return {};
}

/// Every name that a block refers to is a parameter, a pseudo parameter or a resource.
Result<> CheckReferences(const Json& document, const char* block) {
  const Json& resources = document["Resources"];
  std::vector<std::string> unresolved;
  std::string undefined;
  std::string condition;
  const auto visit = [&](char kind, const std::string& name) {
    if (kind == 'a') {
      if (!resources.Has(name) && undefined.empty()) undefined = name;
    } else if (kind == 'c') {
      if (!document["Conditions"].Has(name) && condition.empty()) condition = name;
    } else if (!resources.Has(name) && !document["Parameters"].Has(name) && !Holds(kPseudo, name)) {
      if (std::find(unresolved.begin(), unresolved.end(), name) == unresolved.end()) {
        unresolved.push_back(name);
      }
    }
  };
  const std::string name(block);
  VisitReferences(document[block], nullptr, 0, visit);
  if (document[block].is_object() && name != "Conditions") {
    for (const Json::Member& member : document[block].members()) {
      const Json& own = member.value["Condition"];
      if (own.is_string()) visit('c', own.AsString());
      if (name != "Resources") continue;
      for (const std::string& id : DependsOn(member.value)) {
        if (!resources.Has(id)) unresolved.push_back(id);
      }
    }
  }
  if (!unresolved.empty()) {
    return FormatError("Unresolved resource dependencies [" + Join(unresolved, ", ") + "] in the " +
                       name + " block of the template");
  }
  if (!undefined.empty()) {
    return ValidationError("Template error: instance of Fn::GetAtt references undefined resource " +
                           undefined);
  }
  if (!condition.empty()) {
    return FormatError("Unresolved condition dependency " + condition + " in the " + name +
                       " block of the template");
  }
  return {};
}

Result<> CheckCircles(const Dependencies& dependencies) {
  // Takes away what waits for nothing; what is left stands in, or behind, a circle.
  std::map<std::string, std::set<std::string>> open;
  for (const auto& [id, needs] : dependencies) open[id] = {needs.begin(), needs.end()};
  for (bool has_changed = true; has_changed;) {
    has_changed = false;
    for (auto it = open.begin(); it != open.end();) {
      const bool is_free = std::none_of(it->second.begin(), it->second.end(),
                                        [&](const std::string& id) { return open.count(id) > 0; });
      it = is_free ? open.erase(it) : std::next(it);
      has_changed = has_changed || is_free;
    }
  }
  // And from the other side: what nothing in the rest needs is only behind it.
  for (bool has_changed = true; has_changed;) {
    has_changed = false;
    for (auto it = open.begin(); it != open.end();) {
      const bool is_needed = std::any_of(open.begin(), open.end(), [&](const auto& other) {
        return other.second.count(it->first) > 0;
      });
      it = is_needed ? std::next(it) : open.erase(it);
      has_changed = has_changed || !is_needed;
    }
  }
  if (open.empty()) return {};
  std::vector<std::string> ids;
  for (const auto& [id, needs] : open) ids.push_back(id);
  return ValidationError("Circular dependency between resources: [" + Join(ids, ", ") + "]");
}

}  // namespace

Result<> CheckTemplate(const Json& document) {
  if (!document.is_object()) return FormatError("unsupported structure.");
  MILL_CHECK(CheckSections(document));
  MILL_CHECK(CheckParameters(document));
  MILL_CHECK(CheckResources(document));
  for (const char* block : {"Conditions", "Resources", "Outputs"}) {
    MILL_CHECK(CheckReferences(document, block));
  }
  if (document["Outputs"].is_object()) {
    for (const Json::Member& output : document["Outputs"].members()) {
      if (!output.value.is_object() || !output.value.Has("Value")) {
        return FormatError("Every Outputs member must contain a Value object: " + output.name);
      }
    }
  }
  return CheckCircles(DependenciesOf(document["Resources"], Json(Json::Object{})));
}

Dependencies DependenciesOf(const Json& resources, const Json& conditions) {
  Dependencies out;
  for (const Json::Member& resource : resources.members()) {
    std::set<std::string> needs;
    const auto add = [&](const std::string& id) {
      if (resources.Has(id)) needs.insert(id);
    };
    VisitReferences(resource.value["Properties"], &conditions, 0,
                    [&](char kind, const std::string& name) {
                      if (kind != 'c') add(name);
                    });
    for (const std::string& id : DependsOn(resource.value)) add(id);
    out[resource.name] = {needs.begin(), needs.end()};
  }
  return out;
}

Json PresentResources(const Json& document, const Json& conditions) {
  Json::Object out;
  for (const Json::Member& resource : document["Resources"].members()) {
    const Json* holds = conditions.Find(resource.value.StringOr("Condition", ""));
    if (!holds || holds->AsBool()) out.Add(resource.name, resource.value);
  }
  return Json(std::move(out));
}

namespace {

constexpr std::string_view kIamTypes[] = {"AWS::IAM::AccessKey",
                                          "AWS::IAM::Group",
                                          "AWS::IAM::GroupPolicy",
                                          "AWS::IAM::InstanceProfile",
                                          "AWS::IAM::ManagedPolicy",
                                          "AWS::IAM::Policy",
                                          "AWS::IAM::Role",
                                          "AWS::IAM::RolePolicy",
                                          "AWS::IAM::User",
                                          "AWS::IAM::UserPolicy",
                                          "AWS::IAM::UserToGroupAddition"};
constexpr std::string_view kIamNames[] = {"RoleName", "UserName", "GroupName", "ManagedPolicyName",
                                          "InstanceProfileName"};

}  // namespace

std::vector<std::string> NeededCapabilities(const Json& document) {
  bool has_iam = false;
  bool has_named = false;
  if (document["Resources"].is_object()) {
    for (const Json::Member& resource : document["Resources"].members()) {
      if (!Holds(kIamTypes, resource.value.StringOr("Type", ""))) continue;
      has_iam = true;
      for (const std::string_view name : kIamNames) {
        has_named = has_named || resource.value["Properties"].Has(name);
      }
    }
  }
  if (has_named) return {"CAPABILITY_NAMED_IAM"};
  if (has_iam) return {"CAPABILITY_IAM"};
  return {};
}

std::string MissingCapabilities(const Json& document, const std::vector<std::string>& given) {
  const auto has = [&given](const char* name) {
    return std::find(given.begin(), given.end(), name) != given.end();
  };
  for (const std::string& needed : NeededCapabilities(document)) {
    // The named capability includes the plain one.
    if (has(needed.c_str()) || has("CAPABILITY_NAMED_IAM")) continue;
    return "Requires capabilities : [" + needed + "]";
  }
  return "";
}

std::vector<std::string> DynamicReferences(const Json& value) {
  std::vector<std::string> out;
  const auto collect = [&out](const auto& self, const Json& v) -> void {
    if (v.is_array()) {
      for (const Json& item : v.items()) self(self, item);
    } else if (v.is_object()) {
      for (const Json::Member& member : v.members()) self(self, member.value);
    } else if (v.is_string()) {
      const std::string& text = v.AsString();
      for (size_t at = text.find("{{resolve:"); at != std::string::npos;
           at = text.find("{{resolve:", at + 1)) {
        const size_t end = text.find("}}", at);
        if (end == std::string::npos) break;
        const std::string one = text.substr(at, end + 2 - at);
        if (std::find(out.begin(), out.end(), one) == out.end()) out.push_back(one);
      }
    }
  };
  collect(collect, value);
  return out;
}

}  // namespace stepmill::cfn
