#include "app/validate_pipeline.h"

#include <algorithm>

#include "base/strings.h"
#include "gate/model.h"
#include "lang/yaml/yaml.h"
#include "service/codepipeline/declaration.h"

namespace stepmill {
namespace {

TemplateProblem ProblemAt(const Positions& positions, const std::string& pointer,
                          std::string message) {
  const TextPosition at = NearestPosition(positions, pointer);
  return {std::max(1, at.line), std::max(1, at.column), std::move(message)};
}

/// "pipeline.stages.2.member.name" -> "/pipeline/stages/1/name".
std::string PointerOf(std::string_view path) {
  std::string pointer;
  for (const std::string_view part : Split(path, '.')) {
    if (part == "member") continue;
    const auto number = ParseInt(part);
    pointer = PointerAppend(pointer, number ? std::to_string(*number - 1) : std::string(part));
  }
  return pointer;
}

/// The findings of a ValidationException, each with the place that it names.
std::vector<TemplateProblem> SplitFindings(const std::string& message, const std::string& prefix,
                                           const Positions& positions) {
  std::vector<TemplateProblem> problems;
  const size_t start = message.find("detected: ");
  if (start == std::string::npos) return {ProblemAt(positions, prefix, message)};
  std::string rest = message.substr(start + std::string_view("detected: ").size());
  while (!rest.empty()) {
    size_t end = rest.find("; Value ");
    if (end == std::string::npos) end = rest.size();
    const std::string one = rest.substr(0, end);
    rest = end + 2 < rest.size() ? rest.substr(end + 2) : "";
    const size_t at = one.rfind("' failed to satisfy constraint");
    const size_t from = at == std::string::npos ? at : one.rfind(" at '", at);
    std::string pointer;
    if (from != std::string::npos) pointer = PointerOf(one.substr(from + 5, at - from - 5));
    // The structure may stand alone in its file.
    if (prefix.empty() && pointer.starts_with("/pipeline")) pointer.erase(0, 9);
    problems.push_back(ProblemAt(positions, pointer, one));
  }
  return problems;
}

bool Quotes(const std::string& message, const std::string& name) {
  return message.find("'" + name + "'") != std::string::npos;
}

/// The last stage and the last action in it that the message names in quotes.
std::string FindNamed(const Json& pipeline, const std::string& prefix, const std::string& message) {
  std::string stage_pointer, action_pointer;
  const Json& stages = pipeline["stages"];
  if (!stages.is_array()) return prefix;
  for (size_t i = 0; i < stages.size(); ++i) {
    const std::string here = PointerAppend(PointerAppend(prefix, "stages"), std::to_string(i));
    const Json& stage = stages.At(i);
    if (Quotes(message, stage.StringOr("name", ""))) stage_pointer = here;
    if (!stage["actions"].is_array()) continue;
    for (size_t j = 0; j < stage["actions"].size(); ++j)
      if (Quotes(message, stage["actions"].At(j).StringOr("name", "")))
        action_pointer = PointerAppend(PointerAppend(here, "actions"), std::to_string(j));
  }
  const bool is_of_stage =
      message.starts_with("Stage ") || message.find("stage with the name") != std::string::npos;
  if (!action_pointer.empty() && !is_of_stage) return action_pointer;
  return stage_pointer.empty() ? prefix : stage_pointer;
}

/// Where the pipeline is to run, as far as the file says.
std::string RegionOf(const Json& pipeline) {
  if (pipeline["artifactStores"].is_object() && pipeline["artifactStores"].size() > 0)
    return pipeline["artifactStores"].members()[0].name;
  if (pipeline["stages"].is_array())
    for (const Json& stage : pipeline["stages"].items())
      if (stage["actions"].is_array())
        for (const Json& action : stage["actions"].items())
          if (action["region"].is_string()) return action["region"].AsString();
  return "us-east-1";
}

}  // namespace

std::vector<TemplateProblem> PipelineProblems(const Json& document, const Positions& positions) {
  const bool is_wrapped = document["pipeline"].is_object();
  const Json pipeline = is_wrapped ? document["pipeline"] : document;
  const std::string prefix = is_wrapped ? "/pipeline" : "";
  const ModelOperation* operation = models::kCodepipeline.Find("CreatePipeline");
  MILL_ASSERT(operation);
  const Result<Json> checked =
      CheckInput(models::kCodepipeline, *operation, Json::Object{{"pipeline", pipeline}});
  if (!checked) return SplitFindings(checked.error().message, prefix, positions);
  const Result<Json> declared =
      codepipeline::CheckDeclaration((*checked)["pipeline"], 1, RegionOf(pipeline));
  if (declared) return {};
  const std::string& message = declared.error().message;
  return {ProblemAt(positions, FindNamed(pipeline, prefix, message), message)};
}

}  // namespace stepmill
