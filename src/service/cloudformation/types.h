#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/json.h"

/// The resource types that stacks can hold: how each is made, changed and removed by other
/// services' operations. Pure: what was answered comes in, the next call goes out.
namespace stepmill::cloudformation {

/// A resource and the stack that it stands in.
struct ResourceContext {
  std::string account, region;
  std::string stack_name, stack_id;
  std::string logical_id;
  std::string physical_id;  ///< chosen before the first call
  Json properties;          ///< functions computed; an object
  Json old_properties;      ///< of an update and a delete: as they are now
  Json stack_tags;          ///< [{"Key", "Value"}]
};

/// An operation to ask for.
struct ApiCall {
  std::string service, operation;
  Json input;
  /// Names of errors that mean that nothing is left to do ("ResourceNotFoundException").
  std::vector<std::string> tolerated = {};
  /// s3:GetObject whose body is wanted as {"text": ...}.
  bool wants_body = false;
};

/// The next call, given the answers to those before; empty when there is nothing more to do.
using NextCall = Result<std::optional<ApiCall>> (*)(const ResourceContext&,
                                                    const Json::Array& answers);

struct ResourceType {
  std::string_view name;
  std::string_view properties;   ///< known ones, separated by commas
  std::string_view unbuilt;      ///< those that AWS knows and that are refused by name here
  std::string_view required;     ///< of these
  std::string_view replaced_by;  ///< whose change makes a new resource
  std::string_view numbers;      ///< members at any depth that are numbers (parameters are texts)
  std::string_view booleans;     ///< members at any depth that are booleans
  /// The physical id; `suffix` is random, for a name that the template does not give.
  std::string (*physical_id)(const ResourceContext&, const std::string& suffix);
  NextCall create, update, remove;
  /// "Ref" and the attributes that Fn::GetAtt knows; "PhysicalId" where the service itself chose
  /// it.
  Json (*attributes)(const ResourceContext&, const Json::Array& answers);
};

/// nullptr: unknown.
const ResourceType* FindResourceType(std::string_view name);

/// Unknown and missing properties, in CloudFormation's words; numbers and booleans made so.
Result<Json> CheckedProperties(const ResourceType& type, const std::string& logical_id,
                               const Json& properties);

/// Whether a change of `property` makes a new resource.
bool IsReplacedBy(const ResourceType& type, std::string_view property);

// For the types:

/// "<stack>-<logical id>-<suffix>", cut in the middle parts to `max` characters.
std::string GeneratedName(const ResourceContext& context, const std::string& suffix, size_t max);
/// The property `name` as given, or a generated name.
std::string NameOr(const ResourceContext& context, std::string_view property,
                   const std::string& suffix, size_t max);
/// The stack's tags and the resource's: [{key: .., value: ..}] with the names given.
Json MergedTags(const ResourceContext& context, const char* key, const char* value);
/// {"k": "v"} of the same.
Json TagMap(const ResourceContext& context);
/// Members with their first letter made small, below `value` too; not inside those of `opaque`.
Json LowerMembers(const Json& value, std::string_view opaque = "");
/// One of the list "a,b,c".
bool IsListed(std::string_view list, std::string_view item);
/// How a service changes the tags of something that is there.
struct TagOperations {
  std::string service, tag, untag;
  Json subject;  ///< the members that name it: {"resourceArn": ...}
  std::string tags_member, keys_member;
  std::string key, value;  ///< members of a tag; both empty: tags are a map
};
/// Adds the calls that give a resource its properties' tags instead of the old ones.
void Retag(const ResourceContext& context, const TagOperations& operations,
           std::vector<ApiCall>& calls);
/// Call number `index` of a list that was worked out in advance.
std::optional<ApiCall> CallAt(const std::vector<ApiCall>& calls, const Json::Array& answers);
/// A policy document: text stays, an object is printed.
std::string DocumentText(const Json& document);

extern const ResourceType kStateMachineType;
extern const ResourceType kRoleType;
extern const ResourceType kRuleType;
extern const ResourceType kConnectionType;
extern const ResourceType kBucketType;
extern const ResourceType kParameterType;
extern const ResourceType kLogGroupType;
extern const ResourceType kRepositoryType;
extern const ResourceType kProjectType;
extern const ResourceType kPipelineType;
extern const ResourceType kQueueType;
extern const ResourceType kQueuePolicyType;
extern const ResourceType kTopicType;
extern const ResourceType kSubscriptionType;
extern const ResourceType kTopicPolicyType;
extern const ResourceType kTableType;
extern const ResourceType kFunctionType;
extern const ResourceType kFunctionVersionType;
extern const ResourceType kFunctionAliasType;
extern const ResourceType kFunctionPermissionType;
extern const ResourceType kLayerVersionType;
extern const ResourceType kEventInvokeConfigType;

}  // namespace stepmill::cloudformation
