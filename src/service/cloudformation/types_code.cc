// AWS::CodeBuild::Project, AWS::CodePipeline::Pipeline: templates spell members with a capital,
// the services do not.
#include "lang/template/resolve.h"
#include "service/cloudformation/types.h"

namespace stepmill::cloudformation {
namespace {

// ---- AWS::CodeBuild::Project

std::string ProjectName(const ResourceContext& context, const std::string& suffix) {
  return NameOr(context, "Name", suffix, 255);
}

/// "BuildSpec" is "buildspec" to the service.
Json WithBuildspec(const Json& source) {
  const Json* text = source.Find("buildSpec");
  return text ? source.Without("buildSpec").With("buildspec", *text) : source;
}

Json ProjectInput(const ResourceContext& context) {
  Json input = LowerMembers(context.properties.Without("Tags").Without("Triggers"));
  input = input.With("name", context.physical_id);
  if (input.Has("source")) input = input.With("source", WithBuildspec(input["source"]));
  if (input["secondarySources"].is_array()) {
    Json::Array sources;
    for (const Json& source : input["secondarySources"].items()) {
      sources.push_back(WithBuildspec(source));
    }
    input = input.With("secondarySources", Json(std::move(sources)));
  }
  const Json& variables = input["environment"]["environmentVariables"];
  if (variables.is_array()) {
    Json::Array texts;
    for (const Json& variable : variables.items()) {
      texts.push_back(variable.With("value", cfn::ScalarText(variable["value"]).value_or("")));
    }
    input = input.With("environment",
                       input["environment"].With("environmentVariables", Json(std::move(texts))));
  }
  const Json tags = MergedTags(context, "key", "value");
  return tags.size() > 0 ? input.With("tags", tags) : input;
}

std::vector<ApiCall> WebhookCalls(const ResourceContext& context) {
  const Json& triggers = context.properties["Triggers"];
  const bool wants = triggers.BoolOr("Webhook", false);
  const bool has = context.old_properties["Triggers"].BoolOr("Webhook", false);
  const Json name(Json::Object{{"projectName", context.physical_id}});
  if (!wants && !has) return {};
  if (!wants) return {{"codebuild", "DeleteWebhook", name, {"ResourceNotFoundException"}}};
  Json input = name;
  if (triggers.Has("FilterGroups")) {
    input = input.With("filterGroups", LowerMembers(triggers["FilterGroups"]));
  }
  if (triggers.Has("BuildType")) input = input.With("buildType", triggers["BuildType"]);
  return {{"codebuild", has ? "UpdateWebhook" : "CreateWebhook", input}};
}

Result<std::optional<ApiCall>> CreateProject(const ResourceContext& context,
                                             const Json::Array& answers) {
  std::vector<ApiCall> calls{{"codebuild", "CreateProject", ProjectInput(context)}};
  for (ApiCall& call : WebhookCalls(context)) calls.push_back(std::move(call));
  return CallAt(calls, answers);
}
Result<std::optional<ApiCall>> UpdateProject(const ResourceContext& context,
                                             const Json::Array& answers) {
  std::vector<ApiCall> calls{{"codebuild", "UpdateProject", ProjectInput(context)}};
  for (ApiCall& call : WebhookCalls(context)) calls.push_back(std::move(call));
  return CallAt(calls, answers);
}
Result<std::optional<ApiCall>> RemoveProject(const ResourceContext& context,
                                             const Json::Array& answers) {
  const Json input(Json::Object{{"name", context.physical_id}});
  return CallAt({ApiCall{"codebuild", "DeleteProject", input, {"ResourceNotFoundException"}}},
                answers);
}
Json ProjectAttributes(const ResourceContext& context, const Json::Array& /*answers*/) {
  return Json(Json::Object{{"Ref", context.physical_id},
                           {"Arn", "arn:aws:codebuild:" + context.region + ":" + context.account +
                                       ":project/" + context.physical_id}});
}

// ---- AWS::CodePipeline::Pipeline

std::string PipelineName(const ResourceContext& context, const std::string& suffix) {
  return NameOr(context, "Name", suffix, 100);
}

/// An action's configuration is a map of texts; a version of its type is a text.
Json PipelineAction(const Json& action) {
  Json out = LowerMembers(action, "Configuration");
  if (out["configuration"].is_object()) {
    Json::Object texts;
    for (const Json::Member& member : out["configuration"].members()) {
      texts.Add(member.name, Json(cfn::ScalarText(member.value).value_or(member.value.Print())));
    }
    out = out.With("configuration", Json(std::move(texts)));
  }
  if (out["actionTypeId"].is_object()) {
    out = out.With("actionTypeId",
                   out["actionTypeId"].With(
                       "version", cfn::ScalarText(out["actionTypeId"]["version"]).value_or("1")));
  }
  return out;
}

Json PipelineInput(const ResourceContext& context) {
  const Json& properties = context.properties;
  Json pipeline = LowerMembers(properties.Without("Tags")
                                   .Without("Stages")
                                   .Without("ArtifactStores")
                                   .Without("RestartExecutionOnUpdate")
                                   .Without("DisableInboundStageTransitions"));
  pipeline = pipeline.With("name", context.physical_id);
  Json::Array stages;
  if (properties["Stages"].is_array()) {
    for (const Json& stage : properties["Stages"].items()) {
      Json::Array actions;
      if (stage["Actions"].is_array()) {
        for (const Json& action : stage["Actions"].items()) {
          actions.push_back(PipelineAction(action));
        }
      }
      stages.push_back(
          LowerMembers(stage.Without("Actions")).With("actions", Json(std::move(actions))));
    }
  }
  pipeline = pipeline.With("stages", Json(std::move(stages)));
  if (properties["ArtifactStores"].is_array()) {
    Json::Object stores;
    for (const Json& store : properties["ArtifactStores"].items()) {
      stores.Set(store.StringOr("Region", ""), LowerMembers(store["ArtifactStore"]));
    }
    pipeline = pipeline.With("artifactStores", Json(std::move(stores)));
  }
  return Json(Json::Object{{"pipeline", pipeline}});
}

Result<std::optional<ApiCall>> CreatePipeline(const ResourceContext& context,
                                              const Json::Array& answers) {
  Json input = PipelineInput(context);
  const Json tags = MergedTags(context, "key", "value");
  if (tags.size() > 0) input = input.With("tags", tags);
  return CallAt({ApiCall{"codepipeline", "CreatePipeline", input}}, answers);
}
Result<std::optional<ApiCall>> UpdatePipeline(const ResourceContext& context,
                                              const Json::Array& answers) {
  std::vector<ApiCall> calls{{"codepipeline", "UpdatePipeline", PipelineInput(context)}};
  const Json subject(
      Json::Object{{"resourceArn", "arn:aws:codepipeline:" + context.region + ":" +
                                       context.account + ":" + context.physical_id}});
  Retag(
      context,
      {"codepipeline", "TagResource", "UntagResource", subject, "tags", "tagKeys", "key", "value"},
      calls);
  if (context.properties.BoolOr("RestartExecutionOnUpdate", false)) {
    calls.push_back({"codepipeline", "StartPipelineExecution",
                     Json(Json::Object{{"name", context.physical_id}})});
  }
  return CallAt(calls, answers);
}
Result<std::optional<ApiCall>> RemovePipeline(const ResourceContext& context,
                                              const Json::Array& answers) {
  const Json input(Json::Object{{"name", context.physical_id}});
  return CallAt({ApiCall{"codepipeline", "DeletePipeline", input, {"PipelineNotFoundException"}}},
                answers);
}
Json PipelineAttributes(const ResourceContext& context, const Json::Array& answers) {
  std::string version = "1";
  for (const Json& answer : answers) {
    const auto text = cfn::ScalarText(answer["pipeline"]["version"]);
    if (text) version = *text;
  }
  return Json(Json::Object{{"Ref", context.physical_id}, {"Version", version}});
}

}  // namespace

constexpr ResourceType kProjectType{
    .name = "AWS::CodeBuild::Project",
    .properties =
        "Artifacts,AutoRetryLimit,BadgeEnabled,BuildBatchConfig,Cache,ConcurrentBuildLimit,"
        "Description,EncryptionKey,Environment,FileSystemLocations,LogsConfig,Name,"
        "QueuedTimeoutInMinutes,ResourceAccessRole,SecondaryArtifacts,SecondarySources,"
        "SecondarySourceVersions,ServiceRole,Source,SourceVersion,Tags,TimeoutInMinutes,Triggers,"
        "Visibility,VpcConfig",
    .unbuilt = "",
    .required = "Artifacts,Environment,ServiceRole,Source",
    .replaced_by = "Name",
    .numbers =
        "TimeoutInMinutes,QueuedTimeoutInMinutes,GitCloneDepth,ConcurrentBuildLimit,"
        "AutoRetryLimit,MaximumBuildsAllowed,TimeoutInMins",
    .booleans =
        "PrivilegedMode,BadgeEnabled,EncryptionDisabled,OverrideArtifactName,InsecureSsl,"
        "ReportBuildStatus,Webhook,FetchSubmodules,CombineArtifacts,ExcludeMatchedPattern",
    .physical_id = ProjectName,
    .create = CreateProject,
    .update = UpdateProject,
    .remove = RemoveProject,
    .attributes = ProjectAttributes,
};
constexpr ResourceType kPipelineType{
    .name = "AWS::CodePipeline::Pipeline",
    .properties =
        "ArtifactStore,ArtifactStores,ExecutionMode,Name,PipelineType,"
        "RestartExecutionOnUpdate,RoleArn,Stages,Tags,Triggers,Variables",
    .unbuilt = "",
    .required = "RoleArn,Stages",
    .replaced_by = "Name",
    .numbers = "RunOrder,TimeoutInMinutes",
    .booleans = "RestartExecutionOnUpdate",
    .physical_id = PipelineName,
    .create = CreatePipeline,
    .update = UpdatePipeline,
    .remove = RemovePipeline,
    .attributes = PipelineAttributes,
};

}  // namespace stepmill::cloudformation
