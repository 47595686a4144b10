// AWS::StepFunctions::StateMachine
#include "base/strings.h"
#include "lang/template/resolve.h"
#include "service/cloudformation/types.h"

namespace stepmill::cloudformation {
namespace {

constexpr size_t kNameCharactersMax = 80;

std::string ArnOf(const ResourceContext& context, const std::string& suffix) {
  return "arn:aws:states:" + context.region + ":" + context.account +
         ":stateMachine:" + NameOr(context, "StateMachineName", suffix, kNameCharactersMax);
}

std::string NameOf(const std::string& arn) { return arn.substr(arn.rfind(':') + 1); }

bool IsInS3(const ResourceContext& context) {
  return context.properties.Has("DefinitionS3Location");
}

ApiCall ReadDefinition(const ResourceContext& context) {
  const Json& place = context.properties["DefinitionS3Location"];
  Json::Object input{{"Bucket", place["Bucket"]}, {"Key", place["Key"]}};
  if (place.Has("Version")) input.Set("VersionId", cfn::ScalarText(place["Version"]).value_or(""));
  return ApiCall{"s3", "GetObject", Json(std::move(input)), {}, true};
}

/// The definition with ${key} replaced; keys without a substitution stay.
Result<std::string> Definition(const ResourceContext& context, const Json::Array& answers) {
  const Json& properties = context.properties;
  const int given = properties.Has("Definition") + properties.Has("DefinitionString") +
                    properties.Has("DefinitionS3Location");
  if (given != 1) {
    return Error{Code::kInvalid, "ValidationError",
                 "Exactly one of Definition, DefinitionString and DefinitionS3Location must be "
                 "given for " +
                     context.logical_id};
  }
  std::string text = properties.Has("DefinitionString")
                         ? DocumentText(properties["DefinitionString"])
                     : properties.Has("Definition") ? properties["Definition"].Print()
                                                    : answers[0].StringOr("text", "");
  const Json& substitutions = properties["DefinitionSubstitutions"];
  if (!substitutions.is_object()) return text;
  for (const Json::Member& member : substitutions.members()) {
    text = ReplaceAll(text, "${" + member.name + "}",
                      cfn::ScalarText(member.value).value_or(member.value.Print()));
  }
  return text;
}

void AddConfigurations(const ResourceContext& context, Json::Object& input) {
  for (const char* name :
       {"LoggingConfiguration", "TracingConfiguration", "EncryptionConfiguration"}) {
    if (!context.properties.Has(name)) continue;
    std::string lower(name);
    lower[0] = static_cast<char>(std::tolower(lower[0]));
    input.Set(lower, LowerMembers(context.properties[name]));
  }
}

Result<std::optional<ApiCall>> Create(const ResourceContext& context, const Json::Array& answers) {
  const size_t before = IsInS3(context) ? 1 : 0;
  if (answers.size() < before) return std::optional<ApiCall>(ReadDefinition(context));
  if (answers.size() > before) return std::optional<ApiCall>();
  MILL_TRY(const std::string definition, Definition(context, answers));
  Json::Object input{{"name", NameOf(context.physical_id)},
                     {"definition", definition},
                     {"roleArn", context.properties["RoleArn"]}};
  if (context.properties.Has("StateMachineType")) {
    input.Set("type", context.properties["StateMachineType"]);
  }
  AddConfigurations(context, input);
  const Json tags = MergedTags(context, "key", "value");
  if (tags.size() > 0) input.Set("tags", tags);
  return std::optional<ApiCall>(ApiCall{"states", "CreateStateMachine", Json(std::move(input))});
}

Result<std::optional<ApiCall>> Update(const ResourceContext& context, const Json::Array& answers) {
  const size_t before = IsInS3(context) ? 1 : 0;
  if (answers.size() < before) return std::optional<ApiCall>(ReadDefinition(context));
  MILL_TRY(const std::string definition, Definition(context, answers));
  Json::Object input{{"stateMachineArn", context.physical_id},
                     {"definition", definition},
                     {"roleArn", context.properties["RoleArn"]}};
  AddConfigurations(context, input);
  std::vector<ApiCall> calls;
  if (before > 0) calls.push_back(ReadDefinition(context));
  calls.push_back({"states", "UpdateStateMachine", Json(std::move(input))});
  const Json subject(Json::Object{{"resourceArn", context.physical_id}});
  Retag(context,
        {"states", "TagResource", "UntagResource", subject, "tags", "tagKeys", "key", "value"},
        calls);
  return CallAt(calls, answers);
}

Result<std::optional<ApiCall>> Remove(const ResourceContext& context, const Json::Array& answers) {
  const Json input(Json::Object{{"stateMachineArn", context.physical_id}});
  return CallAt({ApiCall{"states", "DeleteStateMachine", input, {"StateMachineDoesNotExist"}}},
                answers);
}

Json Attributes(const ResourceContext& context, const Json::Array& answers) {
  std::string revision = "INITIAL";
  for (const Json& answer : answers) revision = answer.StringOr("revisionId", revision);
  return Json(Json::Object{{"Ref", context.physical_id},
                           {"Arn", context.physical_id},
                           {"Name", NameOf(context.physical_id)},
                           {"StateMachineRevisionId", revision}});
}

}  // namespace

constexpr ResourceType kStateMachineType{
    .name = "AWS::StepFunctions::StateMachine",
    .properties =
        "Definition,DefinitionString,DefinitionS3Location,DefinitionSubstitutions,"
        "LoggingConfiguration,RoleArn,StateMachineName,StateMachineType,Tags,"
        "TracingConfiguration,EncryptionConfiguration",
    .unbuilt = "",
    .required = "RoleArn",
    .replaced_by = "StateMachineName,StateMachineType",
    .numbers = "KmsDataKeyReusePeriodSeconds",
    .booleans = "IncludeExecutionData,Enabled",
    .physical_id = ArnOf,
    .create = Create,
    .update = Update,
    .remove = Remove,
    .attributes = Attributes,
};

}  // namespace stepmill::cloudformation
