#include "lang/template/sam.h"

#include <algorithm>
#include <cctype>

#include "base/strings.h"
#include "lang/template/sam_parts.h"

namespace stepmill::cfn {
namespace {

constexpr std::string_view kPrefix = "AWS::Serverless::";

/// The properties that a section of Globals may set. Another section is refused as unknown.
struct GlobalSection {
  std::string_view name;
  std::string_view properties;  ///< separated by commas; empty: of a type that is not translated
};
constexpr GlobalSection kGlobals[] = {
    {"Api", ""},
    {"CapacityProvider", ""},
    {"Function",
     "Handler,Runtime,CodeUri,DeadLetterQueue,Description,MemorySize,Timeout,VpcConfig,Environment,"
     "Tags,PropagateTags,Tracing,KmsKeyArn,AutoPublishAlias,AutoPublishAliasAllProperties,Layers,"
     "DeploymentPreference,RolePath,PermissionsBoundary,ReservedConcurrentExecutions,"
     "ProvisionedConcurrencyConfig,AssumeRolePolicyDocument,EventInvokeConfig,FileSystemConfigs,"
     "CodeSigningConfigArn,Architectures,SnapStart,EphemeralStorage,FunctionUrlConfig,"
     "RuntimeManagementConfig,LoggingConfig,RecursiveLoop,SourceKMSKeyArn,TenancyConfig,"
     "DurableConfig,CapacityProviderConfig,FunctionScalingConfig,PublishToLatestPublished,"
     "VersionDeletionPolicy"},
    {"HttpApi", ""},
    {"LayerVersion", "PublishLambdaVersion"},
    {"SimpleTable", "SSESpecification"},
    {"StateMachine", "PropagateTags"},
    {"WebSocketApi", ""},
};

Error InvalidDocument(std::vector<std::string> messages) {
  std::sort(messages.begin(), messages.end());
  messages.erase(std::unique(messages.begin(), messages.end()), messages.end());
  return Error{Code::kInvalid, "ValidationError",
               "Invalid Serverless Application Specification document. Number of errors found: " +
                   std::to_string(messages.size()) + ". " + Join(messages, " ")};
}

Error InvalidStructure(const std::string& what) {
  return InvalidDocument({"Structure of the SAM template is invalid. " + what});
}

Error InvalidGlobals(const std::string& what) {
  return InvalidDocument({"'Globals' section is invalid. " + what});
}

/// ['A', 'B'], as the messages show a list.
std::string Quoted(const std::vector<std::string_view>& names) {
  std::vector<std::string> quoted;
  for (const std::string_view name : names) quoted.push_back("'" + std::string(name) + "'");
  return "[" + Join(quoted, ", ") + "]";
}

Result<> CheckGlobals(const Json& globals) {
  if (!globals.is_object()) return InvalidGlobals("It must be a non-empty dictionary");
  for (const Json::Member& section : globals.members()) {
    const auto* found =
        std::find_if(std::begin(kGlobals), std::end(kGlobals),
                     [&](const GlobalSection& known) { return known.name == section.name; });
    if (found == std::end(kGlobals)) {
      std::vector<std::string_view> names;
      for (const GlobalSection& known : kGlobals) names.push_back(known.name);
      return InvalidGlobals("'" + section.name +
                            "' is not supported. Must be one of the following values - " +
                            Quoted(names));
    }
    if (!section.value.is_object()) {
      return InvalidGlobals("Value of ${section} must be a dictionary");
    }
    if (found->properties.empty()) continue;
    const std::vector<std::string_view> names = Split(found->properties, ',');
    for (const Json::Member& property : section.value.members()) {
      if (std::find(names.begin(), names.end(), property.name) != names.end()) continue;
      return InvalidGlobals("'" + property.name + "' is not a supported property of '" +
                            section.name + "'. Must be one of the following values - " +
                            Quoted(names));
    }
  }
  return {};
}

/// Maps are merged, lists appended, anything else is the resource's own. A function counts as a
/// scalar.
Json Merged(const Json& global, const Json& local) {
  if (global.is_array() && local.is_array()) {
    Json::Array items = global.items();
    items.insert(items.end(), local.items().begin(), local.items().end());
    return Json(std::move(items));
  }
  if (!global.is_object() || !local.is_object() || IsFunction(global) || IsFunction(local)) {
    return local;
  }
  Json out = global;
  for (const Json::Member& member : local.members()) {
    const Json* below = global.Find(member.name);
    out = out.With(member.name, below ? Merged(*below, member.value) : member.value);
  }
  return out;
}

Result<Json> WithGlobals(const std::string& id, const Json& resource, const Json& globals) {
  const Json& properties = resource["Properties"];
  const Json local = properties.is_null() ? Json(Json::Object{}) : properties;
  const std::string type = resource.StringOr("Type", "");
  const Json* global = globals.Find(type.substr(kPrefix.size()));
  if (!global) return local;
  const Json& ignored = resource["IgnoreGlobals"];
  if (!IsTruthy(ignored)) return Merged(*global, local);
  if (ignored.is_string() && ignored.AsString() == "*") return local;
  Json kept = *global;
  const std::string wrong = "Resource " + id + " has invalid resource attribute 'IgnoreGlobals'";
  if (!ignored.is_array()) return InvalidResource(id, wrong + ".");
  for (const Json& name : ignored.items()) {
    const std::string text = name.is_string() ? name.AsString() : name.Print();
    if (!kept.Has(text)) return InvalidResource(id, wrong + " on item '" + text + "'.");
    kept = kept.Without(text);
  }
  return Merged(kept, local);
}

Result<> CheckStructure(const Json& document) {
  const Json& resources = document["Resources"];
  if (!resources.is_object() || resources.size() == 0) {
    return InvalidStructure("'Resources' section is required");
  }
  for (const Json::Member& resource : resources.members()) {
    if (!resource.value.is_object()) {
      return InvalidStructure(
          "All 'Resources' must be Objects. If you're using YAML, this may be an indentation "
          "issue.");
    }
  }
  for (const Json::Member& resource : resources.members()) {
    if (!resource.value.StringOr("Type", "").starts_with(kPrefix)) continue;
    const Json* properties = resource.value.Find("Properties");
    if (properties && !properties->is_object()) {
      return InvalidDocument(
          {InvalidResource(resource.name, "Attribute 'Properties' should be a map.").message});
    }
  }
  return {};
}

Json Attributes(const Json& resource) {
  Json::Object out;
  for (const char* name :
       {"DeletionPolicy", "UpdatePolicy", "Condition", "UpdateReplacePolicy", "Metadata"}) {
    out.SetIf(name, resource.Find(name));
  }
  return Json(std::move(out));
}

Json Written(const CfnResource& resource) {
  Json::Object out{{"Type", resource.type}};
  if (IsTruthy(resource.depends_on)) out.Set("DependsOn", resource.depends_on);
  if (resource.attributes.is_object()) {
    for (const Json::Member& attribute : resource.attributes.members()) {
      out.Set(attribute.name, attribute.value);
    }
  }
  Json::Object properties;
  for (const Json::Member& property : resource.properties.members) {
    if (!property.value.is_null()) properties.Add(property.name, property.value);
  }
  out.Set("Properties", Json(std::move(properties)));
  return Json(std::move(out));
}

Result<CfnResources> Translate(const std::string& id, const Json& given, const Json& globals,
                               const SamOptions& options) {
  if (id.empty() ||
      !std::all_of(id.begin(), id.end(), [](unsigned char c) { return std::isalnum(c) != 0; })) {
    return InvalidResource(id, "Logical ids must be alphanumeric.");
  }
  SamResource resource;
  resource.id = id;
  resource.options = &options;
  resource.depends_on = given["DependsOn"];
  resource.attributes = Attributes(given);
  MILL_TRY(const Json merged, WithGlobals(id, given, globals));
  const std::string type = given.StringOr("Type", "").substr(kPrefix.size());
  if (type == "SimpleTable") {
    resource.properties = merged;
    return TranslateSimpleTable(resource);
  }
  MILL_TRY(resource.properties, ExpandPolicyTemplates(id, merged));
  if (type == "StateMachine") return TranslateStateMachine(resource);
  if (type == "Function") return TranslateFunction(resource);
  return InvalidResource(id, "The type " + std::string(kPrefix) + type +
                                 " cannot be translated here; known are StateMachine, Function and "
                                 "SimpleTable.");
}

/// The serverless type that a generated resource may replace under the same id.
bool MayReplace(const std::string& made_type, const std::string& given_type) {
  return (made_type == "AWS::StepFunctions::StateMachine" &&
          given_type == "AWS::Serverless::StateMachine") ||
         (made_type == "AWS::Lambda::Function" && given_type == "AWS::Serverless::Function") ||
         (made_type == "AWS::DynamoDB::Table" && given_type == "AWS::Serverless::SimpleTable");
}

}  // namespace

bool UsesSam(const Json& document) {
  const Json& transform = document["Transform"];
  if (transform.is_string()) return transform.AsString() == kSamTransform;
  return transform.is_array() &&
         std::any_of(transform.items().begin(), transform.items().end(), [](const Json& item) {
           return item.is_string() && item.AsString() == kSamTransform;
         });
}

Result<Json> TranslateSam(const Json& document, const SamOptions& options) {
  MILL_CHECK(CheckStructure(document));
  if (document.Has("Globals")) MILL_CHECK(CheckGlobals(document["Globals"]));
  const Json& given = document["Resources"];
  Json::Object resources;
  std::vector<std::string> problems;
  for (const Json::Member& resource : given.members()) {
    if (!resource.value.StringOr("Type", "").starts_with(kPrefix)) {
      resources.Set(resource.name, resource.value);
      continue;
    }
    const auto made = Translate(resource.name, resource.value, document["Globals"], options);
    if (!made) {
      problems.push_back(made.error().message);
      continue;
    }
    for (const CfnResource& one : *made) {
      const Json* same = given.Find(one.id);
      if (same && !MayReplace(one.type, same->StringOr("Type", ""))) {
        problems.push_back("Transforming resource with id [" + resource.name +
                           "] attempts to create a new resource with id [" + one.id +
                           "] and type \"" + one.type +
                           "\". A resource with that id already exists within this template. "
                           "Please use a different id for that resource.");
        continue;
      }
      resources.Set(one.id, Written(one));
    }
  }
  if (!problems.empty()) return InvalidDocument(std::move(problems));
  return document.Without("Transform")
      .Without("Globals")
      .With("Resources", Json(std::move(resources)));
}

}  // namespace stepmill::cfn
