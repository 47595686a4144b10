#include "service/cloudformation/types.h"

#include <algorithm>

#include "base/strings.h"
#include "lang/template/resolve.h"

namespace stepmill::cloudformation {
namespace {

constexpr const ResourceType* kTypes[] = {
    &kStateMachineType,
    &kRoleType,
    &kRuleType,
    &kConnectionType,
    &kBucketType,
    &kParameterType,
    &kLogGroupType,
    &kRepositoryType,
    &kProjectType,
    &kPipelineType,
    &kQueueType,
    &kQueuePolicyType,
    &kTopicType,
    &kSubscriptionType,
    &kTopicPolicyType,
    &kTableType,
    &kFunctionType,
    &kFunctionVersionType,
    &kFunctionAliasType,
    &kFunctionPermissionType,
    &kEventInvokeConfigType,
    &kLayerVersionType,
};

/// Texts made numbers and booleans where the type says so; parameters and Fn::Sub give texts.
Json Typed(const ResourceType& type, const std::string& name, const Json& value) {
  // Documents of other languages, whose members only look the same.
  if (IsListed("Definition,EventPattern,PolicyDocument,AssumeRolePolicyDocument,Configuration",
               name)) {
    return value;
  }
  if (value.is_array()) {
    Json::Array items;
    for (const Json& item : value.items()) items.push_back(Typed(type, name, item));
    return Json(std::move(items));
  }
  if (value.is_object()) {
    Json::Object members;
    for (const Json::Member& member : value.members()) {
      members.Add(member.name, Typed(type, member.name, member.value));
    }
    return Json(std::move(members));
  }
  if (!value.is_string()) return value;
  const std::string& text = value.AsString();
  if (IsListed(type.numbers, name)) {
    const auto number = ParseInt(text);
    if (number) return Json(*number);
  }
  if (IsListed(type.booleans, name)) {
    if (text == "true" || text == "True") return Json(true);
    if (text == "false" || text == "False") return Json(false);
  }
  return value;
}

}  // namespace

const ResourceType* FindResourceType(std::string_view name) {
  for (const ResourceType* type : kTypes) {
    if (type->name == name) return type;
  }
  return nullptr;
}

bool IsListed(std::string_view list, std::string_view item) {
  const std::vector<std::string_view> items = Split(list, ',');
  return std::find(items.begin(), items.end(), item) != items.end();
}

bool IsReplacedBy(const ResourceType& type, std::string_view property) {
  return IsListed(type.replaced_by, property);
}

Result<Json> CheckedProperties(const ResourceType& type, const std::string& logical_id,
                               const Json& properties) {
  const auto bad = [&](const std::string& what) {
    return Error{
        Code::kInvalid, "ValidationError",
        "Properties validation failed for resource " + logical_id + " with message: " + what};
  };
  Json::Object out;
  if (properties.is_object()) {
    for (const Json::Member& member : properties.members()) {
      if (IsListed(type.unbuilt, member.name)) {
        return bad("the property " + member.name + " of " + std::string(type.name) +
                   " is not built in stepmill");
      }
      if (!IsListed(type.properties, member.name)) {
        return bad("#: extraneous key [" + member.name + "] is not permitted");
      }
      if (!member.value.is_null()) out.Add(member.name, Typed(type, member.name, member.value));
    }
  }
  Json checked(std::move(out));
  for (const std::string_view name : Split(type.required, ',')) {
    if (!name.empty() && !checked.Has(name)) {
      return bad("#: required key [" + std::string(name) + "] not found");
    }
  }
  return checked;
}

std::string GeneratedName(const ResourceContext& context, const std::string& suffix, size_t max) {
  std::string stack = context.stack_name;
  std::string id = context.logical_id;
  const size_t room = max - suffix.size() - 2;
  if (stack.size() + id.size() > room) {
    const size_t half = room / 2;
    if (stack.size() > half) stack.resize(std::max(half, room - std::min(room, id.size())));
    if (stack.size() + id.size() > room) id.resize(room - stack.size());
  }
  return stack + "-" + id + "-" + suffix;
}

std::string NameOr(const ResourceContext& context, std::string_view property,
                   const std::string& suffix, size_t max) {
  const auto given = cfn::ScalarText(context.properties[property]);
  return given && !given->empty() ? *given : GeneratedName(context, suffix, max);
}

Json TagMap(const ResourceContext& context) {
  Json::Object tags;
  const auto add = [&tags](const Json& list) {
    if (!list.is_array()) return;
    for (const Json& tag : list.items()) {
      tags.Set(tag.StringOr("Key", ""), cfn::ScalarText(tag["Value"]).value_or(""));
    }
  };
  add(context.stack_tags);
  add(context.properties["Tags"]);
  const Json& own = context.properties["Tags"];
  if (own.is_object()) {
    for (const Json::Member& tag : own.members()) {
      tags.Set(tag.name, cfn::ScalarText(tag.value).value_or(""));
    }
  }
  return Json(std::move(tags));
}

Json MergedTags(const ResourceContext& context, const char* key, const char* value) {
  Json::Array list;
  const Json tags = TagMap(context);
  for (const Json::Member& tag : tags.members()) {
    list.push_back(Json::Object{{key, tag.name}, {value, tag.value}});
  }
  return Json(std::move(list));
}

Json LowerMembers(const Json& value, std::string_view opaque) {
  if (value.is_array()) {
    Json::Array items;
    for (const Json& item : value.items()) items.push_back(LowerMembers(item, opaque));
    return Json(std::move(items));
  }
  if (!value.is_object()) return value;
  Json::Object members;
  for (const Json::Member& member : value.members()) {
    std::string name = member.name;
    if (!name.empty()) name[0] = static_cast<char>(std::tolower(name[0]));
    members.Add(name,
                IsListed(opaque, member.name) ? member.value : LowerMembers(member.value, opaque));
  }
  return Json(std::move(members));
}

void Retag(const ResourceContext& context, const TagOperations& operations,
           std::vector<ApiCall>& calls) {
  if (context.properties["Tags"] == context.old_properties["Tags"]) return;
  ResourceContext before = context;
  before.properties = context.old_properties;
  const Json old_tags = TagMap(before);
  const Json tags = TagMap(context);
  Json::Array gone;
  for (const Json::Member& tag : old_tags.members()) {
    if (!tags.Has(tag.name)) gone.push_back(tag.name);
  }
  if (!gone.empty()) {
    calls.push_back({operations.service, operations.untag,
                     operations.subject.With(operations.keys_member, Json(std::move(gone)))});
  }
  if (tags.size() == 0) return;
  const Json shown = operations.key.empty()
                         ? tags
                         : MergedTags(context, operations.key.c_str(), operations.value.c_str());
  calls.push_back(
      {operations.service, operations.tag, operations.subject.With(operations.tags_member, shown)});
}

std::optional<ApiCall> CallAt(const std::vector<ApiCall>& calls, const Json::Array& answers) {
  if (answers.size() >= calls.size()) return std::nullopt;
  return calls[answers.size()];
}

std::string DocumentText(const Json& document) {
  return document.is_string() ? document.AsString() : document.Print();
}

}  // namespace stepmill::cloudformation
