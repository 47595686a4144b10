#include "service/codepipeline/declaration.h"

#include <algorithm>
#include <set>

#include "base/strings.h"
#include "json/each.h"
#include "service/codepipeline/errors.h"

namespace stepmill::codepipeline {
namespace {

constexpr size_t kStagesMax = 50;    // AWS: stages of a pipeline
constexpr size_t kActionsMax = 100;  // AWS: actions of a stage

/// Reference: "Action structure", the valid action types and the numbers of their artifacts.
struct ActionType {
  std::string_view category, provider;
  size_t inputs_min, inputs_max, outputs_min, outputs_max;
  std::string_view required, optional;  ///< configuration keys, separated by spaces
};

constexpr ActionType kActionTypes[] = {
    {"Source", "CodeStarSourceConnection", 0, 0, 1, 1, "ConnectionArn FullRepositoryId BranchName",
     "OutputArtifactFormat DetectChanges"},
    {"Source", "CodeCommit", 0, 0, 1, 1, "RepositoryName BranchName",
     "PollForSourceChanges OutputArtifactFormat"},
    {"Source", "S3", 0, 0, 1, 1, "S3Bucket S3ObjectKey", "PollForSourceChanges"},
    {"Build", "CodeBuild", 1, 5, 0, 5, "ProjectName",
     "PrimarySource BatchEnabled CombineArtifacts EnvironmentVariables"},
    {"Test", "CodeBuild", 1, 5, 0, 5, "ProjectName",
     "PrimarySource BatchEnabled CombineArtifacts EnvironmentVariables"},
    {"Invoke", "StepFunctions", 0, 1, 0, 1, "StateMachineArn",
     "ExecutionNamePrefix InputType Input"},
    {"Approval", "Manual", 0, 0, 0, 0, "", "CustomData ExternalEntityLink"},
};

const ActionType* FindType(const Json& id) {
  for (const ActionType& type : kActionTypes)
    if (type.category == id.StringOr("category", "") &&
        type.provider == id.StringOr("provider", "") && id.StringOr("owner", "") == "AWS" &&
        id.StringOr("version", "") == "1")
      return &type;
  return nullptr;
}

bool IsOneOf(std::string_view words, std::string_view word) {
  if (words.empty()) return false;
  const std::vector<std::string_view> all = Split(words, ' ');
  return std::find(all.begin(), all.end(), word) != all.end();
}

Result<> CheckConfiguration(const std::string& name, const ActionType& type, const Json& given) {
  for (const std::string_view key : Split(type.required, ' '))
    if (!key.empty() && given.StringOr(key, "").empty())
      return InvalidAction("Action configuration for action '" + name +
                           "' is missing required configuration '" + std::string(key) + "'");
  for (const Json::Member& member : MembersOf(given)) {
    if (member.name == "NotificationArn" && type.provider == "Manual")
      return InvalidAction("Configuration 'NotificationArn' of action '" + name +
                           "' is not supported by stepmill");
    if (!IsOneOf(type.required, member.name) && !IsOneOf(type.optional, member.name))
      return InvalidAction("Action configuration for action '" + name +
                           "' contains unknown configuration '" + member.name + "'");
    if (Utf16Length(member.value.AsString()) > 10'000)
      return InvalidAction("Configuration '" + member.name + "' of action '" + name +
                           "' is longer than 10000 characters");
  }
  const std::string format = given.StringOr("OutputArtifactFormat", "CODE_ZIP");
  if (format != "CODE_ZIP")
    return InvalidAction("OutputArtifactFormat '" + format + "' of action '" + name +
                         "' is not supported by stepmill; CODE_ZIP is");
  if (given.StringOr("BatchEnabled", "false") == "true")
    return InvalidAction("BatchEnabled of action '" + name + "' is not supported by stepmill");
  const std::string input_type = given.StringOr("InputType", "Literal");
  if (input_type != "Literal" && input_type != "FilePath")
    return InvalidAction("InputType of action '" + name + "' is Literal or FilePath, not '" +
                         input_type + "'");
  return {};
}

Result<> CheckCount(const std::string& name, const char* kind, size_t given, size_t min,
                    size_t max) {
  if (given >= min && given <= max) return {};
  return InvalidAction("Action '" + name + "' has " + std::to_string(given) + " " + kind +
                       " artifacts, expected are " + std::to_string(min) + " to " +
                       std::to_string(max));
}

/// What is known while the stages are read in their order.
struct Reading {
  std::set<std::string> stages, artifacts, namespaces;
  std::string_view region;
  bool is_v2 = false;
};

Result<Json> CheckAction(const Json& action, const std::string& stage, Reading& reading,
                         const std::set<std::string>& artifacts_before) {
  const std::string name = action.StringOr("name", "");
  const Json& id = action["actionTypeId"];
  const ActionType* type = FindType(id);
  if (!type)
    return InvalidAction("ActionType (Category: '" + id.StringOr("category", "") +
                         "', Provider: '" + id.StringOr("provider", "") + "', Owner: '" +
                         id.StringOr("owner", "") + "', Version: '" + id.StringOr("version", "") +
                         "') in action '" + name + "' is not available in region '" +
                         std::string(reading.region) + "'");
  for (const char* member : {"commands", "environmentVariables", "outputVariables"})
    if (action.Has(member))
      return InvalidAction(std::string(member) + " of action '" + name +
                           "' is not supported by stepmill");
  if (action.StringOr("region", reading.region) != reading.region)
    return InvalidAction("Action '" + name + "' is in region '" + action.StringOr("region", "") +
                         "'; actions in other regions are not supported by stepmill");
  MILL_CHECK(CheckConfiguration(name, *type, action["configuration"]));
  MILL_CHECK(CheckCount(name, "input", action["inputArtifacts"].size(), type->inputs_min,
                        type->inputs_max));
  MILL_CHECK(CheckCount(name, "output", action["outputArtifacts"].size(), type->outputs_min,
                        type->outputs_max));
  for (const Json& artifact : ItemsOf(action["inputArtifacts"]))
    if (!artifacts_before.contains(artifact.StringOr("name", "")))
      return InvalidAction("Input Artifact Bundle '" + artifact.StringOr("name", "") +
                           "' in action '" + name + "' is not an output of any action before it");
  if (action["inputArtifacts"].size() > 1 &&
      action["configuration"].StringOr("PrimarySource", "").empty())
    return InvalidAction("Action configuration for action '" + name +
                         "' is missing required configuration 'PrimarySource'");
  for (const Json& artifact : ItemsOf(action["outputArtifacts"])) {
    if (artifact.Has("files"))
      return InvalidAction("files of an output artifact of action '" + name +
                           "' is not supported by stepmill");
    if (!reading.artifacts.insert(artifact.StringOr("name", "")).second)
      return InvalidAction("Output Artifact Bundle '" + artifact.StringOr("name", "") +
                           "' in action '" + name + "' is declared more than once");
  }
  const std::string ns = action.StringOr("namespace", "");
  if (ns == "codepipeline" || ns == "variables" ||
      (!ns.empty() && !reading.namespaces.insert(ns).second))
    return InvalidAction("Namespace '" + ns + "' of action '" + name + "' in stage '" + stage +
                         "' is reserved or used twice");
  Json checked = action;
  if (!checked.Has("runOrder")) checked = checked.With("runOrder", 1);
  for (const char* member : {"inputArtifacts", "outputArtifacts"})
    if (!checked.Has(member)) checked = checked.With(member, Json(Json::Array{}));
  if (!checked.Has("configuration")) checked = checked.With("configuration", Json(Json::Object{}));
  return checked;
}

Result<Json> CheckStage(const Json& stage, bool is_first, Reading& reading) {
  const std::string name = stage.StringOr("name", "");
  if (!reading.stages.insert(name).second)
    return InvalidStructure("The pipeline contains more than one stage with the name '" + name +
                            "'");
  for (const char* member : {"onFailure", "onSuccess", "beforeEntry"})
    if (stage.Has(member))
      return InvalidStage(std::string(member) + " of stage '" + name +
                          "' is not supported by stepmill");
  if (stage["blockers"].size() > 0)
    return InvalidStage("blockers of stage '" + name + "' are not supported by stepmill");
  const Json& actions = stage["actions"];
  if (actions.size() == 0 || actions.size() > kActionsMax)
    return InvalidStage("Stage '" + name + "' has " + std::to_string(actions.size()) +
                        " actions; expected are 1 to " + std::to_string(kActionsMax));
  std::set<std::string> names;
  for (const Json& action : actions.items()) {
    const bool is_source = action["actionTypeId"].StringOr("category", "") == "Source";
    if (is_first && !is_source)
      return InvalidStructure(
          "Pipeline should start with a stage that only contains source actions");
    if (!is_first && is_source)
      return InvalidStructure("Pipeline should only contain source actions in the first stage; '" +
                              action.StringOr("name", "") + "' is in stage '" + name + "'");
    if (!names.insert(action.StringOr("name", "")).second)
      return InvalidStage("Stage '" + name + "' contains more than one action with the name '" +
                          action.StringOr("name", "") + "'");
  }
  // Actions run by their order, so an artifact may come from an earlier one of the same stage.
  std::vector<size_t> order(actions.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto run_order = [&](size_t i) { return actions.At(i).IntOr("runOrder", 1); };
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return run_order(a) < run_order(b); });
  std::set<std::string> before = reading.artifacts;
  std::vector<Json> checked(actions.size());
  for (size_t i = 0; i < order.size(); ++i) {
    if (i > 0 && run_order(order[i]) != run_order(order[i - 1])) before = reading.artifacts;
    MILL_TRY(checked[order[i]], CheckAction(actions.At(order[i]), name, reading, before));
  }
  return stage.With("actions", Json(Json::Array(checked.begin(), checked.end())));
}

Result<> CheckVariables(const Json& pipeline) {
  std::set<std::string> names;
  for (const Json& variable : ItemsOf(pipeline["variables"]))
    if (!names.insert(variable.StringOr("name", "")).second)
      return InvalidStructure("The pipeline contains more than one variable with the name '" +
                              variable.StringOr("name", "") + "'");
  return {};
}

}  // namespace

Result<Json> CheckDeclaration(const Json& pipeline, int64_t version, std::string_view region) {
  const std::string type = pipeline.StringOr("pipelineType", "V1");
  const std::string mode = pipeline.StringOr("executionMode", "SUPERSEDED");
  if (type == "V1" &&
      (mode != "SUPERSEDED" || pipeline["variables"].size() > 0 || pipeline["triggers"].size() > 0))
    return InvalidStructure(
        "A pipeline of type V1 has no variables, no triggers and the execution mode SUPERSEDED; "
        "give pipelineType V2");
  if (pipeline["triggers"].size() > 0)
    return InvalidStructure(
        "triggers are not supported by stepmill; a source action follows its "
        "branch");
  if (pipeline.Has("artifactStore") == pipeline.Has("artifactStores"))
    return InvalidStructure("Pipeline '" + pipeline.StringOr("name", "") +
                            "' has exactly one of artifactStore and artifactStores");
  if (ArtifactBucket(pipeline, region).empty())
    return InvalidStructure("artifactStores has no store for region '" + std::string(region) + "'");
  const Json& store = pipeline["artifactStore"].is_object() ? pipeline["artifactStore"]
                                                            : pipeline["artifactStores"][region];
  if (store.Has("encryptionKey"))
    return InvalidStructure("encryptionKey of an artifact store is not supported by stepmill");
  const Json& stages = pipeline["stages"];
  if (stages.size() < 2 || stages.size() > kStagesMax)
    return InvalidStructure("Pipeline '" + pipeline.StringOr("name", "") + "' has " +
                            std::to_string(stages.size()) + " stages; expected are 2 to " +
                            std::to_string(kStagesMax));
  MILL_CHECK(CheckVariables(pipeline));
  Reading reading;
  reading.region = region;
  reading.is_v2 = type == "V2";
  Json::Array checked;
  for (const Json& stage : stages.items()) {
    MILL_TRY(Json one, CheckStage(stage, checked.empty(), reading));
    checked.push_back(std::move(one));
  }
  for (const std::string& ns : reading.namespaces)
    if (reading.artifacts.contains(ns))
      return InvalidStructure("Namespace '" + ns + "' is also the name of an artifact");
  return pipeline.With("stages", checked)
      .With("version", version)
      .With("executionMode", mode)
      .With("pipelineType", type);
}

Result<std::string> ResolveVariables(std::string_view text, const Json& values) {
  std::string out;
  for (;;) {
    const size_t at = text.find("#{");
    const size_t end = at == text.npos ? text.npos : text.find('}', at);
    if (end == text.npos) return out + std::string(text);
    const std::string_view name = text.substr(at + 2, end - at - 2);
    const size_t dot = name.find('.');
    const Json* value = nullptr;
    if (dot != name.npos) value = values[name.substr(0, dot)].Find(name.substr(dot + 1));
    if (!value || !value->is_string())
      return Error{Code::kInvalid, "ConfigurationError",
                   "The variable #{" + std::string(name) + "} has no value"};
    out += std::string(text.substr(0, at)) + value->AsString();
    text.remove_prefix(end + 1);
  }
}

std::string ArtifactBucket(const Json& pipeline, std::string_view region) {
  if (pipeline.Has("artifactStore")) return pipeline["artifactStore"].StringOr("location", "");
  return pipeline["artifactStores"][region].StringOr("location", "");
}

std::vector<Followed> FollowedSources(const Json& pipeline) {
  std::vector<Followed> followed;
  if (pipeline["stages"].size() == 0) return followed;
  for (const Json& action : ItemsOf(pipeline["stages"].At(0)["actions"])) {
    const Json& configuration = action["configuration"];
    const std::string provider = action["actionTypeId"].StringOr("provider", "");
    const std::string name = action.StringOr("name", "");
    if (configuration.StringOr("DetectChanges", "true") == "false" ||
        configuration.StringOr("PollForSourceChanges", "true") == "false")
      continue;
    if (provider == "CodeStarSourceConnection") {
      // OWNER/NAME is repository NAME of the built-in host.
      const std::string id = configuration.StringOr("FullRepositoryId", "");
      const size_t slash = id.rfind('/');
      followed.push_back({"codecommit", slash == id.npos ? id : id.substr(slash + 1),
                          configuration.StringOr("BranchName", ""), name});
    } else if (provider == "CodeCommit") {
      followed.push_back({"codecommit", configuration.StringOr("RepositoryName", ""),
                          configuration.StringOr("BranchName", ""), name});
    } else if (provider == "S3") {
      followed.push_back({"s3", configuration.StringOr("S3Bucket", ""),
                          configuration.StringOr("S3ObjectKey", ""), name});
    }
  }
  return followed;
}

}  // namespace stepmill::codepipeline
