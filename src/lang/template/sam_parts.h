#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "json/json.h"
#include "lang/template/sam.h"

/// What the files of the SAM transform share.
namespace stepmill::cfn {

/// A serverless resource that is being translated.
struct SamResource {
  std::string id;
  Json properties;  ///< an object, Globals merged, policy templates expanded
  Json depends_on;  ///< null when absent
  Json attributes;  ///< Condition, DeletionPolicy, ... as given
  const SamOptions* options = nullptr;
};

/// A resource of the result.
struct CfnResource {
  std::string id;
  std::string type;
  Json depends_on;
  Json attributes;          ///< null or an object
  Json::Object properties;  ///< null values are left out when it is written
};

using CfnResources = std::vector<CfnResource>;

/// What a property may be.
enum class PropertyKind {
  kAny,
  kString,
  kMap,
  kBool,
  kMapOfMaps,
  kStringOrMap,
  kMapOrList,
  kPolicies,      ///< a string, a map or a list of these
  kPoliciesList,  ///< a string or a list of strings and maps
  kListOfStringOrMap,
};

struct PropertyRule {
  std::string_view name;
  PropertyKind kind = PropertyKind::kAny;
  bool required = false;
  bool takes_functions = true;  ///< any map with one member passes as a function to be resolved
};

Error InvalidResource(const std::string& id, const std::string& what);
Error InvalidEvent(const std::string& id, const std::string& what);

/// Python's truth, which the transform's rules are made of: null, false, 0, "", [] and {} are not.
bool IsTruthy(const Json& value);
/// {"Ref": ..}, {"Condition": ..} or {"Fn::..": ..} and nothing else.
bool IsFunction(const Json& value);
bool IsFunction(const Json& value, std::string_view name);

Json Ref(const std::string& id);
Json GetAtt(const std::string& id, const std::string& attribute);

/// Checks `properties` of `id` against the rules: unknown names, missing ones, kinds.
Result<> CheckProperties(const std::string& id, std::string_view type, const Json& properties,
                         const PropertyRule* rules, size_t rules_size);

/// Condition, DeletionPolicy, UpdateReplacePolicy: what generated resources inherit.
Json InheritedAttributes(const Json& attributes);

/// {"Version", "Statement"} that lets a service take a role.
Json TrustPolicy(const std::string& service);

/// [{"Key", "Value"}] from a map of tags.
Json TagList(const std::string& sam_key, const Json& tags);

/// The role `<id>Role` from a resource's policies.
struct RoleRequest {
  std::string resource_id;
  Json attributes;
  Json trust;
  Json policies;  ///< array: names, ARNs, documents, Fn::If of these
  Json::Array managed_arns;
  Json::Array documents;
  Json path;
  Json permissions_boundary;
  Json tags;
};
Result<CfnResource> MakeRole(RoleRequest request, const SamOptions& options);

/// Policy templates in Policies replaced by their documents; Policies as a list.
Result<Json> ExpandPolicyTemplates(const std::string& id, const Json& properties);

/// Bucket, Key, Version from "s3://bucket/key?versionId=v"; null when it is none.
Json ParseS3Uri(const Json& uri);

Result<CfnResources> TranslateStateMachine(const SamResource& resource);
Result<CfnResources> TranslateFunction(const SamResource& resource);
Result<CfnResources> TranslateSimpleTable(const SamResource& resource);

/// What an event starts: the machine, its alias, or a function.
struct EventTarget {
  Json arn;
  std::string function_id;  ///< set when it is a function
  Json attributes;
  Json permissions_boundary;
};
/// Rules, schedules, roles and queues of one entry of Events.
Result<CfnResources> TranslateEvent(const std::string& owner_id, const std::string& name,
                                    const Json& event, const EventTarget& target);
/// The checks that all events pass before any is translated.
Result<> CheckEvent(const std::string& owner_id, const std::string& name, const Json& event,
                    bool for_function);

/// JSON as Python prints it with sorted members and four spaces, by lines.
std::vector<std::string> SortedJsonLines(const Json& value);

}  // namespace stepmill::cfn
